"""Moments and spans: as a person thinks of them on a terminal, whole and always alike in a pipe."""

from __future__ import annotations

import sys
import time

from sekisho.model.duration import Seconds, render_duration


def moment(seconds: float) -> str:
    """Return a moment (seconds since the epoch): `5m ago` or `in 2h 3m` on a terminal, else date and time."""
    return relative(seconds, time.time()) if sys.stdout.isatty() else absolute(seconds)


def relative(seconds: float, now: float) -> str:
    """Return a moment as seen at `now`, to the two greatest units."""
    distance = int(seconds - now)
    if distance == 0:
        return "now"
    span = " ".join(render_duration(abs(distance)).split()[:2])
    return f"in {span}" if distance > 0 else f"{span} ago"


def absolute(seconds: float) -> str:
    """Return a moment in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def span(seconds: Seconds) -> str:
    """Return how long something lasts, as an administrator would write it; -1 is for ever."""
    return "ever" if seconds == -1 else render_duration(seconds)
