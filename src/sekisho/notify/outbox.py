"""Letters and reports that wait to be sent: bounded, one worker, tried again while that makes sense.

Nothing waits for the outbox. What it cannot take, or cannot deliver in time, is counted and named in the log; it is
lost when the process ends, after a short grace (STYLE: outgoing mail lives in memory).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sekisho.notify.backoff import Backoff

T = TypeVar("T")

_LOG = logging.getLogger("fail2ban.actions")
_SIZE = 100  # a person reads no more; the log has them all


class DeliveryError(Exception):
    """It was not taken. `permanent`: trying again would not help. `after`: seconds for which it would not."""

    def __init__(self, reason: str, *, permanent: bool, after: float = 0.0) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.after = after


@dataclass(frozen=True, slots=True)
class OutboxStatistics:
    """Letters sent and lost since the start, and those waiting now."""

    sent: int
    lost: int
    waiting: int


class Outbox(Generic[T]):
    """Delivers items in order. `deliver` raises DeliveryError; `name` and `what` are for the log."""

    def __init__(
        self,
        deliver: Callable[[T], Awaitable[None]],
        *,
        name: str,
        what: str = "letter",
        backoff: Backoff | None = None,
        size: int = _SIZE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.closing = asyncio.Event()
        self._deliver = deliver
        self._name = name
        self._what = what
        self._backoff = backoff or Backoff()
        self._size = size
        self._clock = clock
        self._waiting: deque[tuple[T, float]] = deque()
        self._changed = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._sent = self._lost = self._missed = self._failures = 0
        self._full = False

    def __repr__(self) -> str:
        return f"<Outbox {self._name!r} {self.statistics()}>"

    def start(self) -> None:
        """Begin to deliver; also after a close."""
        self.closing.clear()
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._run(), name=f"outbox {self._name}")

    def put(self, item: T) -> None:
        """Take an item, or count it as lost when too many wait."""
        if len(self._waiting) < self._size:
            self._waiting.append((item, self._clock()))
            self._changed.set()
            return
        self._lose(1)
        if not self._full:  # once, until there is room again
            _LOG.warning("%s: %d %ss are waiting; further ones are dropped", self._name, self._size, self._what)
        self._full = True

    def take_missed(self) -> int:
        """Return how many items were lost since the last call."""
        missed, self._missed = self._missed, 0
        return missed

    async def close(self, *, grace: float) -> None:
        """Try what waits once more, for at most `grace` seconds; the rest is lost, and the log says how much."""
        self.closing.set()
        self._changed.set()
        if self._worker is not None:
            _, running = await asyncio.wait({self._worker}, timeout=grace)
            self._worker.cancel()
            if running:
                await asyncio.wait(running)
            self._worker = None
        if self._waiting:
            _LOG.warning("%s: %d %ss were not sent before the end", self._name, len(self._waiting), self._what)
            self._lose(len(self._waiting))
            self._waiting.clear()

    def statistics(self) -> OutboxStatistics:
        """How the outbox stands."""
        return OutboxStatistics(self._sent, self._lost, len(self._waiting))

    def _lose(self, count: int) -> None:
        self._lost += count
        self._missed += count

    async def _run(self) -> None:
        while True:
            while not self._waiting:
                if self.closing.is_set():
                    return
                self._changed.clear()
                await self._changed.wait()
            item, since = self._waiting[0]
            pause = await self._attempt(item, since=since)
            if pause is None:
                self._waiting.popleft()
                self._full = False
            elif self.closing.is_set():
                return
            else:
                await self._rest(pause)

    async def _attempt(self, item: T, *, since: float) -> float | None:
        """Try once; the seconds to wait before the next try, None when the item is done with."""
        try:
            await self._deliver(item)
        except DeliveryError as error:
            if error.permanent:
                _LOG.error("%s: %s not sent: %s", self._name, self._what, error)
                self._lose(1)
                return None
            self._failures += 1
            pause = self._backoff.pause(self._failures, since=since, now=self._clock())
            if pause is None:
                _LOG.error("%s: %s not sent, given up: %s", self._name, self._what, error)
                self._lose(1)
            else:
                pause = max(pause, error.after)
                _LOG.warning("%s: %s not sent: %s; trying again in %g s", self._name, self._what, error, pause)
            return pause
        except Exception:  # noqa: BLE001 - one letter that cannot be written must not end all others
            _LOG.exception("%s: %s not sent", self._name, self._what)
            self._lose(1)
            return None
        self._failures = 0
        self._sent += 1
        return None

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return
