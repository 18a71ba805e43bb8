"""How a jail's date pattern is told: as it is written, and in words (COMPAT 6.3)."""

from __future__ import annotations

import re

from sekisho.control.protocol import Value
from sekisho.model.specs import FilterSpec

_DATE_NAMES = {
    "a": "DAY", "A": "DAY", "b": "MON", "B": "MON", "d": "Day", "f": "Microseconds", "H": "24hour", "I": "12hour",
    "j": "Yearday", "m": "Month", "M": "Minute", "p": "AMPM", "S": "Second", "y": "Year2", "Y": "Year",
    "z": "Zone offset", "Z": "Zone name", "%": "%",
}  # fmt: skip


_DATE_WORDS = {"EPOCH": "Epoch", "LEPOCH": "LongEpoch", "TAI64N": "TAI64N"}


def date_patterns(spec: FilterSpec) -> Value:
    """Return the pattern in force and its name in words; (None, name) for what is no pattern of the user's."""
    patterns = spec.datepattern
    if not 1 <= len(patterns) <= 2 or patterns[0] == "{DEFAULT}":
        return (None, "Default Detectors")
    pattern = patterns[0]
    if pattern == "{NONE}":
        return ("{UNB}^", "^")  # matches nothing of the line, at its start
    if pattern.upper() in _DATE_WORDS:
        return (None, _DATE_WORDS[pattern.upper()])
    if "EPOCH" in pattern:
        return (None, pattern)
    return (
        pattern,
        re.sub("%(Ex)?(.)", lambda field: (field[1] or "") + _DATE_NAMES.get(field[2], f"%{field[2]}"), pattern),
    )
