"""Show how the server and its jails stand, and who is banned."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from typing import Any

from sekisho.cli import counters
from sekisho.cli.beautify import printable
from sekisho.cli.reach import DONE, add_reach_arguments, complain, reach
from sekisho.cli.tables import Table, print_table
from sekisho.control.client import ControlError
from sekisho.model.problem import parse_problem

EXAMPLES = """\
sekisho status               all jails
sekisho status sshd          one jail, and each of its bans
sekisho status --counters    how many packets the bans have stopped; with a jail, each of its bans
sekisho status --json        the same, for a program
"""

_NUMBERS = frozenset({"FAILED", "IN ALL", "BANNED", "EVER", "FAILURES", "TIMES"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("jail", nargs="?", metavar="JAIL", help="this jail, with its bans")
    parser.add_argument("--json", action="store_true", help="one JSON document; times in seconds since the epoch")
    parser.add_argument("--counters", action="store_true", help="the packets that the firewall has stopped")
    add_reach_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the status; the exit status."""
    if args.counters:
        return counters.run(args)
    try:
        status = reach(args, ["overview", *([args.jail] if args.jail else [])])
    except ControlError as error:
        return complain(str(error))
    if args.json:
        print(json.dumps(status["jails"][0] if args.jail else status, indent=2))
    elif args.jail:
        _print_jail(status["jails"][0])
    else:
        _print_server(status)
    return DONE


def _print_server(status: Mapping[str, Any]) -> None:
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
    heading = f"Sekisho {status['version']}, since {_moment(status['started'])}: {count}, {banned} banned"
    print_table(Table(heading, ("JAIL", "FAILED", "IN ALL", "BANNED", "EVER", "READS", "HEALTH"), rows, _NUMBERS))
    for problem in status["problems"]:
        print(f"{problem['severity']}: {printable(str(parse_problem(problem)))}")


def _print_jail(jail: Mapping[str, Any]) -> None:
    facts = {
        "reads": ", ".join(jail["files"]) or " + ".join(jail["journalmatch"]) or "nothing yet",
        "failed": f"{jail['failed']} now, {jail['failed_total']} in all",
        "banned": f"{jail['banned']} now, {jail['banned_total']} in all",
        "health": "; ".join(jail["health"]) or "well",
    }
    print(f"Jail {jail['name']} ({jail['backend']})")
    for name, text in facts.items():
        print(f"  {name:<8}{printable(text)}")
    rows = [
        [
            ban["address"],
            _moment(ban["time"]),
            "for ever" if ban["until"] is None else _moment(ban["until"]),
            str(ban["failures"]),
            str(ban["count"]),
            ": ".join(filter(None, (ban["cause"], ban["reason"]))),
        ]
        for ban in jail["bans"]
    ]
    if rows:
        print_table(Table("", ("ADDRESS", "SINCE", "UNTIL", "FAILURES", "TIMES", "WHY"), rows, _NUMBERS))


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
