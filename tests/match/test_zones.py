"""Zones: offsets and abbreviations."""

from __future__ import annotations

import pytest

from sekisho.match.zones import zone_offset

HOUR = 3600


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("UTC", 0), ("Z", 0), ("GMT", 0), ("UTC+0200", 2), ("GMT-0100", -1), ("+0200", 2), ("+02:00", 2), ("UTC+02", 2),
        ("CET", 1), ("CEST", 2), ("EST", -5), ("PDT", -7), ("A", 1), ("M", 12), ("Y", -12), ("CET+0100", 2),
        ("-05:30", -5.5),
    ],
)  # fmt: skip
def test_zones_that_fail2ban_knows(text: str, hours: float) -> None:
    """An abbreviation is a fixed offset; an offset behind it is added."""
    assert zone_offset(text) == hours * HOUR


@pytest.mark.parametrize("text", ["Europe/Paris", "UTC+2", "CET+1", "cet", "utc", "", "J", "FOO"])
def test_zones_that_it_does_not_know(text: str) -> None:
    """Places, single digits and lower case name no zone."""
    assert zone_offset(text) is None
