"""A guard on time: interrupts a line that makes no progress (`engine.quarantine`).

CPython's `re` looks for signals now and then while it backtracks (and runs their Python handlers), so an exception
raised by a handler ends a match. The timer counts this process' own CPU time (`ITIMER_VIRTUAL`, setitimer(2)): a
machine that is busy elsewhere makes no line slow.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from sekisho.engine.quarantine import Overrun

TICK = 0.08
"""CPU seconds between two looks; a line is interrupted after one to two of them, and so is the trial that finds why."""


class LineGuard:
    """Watches whoever asks, one at a time; made once, on the main thread."""

    def __init__(self, tick: float = TICK) -> None:
        self._tick = tick
        self._progress: Callable[[], int] | None = None
        self._seen: int | None = None
        signal.signal(signal.SIGVTALRM, self._look)

    @contextlib.contextmanager
    def __call__(self, progress: Callable[[], int]) -> Iterator[None]:
        """Raise Overrun in the body when `progress` returns the same at two looks in a row."""
        self._seen = None
        self._progress = progress
        signal.setitimer(signal.ITIMER_VIRTUAL, self._tick, self._tick)
        try:
            yield
        finally:
            self._progress = None
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def _look(self, _number: int, _frame: FrameType | None) -> None:
        if self._progress is None:  # it rang while the watch was ending
            return
        seen, self._seen = self._seen, self._progress()
        if seen == self._seen:
            raise Overrun
