"""Lift bans by hand, in one jail or in all."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from sekisho.cli.ban import add_target_arguments, parse_target
from sekisho.cli.beautify import printable
from sekisho.cli.reach import DONE, FAILED, MISUSED, barred, complain, reach
from sekisho.cli.tables import print_json
from sekisho.control.client import ControlError
from sekisho.model.address import parse_subject

EXAMPLES = """\
sekisho unban sshd 192.0.2.1
sekisho unban --all 192.0.2.0/24       every banned address of the network, in every jail
sekisho unban sshd 2001:db8::7         also the prefix around it that the jail has banned (ipv6_prefix)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_target_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Unban, and say what was lifted; fails when somebody was not banned."""
    try:
        jail, addresses = parse_target(args)
    except ValueError as error:
        complain(str(error))
        return MISUSED
    try:
        lifted = reach(args, ["lift", jail, *addresses])
        absent = {each: barred(args, each) for each in addresses if not _is_among(each, lifted)}
    except ControlError as error:
        return complain(str(error))
    if args.json:
        print_json({"unbanned": lifted, "absent": absent})
        return FAILED if absent else DONE
    for ban in lifted:
        print(printable(f"{ban['jail']}: {ban['address']} unbanned"))
    for address, bans in absent.items():
        complain(_why_not(jail, address, bans))
    return FAILED if absent else DONE


def _is_among(address: str, bans: Sequence[Mapping[str, Any]]) -> bool:
    subject, lifted = parse_subject(address), [parse_subject(ban["address"]) for ban in bans]
    return any(subject.covers(each) or each.covers(subject) for each in lifted)


def _why_not(jail: str, address: str, bans: Sequence[Mapping[str, Any]]) -> str:
    where = "in any jail" if jail == "--all" else f"in jail '{jail}'"
    said = f"{address} is not banned {where}"
    around = [ban for ban in bans if ban["address"] != address]
    elsewhere = [ban["jail"] for ban in bans if ban["address"] == address]
    if around:
        said += (
            "; the network " + ", ".join(f"{ban['address']} in jail '{ban['jail']}'" for ban in around) + " covers it"
        )
    if elsewhere:
        said += f"; it is in {', '.join(elsewhere)}"
    return said
