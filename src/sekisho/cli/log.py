"""Show the daemon's own log, wherever it goes: the last lines, or those that come.

Words are jails or addresses: only lines about one of these jails, or about these addresses (a network: about any
address in it). The log is found by asking the server, or else the configuration. A file is read together with the one
that was rotated away last; a log that goes to syslog or to a stream is looked for in the journal.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from sekisho.cli.beautify import printable
from sekisho.cli.log_file import LogFile
from sekisho.cli.log_journal import OF_TARGET, OF_UNITS, JournalError, LogJournal
from sekisho.cli.log_lines import BANS, STYLES, LogLine, Wanted, parse_line
from sekisho.cli.reach import DONE, FAILED, add_reach_arguments, complain, reach
from sekisho.cli.tables import paint
from sekisho.control.client import ControlError
from sekisho.model.address import Family, parse_subject
from sekisho.model.duration import parse_duration
from sekisho.model.loglevel import parse_level
from sekisho.model.logtarget import TargetKind, parse_target

EXAMPLES = """\
sekisho log                          the last 20 lines
sekisho log -f                       and those that come, until you press Ctrl-C
sekisho log sshd --bans --since 1d   bans and unbans of one jail since this time yesterday
sekisho log 192.0.2.0/24 -n 100      about these addresses
sekisho log --level warning --json   what went wrong, one JSON object a line
"""

_FEW = 20  # lines: a screen
_PATIENCE = 2.0  # seconds: a server that hangs is what people read a log for
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("words", nargs="*", metavar="JAIL|ADDRESS", help="only lines about these")
    parser.add_argument(
        "-n", "--lines", type=_count, metavar="N", help=f"at most so many of those that are there [{_FEW}]"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="also the lines that come, across rotations")
    parser.add_argument("--bans", action="store_true", help="only bans, longer bans and unbans")
    parser.add_argument("--level", type=_level, default=0, metavar="LEVEL", help="only lines of this level and above")
    parser.add_argument("--since", type=_since, metavar="TIME", help="only later ones: 2h, 1d; or 2026-07-14 12:00")
    parser.add_argument("--file", metavar="FILE", help="this log, and no other")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    add_reach_arguments(parser)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number of lines, found '{text}'")
    return int(text)


def _level(text: str) -> int:
    try:
        return parse_level(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _since(text: str) -> str:
    """Return the moment as the log's stamps are written."""
    if _DATE.fullmatch(text):
        return text.replace("T", " ")
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; or a date such as 2026-07-14 12:00") from None
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - seconds))


def run(args: argparse.Namespace) -> int:
    """Print the lines; 1 when there are none, or the log cannot be read."""
    wanted = _wanted(args)
    show = _as_json if args.json else _as_text
    most = args.lines if args.lines is not None else None if args.since else _FEW
    try:
        with contextlib.closing(_open(args)) as log:
            there = list(islice(_wanted_of(log.backwards(wanted), wanted), most))
            for line in reversed(there):
                print(show(line))
            sys.stdout.flush()
            if args.follow:
                for line in log.follow():
                    if any(each.admits(line) for each in wanted):
                        print(show(line), flush=True)
    except BrokenPipeError:
        raise
    except (OSError, JournalError, ControlError, ValueError) as error:
        return complain(printable(f"cannot show the log: {error}"))
    if not there and most != 0:
        complain("no such line in the log")
        return FAILED
    return DONE


def _wanted(args: argparse.Namespace) -> tuple[Wanted, ...]:
    """Return what is wanted, one for each word; a line is shown that one of them admits."""
    common = Wanted(events=BANS if args.bans else frozenset(), level=args.level, since=args.since or "")
    found: list[Wanted] = []
    for word in args.words:
        subject = parse_subject(word)
        is_jail = subject.family is Family.OTHER
        found.append(replace(common, jail=word) if is_jail else replace(common, subject=subject))
    return tuple(found) or (common,)


def _wanted_of(lines: Iterator[LogLine], wanted: tuple[Wanted, ...]) -> Iterator[LogLine]:
    for line in lines:
        if wanted[0].ends_before(line):
            return
        if any(each.admits(line) for each in wanted):
            yield line


class _Log:
    """A file's lines as `LogJournal` hands over entries."""

    def __init__(self, path: str) -> None:
        self._file = LogFile(path)

    def close(self) -> None:
        self._file.close()

    def backwards(self, wanted: tuple[Wanted, ...]) -> Iterator[LogLine]:
        hints = tuple(each.hint for each in wanted)
        return (parse_line(line) for line in self._file.backwards() if any(hint in line for hint in hints))

    def follow(self) -> Iterator[LogLine]:
        return map(parse_line, self._file.follow())


def _open(args: argparse.Namespace) -> _Log | LogJournal:
    """Open the log. Raises OSError, ControlError, ValueError."""
    if args.file:
        return _Log(args.file)
    target = parse_target(_find_target(args))
    if target.kind is TargetKind.FILE:
        return _Log(os.path.abspath(target.path))  # noqa: PTH100 - as the kernel reads it, links and all
    return LogJournal(OF_TARGET if target.kind is TargetKind.JOURNAL else OF_UNITS)


def _find_target(args: argparse.Namespace) -> str:
    """Return where the running daemon writes, or where one would."""
    from sekisho.config.load import ConfigError, find_directory, load_server

    try:
        return str(reach(args, ["get", "logtarget"], timeout=_PATIENCE))
    except ControlError:
        pass
    try:
        return load_server(find_directory(args.config)).logtarget
    except ConfigError as error:
        raise ControlError(str(error)) from None


def _as_json(line: LogLine) -> str:
    return json.dumps(line.document())


def _as_text(line: LogLine) -> str:
    """Return the line as the log has it; on a terminal its event, or its level where that is grave, has a colour."""
    text = printable(str(line)).replace("\n", "\\n")
    style = STYLES.get(line.event) or STYLES.get(line.level)
    return paint(text, style) if style else text
