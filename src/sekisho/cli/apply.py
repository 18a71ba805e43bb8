"""Apply a changed configuration on trial: it is taken back unless it is confirmed in time.

The daemon counts the time, so that it does so even where the new configuration has cut off whoever applied it. What
machines have banned meanwhile is lifted, too. Confirm by Enter, or from another connection by `sekisho confirm`. The
files stay as they are: a daemon that is started anew meanwhile reads them.
"""

from __future__ import annotations

import argparse
import json
import select
import sys
import time

from sekisho.cli.beautify import printable
from sekisho.cli.confirm import run as confirm
from sekisho.cli.reach import DONE, FAILED, add_reach_arguments, complain, reach
from sekisho.cli.reload import exit_status, print_outcome
from sekisho.control.client import ControlError
from sekisho.model.duration import parse_duration

EXAMPLES = """\
sekisho apply --confirm 120     two minutes to see whether one still gets in
sekisho apply --confirm 5m      and then, from a new connection: sekisho confirm
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--confirm", required=True, type=_seconds, metavar="TIME", help="how long to wait: 120, 5m; at most 1h"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document; Enter is not waited for")
    add_reach_arguments(parser)


def _seconds(text: str) -> int:
    try:
        return int(parse_duration(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(args: argparse.Namespace) -> int:
    """Apply, and at a terminal wait for Enter; 1 when it was refused or taken back, or a jail is in error."""
    end = time.monotonic() + args.confirm
    try:
        outcome = reach(args, ["apply", str(args.confirm)])
    except ControlError as error:
        return complain(printable(str(error)))
    if args.json:
        print(json.dumps(outcome, indent=2))
        return exit_status(outcome)
    print_outcome(outcome)
    if not sys.stdin.isatty():
        print(f"On trial: to keep it, say `sekisho confirm` within {args.confirm} s; else it is taken back.")
        return exit_status(outcome)
    print(f"On trial: press Enter to keep it, or say `sekisho confirm`; in {args.confirm} s it is taken back.")
    status = confirm(args) if _is_entered(end) else _tell_end(args)
    return status or exit_status(outcome)


def _is_entered(end: float) -> bool:
    """Wait for Enter until `end`; False where it does not come, or nobody is there any more."""
    readable, _, _ = select.select([sys.stdin], [], [], max(0.0, end - time.monotonic()))
    return bool(readable) and sys.stdin.readline() != ""


def _tell_end(args: argparse.Namespace) -> int:
    """Say what became of it: it may have been confirmed elsewhere."""
    try:
        trial = reach(args, ["trial"])
    except ControlError as error:
        return complain(str(error))
    if trial["until"] is None and trial["rolled_back"] is None:
        print("Confirmed elsewhere: the new configuration stays.")
        return DONE
    print("Not confirmed: what ran before is put in force again. The files are as you left them.")
    return FAILED
