"""Read the configuration again and apply the difference; --dry-run shows it beforehand.

Failures, bans, positions and the jails that do not change stay as they are. A tree that cannot be used changes nothing;
a jail in error goes on as it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from sekisho.cli.beautify import printable
from sekisho.cli.reach import DONE, FAILED, Unreached, add_reach_arguments, complain, nearest, reach
from sekisho.cli.tables import paint, print_json
from sekisho.control.client import ControlError
from sekisho.model.problem import parse_problem

EXAMPLES = """\
sekisho reload --dry-run          what would change, option by option; nothing does
sekisho reload                    the same, done
sekisho reload sshd               one jail, no other
sekisho reload --dry-run --json   one JSON document, for a program
"""

_COLOURS = {"added": "green", "removed": "red", "restarted": "yellow", "changed": "cyan", "kept as it is": "bold red"}
_LONGEST = 100  # characters of a value; --json has it whole


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("jail", nargs="?", metavar="JAIL", help="this jail only")
    parser.add_argument("-n", "--dry-run", action="store_true", help="change nothing, only show what would change")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    add_reach_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Reload, and print what changed; 1 when it was refused, or a jail is in error."""
    words = ["reload", "--dry-run" if args.dry_run else "--report", *([args.jail] if args.jail else [])]
    try:
        outcome = reach(args, words)
    except Unreached as error:
        return complain(str(error))
    except ControlError as error:
        is_unknown = "no jail" in str(error) or "No section" in str(error)  # reach's words, and the engine's
        return complain((is_unknown and _slip(args)) or str(error))
    if args.json:
        print_json(outcome)
    else:
        print_outcome(outcome)
    return exit_status(outcome)


def exit_status(outcome: Mapping[str, Any]) -> int:
    """Return 1 where a jail is in error, else 0."""
    failed = any(problem["severity"] == "error" for problem in outcome["problems"])
    return FAILED if failed or any(jail["fate"] == "kept as it is" for jail in outcome["jails"]) else DONE


def _slip(args: argparse.Namespace) -> str:
    """Return what is wrong with the jail's name, nothing where the configuration knows it."""
    from sekisho.config.errors import ConfigError
    from sekisho.config.files import Files
    from sekisho.config.ini import DEFAULT
    from sekisho.config.layers import merge
    from sekisho.config.load import find_directory

    try:
        known = [name for name in merge(Files(find_directory(args.config)), "jail").sections if name != DEFAULT]
    except ConfigError:
        return ""
    return "" if args.jail in (None, *known) else f"no jail '{args.jail}' is configured; {nearest(args.jail, known)}"


def print_outcome(outcome: Mapping[str, Any]) -> None:
    """Show what changes, option by option, and what is wrong."""
    for problem in outcome["problems"]:
        print(printable(f"{problem['severity'] + ':':<9}{parse_problem(problem)}"))
    for change in outcome["server"]:
        print(_line("fail2ban.conf", change))
    for jail in outcome["jails"]:
        name = printable(jail["jail"])
        if jail["fate"] != "changed" or jail["note"]:
            note = f": {printable(jail['note'])}" if jail["note"] else ""
            print(f"{name}: {paint(jail['fate'], _COLOURS[jail['fate']])}{note}")
        for change in jail["options"]:
            print(_line(name, change))
    if not outcome["jails"] and not outcome["server"]:
        print("Nothing changes.")


def _line(where: str, change: Mapping[str, Any]) -> str:
    effect = paint(f"({change['effect']})", "dim")
    return f"{where}: {printable(change['option'])} {_value(change['old'])} → {_value(change['new'])}  {effect}"


def _value(text: str) -> str:
    shown = printable(text.replace("\n", " "))
    return (shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…") or "(not set)"
