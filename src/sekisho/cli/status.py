"""Show how the server and its jails stand, and who is banned."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any

from sekisho.cli import counters
from sekisho.cli.addresses import looks_like_address, parse_address
from sekisho.cli.beautify import printable
from sekisho.cli.moment import moment, span
from sekisho.cli.reach import DONE, FAILED, MISUSED, add_reach_arguments, barred, complain, reach
from sekisho.cli.tables import Table, paint, print_json, print_table
from sekisho.control.client import ControlError
from sekisho.model.problem import parse_problem

EXAMPLES = """\
sekisho status               all jails
sekisho status sshd          one jail, and each of its bans
sekisho status --counters    how many packets the bans have stopped; with a jail, each of its bans
sekisho status 192.0.2.1     in which jails an address is barred: since and until when, and why
sekisho status --json        the same, for a program
"""

COLOURS = {"error": "bold red", "warning": "yellow"}
"""How a problem's severity is painted."""

_NUMBERS = frozenset({"FAILED", "IN ALL", "BANNED", "EVER", "FAILURES", "TIMES"})
_SCREEN = 20  # bans that a terminal shows unasked


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "what", nargs="?", metavar="JAIL|ADDRESS", help="this jail, with its bans, or the bans of this address"
    )
    parser.add_argument("--all", action="store_true", help=f"each ban, on a terminal too, which shows {_SCREEN} else")
    parser.add_argument("--json", action="store_true", help="one JSON document; times in seconds since the epoch")
    parser.add_argument("--counters", action="store_true", help="the packets that the firewall has stopped")
    add_reach_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the status; the exit status."""
    if args.counters:
        return counters.run(args)
    try:
        if args.what is None:
            _print_server(args)
        elif looks_like_address(args.what):
            return _print_address(args, parse_address(args.what).text)
        else:
            _print_jail(args)
    except ControlError as error:
        return complain(str(error))
    except ValueError as error:
        complain(str(error))
        return MISUSED
    return DONE


def _print_server(args: argparse.Namespace) -> None:
    if args.json:
        print_json(reach(args, ["overview"]))
        return
    status = reach(args, ["overview", "--most", "0"])
    jails = status["jails"]
    banned = sum(jail["banned"] for jail in jails)
    rows = [
        [
            jail["name"],
            *(str(jail[key]) for key in ("failed", "failed_total", "banned", "banned_total")),
            jail["backend"],
            "; ".join(jail["health"]) or "well",
        ]
        for jail in jails
    ]
    count = "1 jail" if len(jails) == 1 else f"{len(jails)} jails"
    heading = f"Sekisho {status['version']}, started {moment(status['started'])}: {count}, {banned} banned"
    print_table(Table(heading, ("JAIL", "FAILED", "IN ALL", "BANNED", "EVER", "READS", "HEALTH"), rows, _NUMBERS))
    for problem in status["problems"]:
        severity = paint(f"{problem['severity']}:", COLOURS[problem["severity"]])
        print(f"{severity} {printable(str(parse_problem(problem)))}")


def _print_address(args: argparse.Namespace, address: str) -> int:
    """Print where an address is barred, itself or by a network around it; 1 where it is not."""
    bans = barred(args, address)
    if args.json:
        print_json({"address": address, "bans": bans})
    elif bans:
        columns = ("JAIL", "ADDRESS", "SINCE", "UNTIL", "FAILURES", "TIMES", "WHY")
        print_table(Table("", columns, [[ban["jail"], *_cells(ban)] for ban in bans], _NUMBERS))
    else:
        print(f"{address} is barred in no jail")
    return DONE if bans else FAILED


def _print_jail(args: argparse.Namespace) -> None:
    is_cut = sys.stdout.isatty() and not args.all and not args.json
    (jail,) = reach(args, ["overview", *(["--most", str(_SCREEN)] if is_cut else []), args.what])["jails"]
    if args.json:
        print_json(jail)
        return
    facts = {
        "reads": ", ".join(jail["files"]) or " + ".join(jail["journalmatch"]) or "nothing yet",
        "filter": jail["filter"],
        "bans": limits(jail),
        "actions": ", ".join(jail["actions"]) or "none",
        "failed": f"{jail['failed']} now, {jail['failed_total']} in all",
        "banned": f"{jail['banned']} now, {jail['banned_total']} in all",
        "health": "; ".join(jail["health"]) or "well",
    }
    print(paint(printable(f"Jail {jail['name']} ({jail['backend']})"), "bold"))
    for name, text in facts.items():
        print(f"  {name:<9}{printable(text)}")
    bans = jail["bans"]
    if bans:
        rows = [_cells(ban) for ban in bans]
        print_table(Table("", ("ADDRESS", "SINCE", "UNTIL", "FAILURES", "TIMES", "WHY"), rows, _NUMBERS))
    if len(bans) < jail["banned"]:
        print(f"... and {jail['banned'] - len(bans):,} more: --all")


def limits(jail: Mapping[str, Any]) -> str:
    """Return when a jail bans, for how long, and how much of an address."""
    when = f"{jail['maxretry']} failures within {span(jail['findtime'])}: for {span(jail['bantime'])}"
    lengths = (("IPv4", jail["ipv4_prefix"], 32), ("IPv6", jail["ipv6_prefix"], 128))
    return ", ".join([when, *(f"{family} by /{length}" for family, length, whole in lengths if length < whole)])


def _cells(ban: Mapping[str, Any]) -> list[str]:
    return [
        ban["address"],
        moment(ban["time"]),
        "for ever" if ban["until"] is None else moment(ban["until"]),
        str(ban["failures"]),
        str(ban["count"]),
        ": ".join(filter(None, (ban["cause"], ban["reason"]))),
    ]
