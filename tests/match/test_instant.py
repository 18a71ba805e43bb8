"""The instants that fields say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.matching import NOON

from sekisho.match.datepattern import default_templates, parse_datepatterns
from sekisho.match.dates import DateDetector, DateMemory
from sekisho.match.instant import instant_of

UTC = DateDetector(default_templates(2029), zone=0)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-07-14T12:00:00Z", NOON), ("2026-07-14T14:00:00+02:00", NOON),
        ("2026-07-14T14:00:00.123456789+0200", NOON),
        ("2026-07-14t12:00:00.9z", NOON), ("2026-07-14 12:00:00", NOON), ("2026-07-14 12:00:00,123", NOON),
        ("2026-07-14T12:00Z", NOON), ("1784030400", NOON), ("1784030400.25", NOON + 0.25),
        ("1784030400250", NOON + 0.25),
        ("1784030400250000", NOON + 0.25), ("1784030400250000000", NOON + 0.25), ("1.7840304e9", NOON),
        ("14/Jul/2026:12:00:00 +0000", NOON), ("Jul 14 12:00:00", NOON), ("12:00:00", NOON),
        ("2026-02-30T12:00:00Z", None), ("2026-07-14T24:00:00Z", None), ("", None), ("now", None), ("1e99", None),
        ("9" * 400, None), ("-1", None), ("NaN", None), ("0000-00-00T00:00:00Z", None),
    ],
)  # fmt: skip
def test_what_a_field_says(text: str, instant: float | None) -> None:
    """RFC 3339, the epoch by the size of its number, every date of a log file; and what is no time."""
    assert instant_of(text, UTC, DateMemory(), now=NOON) == instant


def test_a_pattern_of_the_filter() -> None:
    """What is neither RFC 3339 nor a number is read by the filter's own patterns."""
    detector = DateDetector(parse_datepatterns([r"%d.%m.%Y um %H Uhr"]), zone=0)
    assert instant_of("14.07.2026 um 12 Uhr", detector, DateMemory(), now=NOON) == NOON


def test_a_zone_of_the_log() -> None:
    """A time without a zone is of the log's."""
    assert instant_of("2026-07-14T14:00:00", DateDetector((), zone=7200), DateMemory(), now=NOON) == NOON


@given(st.text() | st.text("0123456789-:TZ.+e "))
def test_no_text_raises(text: str) -> None:
    """It is a time, or it is none."""
    instant_of(text, UTC, DateMemory(), now=NOON)
