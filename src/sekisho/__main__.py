"""The entry of the `sekisho` command: above all floors, so that it may offer the daemon's verbs beside those of cli."""

from __future__ import annotations

import sys

from sekisho.cli.main import VERBS
from sekisho.cli.main import main as run_verb


def main() -> int:
    """Carry out the command line; the exit status."""
    return run_verb(verbs={"run": "sekisho.daemon.run", "adopt": "sekisho.adopt", **VERBS})


if __name__ == "__main__":
    sys.exit(main())
