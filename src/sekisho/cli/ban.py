"""Ban addresses by hand, in one jail or in all."""

from __future__ import annotations

import argparse

from sekisho.cli.addresses import looks_like_address, parse_address
from sekisho.cli.reach import DONE, MISUSED, add_reach_arguments, complain, reach
from sekisho.cli.tables import print_json
from sekisho.control.client import ControlError
from sekisho.model.duration import parse_duration

EXAMPLES = """\
sekisho ban sshd 192.0.2.1                          for the jail's bantime
sekisho ban sshd 192.0.2.0/24 2001:db8::1 --for 2h
sekisho ban --all 192.0.2.1 --for 1w --reason "ticket 4711"
sekisho ban --force sshd 192.0.2.0/24               though a live session comes from there
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_target_arguments(parser)
    parser.add_argument(
        "--for", dest="length", type=_length, metavar="TIME", help="how long: 90s, 2h, 1w; -1: for ever"
    )
    parser.add_argument("--force", action="store_true", help="though it may lock somebody out who is to get in")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the ledger and for `status`")


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare whom and where: shared with `unban`."""
    parser.usage = "%(prog)s [OPTIONS] (JAIL | --all) ADDRESS..."
    parser.add_argument("words", nargs="+", metavar="JAIL ADDRESS", help="the jail (not with --all), then addresses")
    parser.add_argument("--all", action="store_true", dest="everywhere", help="in every jail")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    add_reach_arguments(parser)


def parse_target(args: argparse.Namespace) -> tuple[str, list[str]]:
    """Return the jail (`--all` for every one) and the addresses.

    Raises:
        ValueError: an address is missing, or is none.

    """
    jail, *addresses = ["--all", *args.words] if args.everywhere else args.words
    if looks_like_address(jail):
        raise ValueError(f"in which jail? for example: sshd {jail}, or --all {jail}")
    if not addresses:
        raise ValueError(f"which address? for example: {jail} 192.0.2.1")
    return jail, [parse_address(address).text for address in addresses]


def _length(text: str) -> str:
    """Return the time as the server is told it: a number of seconds."""
    try:
        return str(parse_duration(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(args: argparse.Namespace) -> int:
    """Ban, and say what is new; the exit status."""
    try:
        jail, addresses = parse_target(args)
    except ValueError as error:
        complain(str(error))
        return MISUSED
    words = ["ban", jail, *addresses, "--reason", args.reason, *(["--force"] if args.force else [])]
    if args.length is not None:
        words += ["--for", args.length]
    try:
        counts = reach(args, words)
    except ControlError as error:
        return complain(str(error))
    if args.json:
        print_json({"banned": counts})
        return DONE
    for name, count in counts.items():
        known = len(addresses) - count
        print(f"{name}: {count} banned" + (f", {known} already were" if known else ""))
    return DONE
