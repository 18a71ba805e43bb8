"""Moments and spans as people read them."""

from __future__ import annotations

import pytest

from sekisho.cli.moment import absolute, moment, parse_moment, relative, span


@pytest.mark.parametrize(
    ("distance", "shown"),
    [(0, "now"), (-1, "1s ago"), (-300, "5m ago"), (7384, "in 2h 3m"), (-90061, "1d 1h ago"), (0.4, "now")],
)
def test_a_terminal_counts_from_now(distance: float, shown: str) -> None:
    """To the two greatest units."""
    assert relative(1000000 + distance, 1000000) == shown


def test_a_pipe_gets_the_same_text_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Date and time; on a terminal the distance."""
    assert moment(0)[:3] in ("197", "196")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert moment(0).endswith(" ago")


def test_spans() -> None:
    """As an administrator would write them."""
    assert [span(each) for each in (-1, 60, 5400, 604800)] == ["ever", "1m", "1h 30m", "1w"]


def test_a_moment_is_a_span_ago_or_a_date() -> None:
    """Local time; anything else is named, with what was expected."""
    assert parse_moment("1h 30m", 10000) == 4600
    assert absolute(parse_moment("2026-07-14 12:00", 0)) == "2026-07-14 12:00:00"
    assert absolute(parse_moment("2026-07-14", 0)) == "2026-07-14 00:00:00"
    with pytest.raises(ValueError, match="'noon' is no moment: expected a span such as 2h, or a date"):
        parse_moment("noon", 0)
