"""Keep what `sekisho apply` has put on trial."""

from __future__ import annotations

import argparse

from sekisho.cli.reach import DONE, add_reach_arguments, complain, reach
from sekisho.control.client import ControlError

EXAMPLES = """\
sekisho confirm       from a new connection, which proves that there can be one
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_reach_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Confirm; 1 when nothing is on trial."""
    try:
        reach(args, ["confirm"])
    except ControlError as error:
        return complain(str(error))
    print("Confirmed: the new configuration stays.")
    return DONE
