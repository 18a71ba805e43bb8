"""The only place that asks what time it is."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time; a test brings its own."""

    def now(self) -> float:
        """Return seconds since the epoch."""


class SystemClock:
    """The host's clock."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        return time.time()
