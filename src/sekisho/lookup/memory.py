"""Answers kept for a while, and questions under way shared: what every lookup here has in common.

A stranger decides which names and addresses are asked for, so both sides are bounded: the oldest answer makes room for
a new one, and when too many questions are under way a further one is refused at once instead of queued.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class TooBusy(Exception):  # noqa: N818 - says when to ask again, not that something broke
    """Too many questions are under way; nothing was asked."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[V]):
    """An answer and for how many seconds it may be repeated."""

    value: V
    lasts: float


@dataclass(frozen=True, slots=True)
class MemoryStatistics:
    """Questions answered from memory, questions asked, questions refused; answers kept now."""

    hits: int
    asked: int
    refused: int
    kept: int


class Memory(Generic[K, V]):
    """Remembers answers by key. Lives as long as the lookup that owns it; used from one event loop."""

    def __init__(self, ask: Callable[[K], Awaitable[Answer[V]]], *, size: int, clock: Callable[[], float]) -> None:
        self._ask = ask
        self._size = size
        self._clock = clock
        self._kept: dict[K, tuple[float, V]] = {}  # until when, what; oldest first
        self._asking: dict[K, asyncio.Task[V]] = {}
        self._hits = self._asked = self._refused = 0

    async def get(self, key: K) -> V:
        """Return the answer for `key`, asking only when none is kept and nobody else is asking.

        Raises:
            TooBusy: as many questions are under way as answers may be kept.

        """
        kept = self._kept.get(key)
        if kept is not None and self._clock() < kept[0]:
            self._hits += 1
            return kept[1]
        task = self._asking.get(key)
        if task is None:
            if len(self._asking) >= self._size:
                self._refused += 1
                raise TooBusy
            self._asked += 1
            task = asyncio.get_running_loop().create_task(self._fetch(key), name=f"look up {key}")
            self._asking[key] = task
        return await asyncio.shield(task)  # one impatient asker does not take the answer from the others

    async def _fetch(self, key: K) -> V:
        try:
            answer = await self._ask(key)
        finally:
            del self._asking[key]
        self._kept.pop(key, None)
        self._kept[key] = (self._clock() + answer.lasts, answer.value)
        while len(self._kept) > self._size:
            del self._kept[next(iter(self._kept))]
        return answer.value

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def statistics(self) -> MemoryStatistics:
        """How much was asked, and how often that could be spared."""
        return MemoryStatistics(self._hits, self._asked, self._refused, len(self._kept))
