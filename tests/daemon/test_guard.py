"""A guard on time."""

from __future__ import annotations

import re
import time

import pytest

from sekisho.daemon.guard import LineGuard
from sekisho.engine.quarantine import Overrun

HOPELESS = re.compile(r"^(a+)+$")


def test_a_match_without_end_is_interrupted() -> None:
    """The expression would run for years on this line; it ends within a few ticks, and the guard rests afterwards."""
    guard = LineGuard(tick=0.02)
    begin = time.process_time()
    with pytest.raises(Overrun), guard(lambda: 7):
        HOPELESS.search("a" * 60 + "b")
    assert time.process_time() - begin < 1
    assert HOPELESS.search("a" * 20)


def test_whoever_makes_progress_is_left_alone() -> None:
    """Many lines that take their time together are no offence."""
    guard = LineGuard(tick=0.01)
    at = 0
    begin = time.process_time()
    with guard(lambda: at):
        while time.process_time() - begin < 0.1:
            at += 1
    assert at > 0
