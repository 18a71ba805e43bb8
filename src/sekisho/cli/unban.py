"""Lift bans by hand, in one jail or in all."""

from __future__ import annotations

import argparse
import json

from sekisho.cli.ban import add_target_arguments, parse_target
from sekisho.cli.beautify import printable
from sekisho.cli.reach import DONE, FAILED, MISUSED, complain, reach
from sekisho.control.client import ControlError

EXAMPLES = """\
sekisho unban sshd 192.0.2.1
sekisho unban --all 192.0.2.0/24       every banned address of the network, in every jail
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_target_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Unban, and say what was lifted; fails when nothing was."""
    try:
        jail, addresses = parse_target(args)
    except ValueError as error:
        complain(str(error))
        return MISUSED
    try:
        lifted = reach(args, ["lift", jail, *addresses])
    except ControlError as error:
        return complain(str(error))
    if args.json:
        print(json.dumps({"unbanned": lifted}))
        return DONE if lifted else FAILED
    for ban in lifted:
        print(printable(f"{ban['jail']}: {ban['address']} unbanned"))
    if not lifted:
        where = "any jail" if args.everywhere else f"jail '{jail}'"
        return complain(f"not banned in {where}: {', '.join(addresses)} (who is: sekisho status)")
    return DONE
