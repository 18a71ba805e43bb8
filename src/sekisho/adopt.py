"""Take over from an installed Fail2ban: its bans and history, what differs, and how to switch.

Its configuration is read where it lies, its database while it may be running; neither is written to. Done again, only
what is new is taken over. With --shadow, both judge the same past logs, and every difference is told.

The report is cli's, the hands are the daemon's; so the verb stands above both rooms.
"""

from __future__ import annotations

import argparse

from sekisho.cli.adopt import EXAMPLES, add_arguments, run_with
from sekisho.daemon.adopt_bans import look, take_over

__all__ = ["EXAMPLES", "add_arguments", "run"]


def run(args: argparse.Namespace) -> int:
    """Take over, and report; the exit status."""
    return run_with(args, look=look, take_over=take_over)
