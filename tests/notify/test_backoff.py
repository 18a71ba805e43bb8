"""How long to wait before trying again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sekisho.notify.backoff import Backoff


def test_waits_double_up_to_the_longest() -> None:
    """Five seconds, ten, twenty ... never more than five minutes."""
    waits = [Backoff().pause(failures, since=0, now=0) for failures in range(1, 9)]
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]


def test_a_letter_is_given_up_when_its_hour_would_be_over() -> None:
    """A try after the hour would tell of nothing new."""
    assert Backoff().pause(1, since=100, now=3695) == 5
    assert Backoff().pause(1, since=100, now=3696) is None


@given(st.integers(1, 10**9))
def test_any_number_of_failures_has_a_bounded_wait(failures: int) -> None:
    """No overflow, however long the mail server is down."""
    pause = Backoff().pause(failures, since=0, now=0)
    assert pause is not None
    assert 5 <= pause <= 300
