"""Time zones as they stand in log lines and in `logtimezone`: offsets and abbreviations, never places (COMPAT 2.9).

An abbreviation is a fixed offset; nobody's daylight rules are guessed (`CET` is one hour ahead all year).
"""

from __future__ import annotations

import re

_HOUR = 3600

_HOURS: dict[str, float] = {
    "UTC": 0, "GMT": 0, "UT": 0, "Z": 0,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,  # RFC 2822, 4.3
    "AST": -4, "ADT": -3, "AKST": -9, "AKDT": -8, "HST": -10, "HDT": -9, "NST": -3.5, "NDT": -2.5,
    "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MET": 1, "MEST": 2, "EET": 2, "EEST": 3,
    "MSK": 3, "MSD": 4, "SAST": 2, "BRT": -3, "HKT": 8, "SGT": 8,
    "JST": 9, "KST": 9, "AWST": 8, "ACST": 9.5, "ACDT": 10.5, "AEST": 10,
    "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
_MILITARY = {  # RFC 5322, 4.3: A to M without J lie east, N to Y west
    **{letter: hours for hours, letter in enumerate("ABCDEFGHIKLM", 1)},
    **{letter: -hours for hours, letter in enumerate("NOPQRSTUVWXY", 1)},
}
ABBREVIATIONS: dict[str, int] = {name: round(hours * _HOUR) for name, hours in {**_HOURS, **_MILITARY}.items()}
"""Seconds east of Greenwich by abbreviation."""

OFFSET_PATTERN = r"[+-][01][0-9](?::?[0-9]{2})?"
ABBREVIATION_PATTERN = "(?:" + "|".join(sorted(ABBREVIATIONS, key=lambda name: (-len(name), name))) + ")"

_ZONE = re.compile(rf"(?P<name>[A-Z]+)?(?P<offset>{OFFSET_PATTERN})?")


def zone_offset(text: str) -> int | None:
    """Seconds east of Greenwich of `CET`, `+0200`, `UTC+02:00`; None for anything else."""
    found = _ZONE.fullmatch(text)
    if not found or not text:
        return None
    name, offset = found["name"], found["offset"]
    base = ABBREVIATIONS.get(name) if name else 0
    if base is None:
        return None
    if not offset:
        return base
    digits = offset[1:].replace(":", "")
    seconds = int(digits[:2]) * _HOUR + int(digits[2:] or 0) * 60
    return base + (-seconds if offset[0] == "-" else seconds)
