"""Spans of time, as written and as printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.model.duration import parse_duration, parse_multipliers, render_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h 30m", 5400),
        ("1d12h", 129600),
        ("-1", -1),
        ("1mo", 2629800.0),
        ("1y-6mo", 15778800.0),
        ("1w2d3h4m5s", 788645),
        ("1.5h", 5400.0),
        ("10M", 600),
        ("2*60", 120),
        ("1h+30min", 5400),
        ("(1h + 30min) * 2", 10800),
        ("1day / 2", 43200.0),
        (" 3600 ", 3600),
    ],
)
def test_durations_mean_what_fail2ban_takes_them_for(text: str, seconds: float) -> None:
    """The observed values of COMPAT 1.9 come out, integers as integers."""
    value = parse_duration(text)
    assert value == seconds
    assert type(value) is type(seconds)


@pytest.mark.parametrize(
    "text", ["", "abc", "10 parsecs", "1h)", "(1h", "5 / 0", "__import__('os')", "3600 seconds ago", "(" * 50 + "1"]
)
def test_what_is_no_duration_is_refused_by_name(text: str) -> None:
    """Nothing is evaluated, and the message quotes what was written."""
    with pytest.raises(ValueError, match=r"duration"):
        parse_duration(text)


@given(st.text(alphabet="0123456789.smhdwoyu+-*/() ", max_size=30))
def test_no_text_breaks_the_parser(text: str) -> None:
    """Whatever an editor left there, the answer is a number or a ValueError."""
    try:
        assert isinstance(parse_duration(text), int | float)
    except ValueError as error:
        assert "duration" in str(error)  # noqa: PT017 - both outcomes are right, and each is checked


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0"),
        (14, "14s"),
        (61, "1m 1s"),
        (3594, "59m 54s"),
        (3595, "1h"),
        (86399, "24h"),
        (176399, "2d 1h"),
        (604800, "1w"),
        (31795200, "1y 3d"),
    ],
)
def test_durations_print_as_in_the_log(seconds: int, text: str) -> None:
    """The observed texts of COMPAT 1.9 come out."""
    assert render_duration(seconds) == text


def test_multipliers_are_numbers_and_nothing_else() -> None:
    """Blanks or commas between them (COMPAT 3.5)."""
    assert parse_multipliers("1 2,4.5\n 8") == (1, 2, 4.5, 8)
    assert parse_multipliers("") == ()
    for text in ("1 two", "-1", "1e9", "9" * 10):
        with pytest.raises(ValueError, match="expected numbers"):
            parse_multipliers(text)
