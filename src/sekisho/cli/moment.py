"""Moments and spans: as a person thinks of them on a terminal, whole and always alike in a pipe."""

from __future__ import annotations

import sys
import time
from functools import lru_cache

from sekisho.model.duration import Seconds, parse_duration, render_duration

_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d")


def moment(seconds: float) -> str:
    """Return a moment (seconds since the epoch): `5m ago` or `in 2h 3m` on a terminal, else date and time."""
    return relative(seconds, time.time()) if sys.stdout.isatty() else absolute(seconds)


def relative(seconds: float, now: float) -> str:
    """Return a moment as seen at `now`, to the two greatest units."""
    distance = int(seconds - now)
    if distance == 0:
        return "now"
    far = " ".join(render_duration(abs(distance)).split()[:2])
    return f"in {far}" if distance > 0 else f"{far} ago"


def absolute(seconds: float) -> str:
    """Return a moment in local time."""
    return _second(int(seconds))


@lru_cache(maxsize=4096)  # thousands of bans share a second
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def span(seconds: Seconds) -> str:
    """Return how long something lasts, as an administrator would write it; -1 is for ever."""
    return "ever" if seconds == -1 else render_duration(seconds)


def parse_moment(text: str, now: float) -> float:
    """Return the moment that `text` names: a span before `now` (`2h`), or a date, with a time or not.

    Raises:
        ValueError: it is neither.

    """
    for form in _FORMS:
        try:
            return time.mktime(time.strptime(text, form))
        except (ValueError, OverflowError):
            continue
    try:
        return now - parse_duration(text)
    except ValueError as error:
        known = "a span such as 2h, or a date such as 2026-07-14 12:00"
        raise ValueError(f"{text!r} is no moment: expected {known} ({error})") from None
