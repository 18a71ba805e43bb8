"""The entry of the `sekisho` command: above all floors, so that it may offer the daemon's verbs beside those of cli."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from sekisho.cli.main import VERBS
from sekisho.cli.main import main as run_verb


def verbs() -> Mapping[str, str]:
    """Return every verb and its module."""
    return {"run": "sekisho.daemon.run", "adopt": "sekisho.adopt", **VERBS}


def main() -> int:
    """Carry out the command line; the exit status."""
    return run_verb(verbs=verbs())


if __name__ == "__main__":
    sys.exit(main())
