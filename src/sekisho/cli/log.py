"""Show the server's log: the last lines, those of one jail, of one address, of one kind; -f waits for more.

It is found by itself: in a file, or in the journal, as the server's logtarget says. Colour is for terminals.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from sekisho.cli.addresses import parse_address
from sekisho.cli.beautify import printable
from sekisho.cli.logline import EVENTS, Record, Wanted
from sekisho.cli.logreader import Unreadable, read_file, read_journal
from sekisho.cli.moment import absolute, parse_moment
from sekisho.cli.reach import DONE, add_reach_arguments, complain, reach
from sekisho.cli.tables import paint
from sekisho.control.client import ControlError
from sekisho.model.loglevel import parse_level

EXAMPLES = """\
sekisho log                                 the last lines
sekisho log -f --jail sshd                  what happens in one jail, as it happens
sekisho log --address 192.0.2.1 -n all      all that is known of an address, or of a network around it
sekisho log --event ban unban --since 1d    who was barred and let go since yesterday
sekisho log --level warning --json          one JSON object a line, for a program
"""

_LEVELS = {"CRITICAL": "bold red", "ERROR": "red", "WARNING": "yellow", "NOTICE": "bold"}
_EVENTS = {"ban": "bold red", "restore": "red", "increase": "red", "unban": "green", "found": "cyan", "ignore": "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("-n", "--lines", type=_count, default=50, metavar="N", help="so many lines at most [50], or all")
    add("-f", "--follow", action="store_true", help="go on with what is written from now on, across rotation")
    add("--jail", metavar="JAIL", default="", help="of this jail")
    add("--address", type=_address, metavar="ADDRESS", help="of this address or network")
    add("--event", nargs="+", choices=EVENTS, default=[], help="of these kinds")
    add("--level", type=_level, default=0, metavar="LEVEL", help="of this level (warning, say) or a graver one")
    add("--since", type=_moment, metavar="TIME", help="not older: 90s, 2h, 1d, or 2026-07-14 12:00")
    add("--file", metavar="FILE", help="in this file, wherever the server writes")
    add("--json", action="store_true", help="one JSON object a line; times in seconds since the epoch")
    add_reach_arguments(parser)


def _count(text: str) -> int:
    if text == "all":
        return sys.maxsize
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number of lines, or all, not {text!r}")
    return int(text)


def _address(text: str) -> str:
    try:
        return parse_address(text).text
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _level(text: str) -> int:
    try:
        return parse_level(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _moment(text: str) -> float:
    try:
        return parse_moment(text, time.time())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(args: argparse.Namespace) -> int:
    """Print the records; 1 when there is no log to be read."""
    try:
        for record in _records(args):
            print(json.dumps(asdict(record)) if args.json else _line(record), flush=args.follow)
    except (Unreadable, ControlError) as error:
        return complain(str(error))
    return DONE


def _records(args: argparse.Namespace) -> Iterator[Record]:
    wanted = Wanted(args.jail, args.address or "", frozenset(args.event), args.level, args.since)
    target = args.file or _target(args)
    match target.partition("[")[0].strip().upper():
        case "SYSLOG" | "SYSTEMD-JOURNAL" | "JOURNAL":
            match = ["--identifier=fail2ban", "_UID=0"]  # anybody may call himself fail2ban
        case "STDOUT" | "STDERR" | "SYSOUT":  # a service's
            match = ["--unit=sekisho.service"]
        case _:
            path = Path(args.file or target.partition("[")[0].strip())
            return read_file(path, number=args.lines, wants=wanted.admits, goes_on=args.follow)
    return read_journal(match, number=args.lines, since=args.since, wants=wanted.admits, goes_on=args.follow)


def _target(args: argparse.Namespace) -> str:
    """Where the server writes its log; where it would, if there is none."""
    try:
        return str(reach(args, ["get", "logtarget"]))
    except ControlError:
        from sekisho.config.load import ConfigError, find_directory, load_server

        try:
            return load_server(find_directory(args.config)).logtarget
        except ConfigError as error:
            raise Unreadable(f"no server tells where its log is, and {error}") from None


def _line(record: Record) -> str:
    """Return a record as a line, none of whose characters a terminal would obey."""
    moment = "" if record.time is None else f"{absolute(record.time)} "
    level = f"{record.level:<8} " if record.level else ""
    style = _LEVELS.get(record.level, "")
    message = printable(record.message).replace("\n", "\\n").replace("\t", "\\t")
    if event := _EVENTS.get(record.event):
        message = paint(message, event)
    return (paint(moment, "dim") if moment else "") + (paint(level, style) if style and level else level) + message
