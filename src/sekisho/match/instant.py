"""When a record was written, as one of its fields says it: RFC 3339, seconds since the epoch and their parts, dates."""

from __future__ import annotations

import re

from sekisho.match.dates import DateDetector, DateMemory
from sekisho.match.stamps import stamp_of

_LONGEST = 128  # characters of a date

_ISO = re.compile(
    r"(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})[T ]"
    r"(?P<H>[01][0-9]|2[0-3]):(?P<M>[0-5][0-9])(?::(?P<S>[0-5][0-9]|60)(?:[.,][0-9]+)?)?"
    r" ?(?P<z>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]*)?(?:[Ee]\+?[0-9]{1,2})?")
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))
"""Below which number it counts seconds, milliseconds, microseconds, nanoseconds: the years 1973 to 5138 of each."""


def instant_of(text: str, detector: DateDetector, memory: DateMemory, *, now: float) -> float | None:
    """Seconds since the epoch of a field's text; None where it is no time. `memory` is that of the field's source."""
    text = text.strip()[:_LONGEST]
    if _NUMBER.fullmatch(text):
        number = float(text)
        return next((round(number / unit, 6) for limit, unit in _UNITS if number < limit), None)
    if found := _ISO.fullmatch(text):
        parts = found.groupdict()
        if parts["z"] is not None:
            parts["z"] = parts["z"].upper()
        return stamp_of(parts, now=now, zone=detector.zone)
    date = detector.find(text, memory, now=now)
    return None if date is None else date.stamp
