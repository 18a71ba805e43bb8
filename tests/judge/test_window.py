"""Counting, to the letter of COMPAT 3.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.judge import window
from sekisho.judge.window import Windows
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Failure


def failure(when: float, *lines: str, host: str = "192.0.2.1") -> Failure:
    """Return a failure of `host` at `when`."""
    return Failure("demo", parse_subject(host), when, lines)


@pytest.mark.parametrize(
    ("times", "retries"),
    [
        ((0, 300, 600), (1, 2, 3)),
        ((0, 300, 601), (1, 2, 3)),
        ((0, 599, 600, 1199), (1, 2, 3, 3)),
        ((0, 500, 1000), (1, 2, 2)),
        ((0, 0, 700), (1, 2, 3)),
        ((1000, 500, 100), (1, 2, 3)),
        ((0, 100, 200, 300, 400, 900), (1, 2, 3, 4, 5, 4)),
    ],
)
def test_the_counter_fades_as_fail2bans_does(times: tuple[float, ...], retries: tuple[int, ...]) -> None:
    """The observed counters of COMPAT 3.1 come out for the observed times, findtime 600."""
    windows = Windows(findtime=600, maxmatches=5)
    assert tuple(windows.count(failure(when)).retry for when in times) == retries


def test_only_the_newest_lines_are_kept_as_evidence() -> None:
    """Three failures with maxmatches 2 leave lines 2 and 3, and three attempts (COMPAT case 57)."""
    windows = Windows(findtime=600, maxmatches=2)
    for number in (1, 2, 3):
        counter = windows.count(failure(number, f"line {number}"))
    assert counter.matches == ("line 2", "line 3")
    assert counter.failures == 3


def test_what_the_first_failure_has_captured_is_kept_but_for_what_tells_of_its_line() -> None:
    """The kind of a line means nothing to whoever hears of a ban."""
    windows = Windows(findtime=600, maxmatches=2)
    captured = {"user": "root", "mlfid": "sshd[7]", "mlftry": "Failed", "mlftries": "3"}
    windows.count(failure(1)._replace(captured=captured))
    counter = windows.count(failure(2)._replace(captured={"user": "eve"}))
    assert counter.failure.captured == {"user": "root", "mlfid": "sshd[7]"}


def test_maxmatches_zero_keeps_no_line() -> None:
    """An administrator who sets maxmatches to 0 finds no log line in a ban."""
    windows = Windows(findtime=600, maxmatches=0)
    assert windows.count(failure(1, "line")).matches == ()


def test_a_silent_counter_expires_exactly_at_findtime() -> None:
    """A counter whose last failure is findtime old is gone; one second younger, it stays."""
    windows = Windows(findtime=600, maxmatches=5)
    windows.count(failure(100))
    windows.expire(699)
    assert len(windows) == 1
    windows.expire(700)
    assert len(windows) == 0


def test_a_flood_of_addresses_drops_the_longest_silent() -> None:
    """The number of counters is bounded, and the address that failed again most recently survives."""
    windows = Windows(findtime=600, maxmatches=5, most=2)
    for host in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"):
        windows.count(failure(1, host=host))
    assert parse_subject("192.0.2.1") in windows
    assert parse_subject("192.0.2.2") not in windows


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=60))
def test_a_counter_never_exceeds_the_failures_it_has_seen(times: list[int]) -> None:
    """Fading only takes away: however the times fall, retry stays between 1 and the number of failures."""
    windows = Windows(findtime=600, maxmatches=3)
    for seen, when in enumerate(sorted(times), 1):
        counter = windows.count(failure(when))
        assert 1 <= counter.retry <= seen
        assert counter.failures == seen


def test_a_flood_of_long_lines_is_counted_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand addresses with a line of 4 KiB each: all are counted, some are proved; room comes back with time."""
    monkeypatch.setattr(window, "MOST_EVIDENCE", 100_000)
    windows = Windows(findtime=600, maxmatches=5)
    counters = [windows.count(failure(1, "x" * 4096, host=f"2001:db8::{number:x}")) for number in range(1000)]
    assert sum(len(line) for counter in counters for line in (*counter.matches, *counter.failure.matches)) < 300_000
    assert all(counter.retry == 1 for counter in counters)
    windows.expire(700)
    assert windows.count(failure(701, "line")).matches == ("line",)
