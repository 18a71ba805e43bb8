"""What `sekisho status --counters` shows: the packets that the firewall has stopped, by jail or by ban."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from sekisho.cli.beautify import printable
from sekisho.cli.moment import moment
from sekisho.cli.reach import DONE, complain, reach
from sekisho.cli.tables import Table, print_json, print_table
from sekisho.control.client import ControlError

_NUMBERS = frozenset({"BANNED", "PACKETS", "BYTES"})
_UNITS = ("KiB", "MiB", "GiB", "TiB")
_STEP = 1024


def run(args: argparse.Namespace) -> int:
    """Print what each jail, or each ban of one jail, has stopped; the exit status."""
    try:
        jails = reach(args, ["counters", *([args.what] if args.what else [])])
    except ControlError as error:
        return complain(str(error))
    if args.json:
        print_json(jails[0] if args.what else {"jails": jails})
    elif args.what:
        _print_jail(jails[0])
    else:
        _print_jails(jails)
    return DONE


def _print_jails(jails: Sequence[Mapping[str, Any]]) -> None:
    packets, octets = (sum(jail[key] for jail in jails) for key in ("packets", "bytes"))
    rows = [[jail["jail"], str(jail["banned"]), *_cells(jail)] for jail in jails]
    heading = f"All standing bans: {render_dropped(packets, octets)}"
    print_table(Table(heading, ("JAIL", "BANNED", "PACKETS", "BYTES"), rows, _NUMBERS))
    for jail in jails:
        _print_silent(jail)


def _print_jail(jail: Mapping[str, Any]) -> None:
    heading = f"Jail {jail['jail']}, standing bans: {render_dropped(jail['packets'], jail['bytes'])}"
    bans = sorted(jail["bans"], key=lambda ban: (-ban["packets"], ban["address"]))
    until = ("for ever" if ban["until"] is None else moment(ban["until"]) for ban in bans)
    rows = [[ban["address"], moment(ban["since"]), end, *_cells(ban)] for ban, end in zip(bans, until, strict=True)]
    print_table(Table(heading, ("ADDRESS", "SINCE", "UNTIL", "PACKETS", "BYTES"), rows, _NUMBERS))
    _print_silent(jail)


def _print_silent(jail: Mapping[str, Any]) -> None:
    for action, why in jail["silent"].items():
        print(printable(f"Action {action!r} of jail {jail['jail']!r} is not counted: {why}"))


def _cells(count: Mapping[str, int]) -> list[str]:
    return [f"{count['packets']:,}", render_size(count["bytes"])]


def render_dropped(packets: int, octets: int) -> str:
    """Return `dropped 4,312 packets (310 KiB)`."""
    return f"dropped {packets:,} packet{'' if packets == 1 else 's'} ({render_size(octets)})"


def render_size(octets: int) -> str:
    """Return a number of bytes in the largest unit of which there is at least one."""
    if octets < _STEP:
        return f"{octets} B"
    size, unit = float(octets), "B"
    for unit in _UNITS:  # noqa: B007 - the last one reached is used
        size /= _STEP
        if size < _STEP:
            break
    return f"{size:.1f} {unit}" if size < 10 else f"{size:.0f} {unit}"
