"""From the parts of a date to an instant."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from tests.support.matching import NOON

from sekisho.match.stamps import stamp_of

HOUR = 3600


def told(**parts: str) -> str | None:
    """The instant of the parts, in UTC, seen from NOON."""
    stamp = stamp_of(parts, now=NOON, zone=0)
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%d %H:%M:%S")


def clock(text: str) -> dict[str, str]:
    """Hour, minute and second."""
    return dict(zip("HMS", text.split(":"), strict=True))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"b": "Jul", "d": "15", **clock("11:59:00")}, "2026-07-15 11:59:00"),
        ({"b": "Jul", "d": "15", **clock("12:00:01")}, "2025-07-15 12:00:01"),
        ({"b": "Dec", "d": "31", **clock("23:59:59")}, "2025-12-31 23:59:59"),
        (clock("12:30:00"), "2026-07-13 12:30:00"),
        (clock("11:30:00"), "2026-07-14 11:30:00"),
        ({"Y": "2026", "m": "7", "d": " 4", "H": "1"}, "2026-07-04 01:00:00"),
        ({"y": "70", "m": "07", "d": "14"}, "2070-07-14 00:00:00"),
        ({"Y": "2026", "m": "02", "d": "30"}, None),
        ({"m": "02", "d": "29"}, None),
        ({"Y": "2024", "m": "02", "d": "29"}, "2024-02-29 00:00:00"),
        ({"Y": "2025"}, "2025-07-14 00:00:00"),
        ({"Y": "2031"}, "2031-07-13 00:00:00"),
        ({"Y": "2026", "j": "100"}, "2026-04-10 00:00:00"),
        ({"Y": "2026", "j": "366"}, None),
        ({"Y": "2026", "U": "28", "w": "2"}, "2026-07-14 00:00:00"),
        ({"Y": "2026", "W": "28", "a": "Tue"}, "2026-07-14 00:00:00"),
        ({"Y": "2026", "m": "7", "d": "14", "I": "12", "M": "05", "p": "AM"}, "2026-07-14 00:05:00"),
        ({"Y": "2026", "m": "7", "d": "14", "I": "11", "p": "pm"}, "2026-07-14 23:00:00"),
        ({"Y": "2026", "m": "7", "d": "14", "H": "23", "M": "59", "S": "60"}, "2026-07-15 00:00:00"),
        ({"Y": "2026", "m": "7", "d": "14", "H": "11", "z": "+02:00"}, "2026-07-14 09:00:00"),
        ({"Y": "2026", "m": "7", "d": "14", "H": "11", "z": "PDT"}, "2026-07-14 18:00:00"),
        ({"Y": "2026", "m": "7", "d": "14", "H": "11", "z": "FOO"}, None),
    ],
)
def test_what_is_missing_is_guessed_as_fail2ban_does(parts: dict[str, str], expected: str | None) -> None:
    """Years, days and zones by COMPAT 2.9."""
    assert told(**parts) == expected


def test_without_a_zone_the_process_s_own_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """`TZ` says what local time is, summer time included."""
    monkeypatch.setenv("TZ", "CET-01CEST-02,M3.5.0,M10.5.0")
    time.tzset()
    try:
        parts = {"Y": "2026", "m": "07", "d": "14", "H": "12"}
        assert stamp_of(parts, now=NOON, zone=None) == NOON - 2 * HOUR
        assert stamp_of(parts, now=NOON, zone=HOUR) == NOON - HOUR
        assert stamp_of({**parts, "z": "Z"}, now=NOON, zone=None) == NOON
    finally:
        monkeypatch.undo()
        time.tzset()
