"""Answers kept for a while, and questions under way shared."""

from __future__ import annotations

import asyncio

import pytest

from sekisho.lookup.memory import Answer, Memory, TooBusy


class Oracle:
    """Answers each question with its length, when it is allowed to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, key: str) -> Answer[int]:
        """Answer once the gate is open."""
        self.asked.append(key)
        await self.gate.wait()
        if key == "bad":
            raise OSError("no")
        return Answer(len(key), lasts=10)

    def memory(self, size: int = 3) -> Memory[str, int]:
        """Make a memory that asks here."""
        return Memory(self, size=size, clock=lambda: self.now)


def test_an_answer_is_kept_until_its_time() -> None:
    """Asked again after ten seconds, not before."""

    async def play() -> None:
        oracle = Oracle()
        memory = oracle.memory()
        assert await memory.get("four") == 4
        oracle.now = 9.9
        assert await memory.get("four") == 4
        assert oracle.asked == ["four"]
        oracle.now = 10
        await memory.get("four")
        assert oracle.asked == ["four", "four"]
        assert memory.statistics().hits == 1

    asyncio.run(play())


def test_the_same_question_is_asked_once_at_a_time() -> None:
    """Of three who wait, one gives up; the others get the answer to the one question."""

    async def play() -> None:
        oracle = Oracle()
        oracle.gate.clear()
        memory = oracle.memory()
        waiting = [asyncio.create_task(memory.get("four")) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        oracle.gate.set()
        assert await asyncio.gather(*waiting[1:]) == [4, 4]
        assert oracle.asked == ["four"]

    asyncio.run(play())


def test_the_oldest_answer_makes_room() -> None:
    """However many names a stranger invents, no more than `size` are kept."""

    async def play() -> None:
        oracle = Oracle()
        memory = oracle.memory(size=3)
        for key in ("a", "b", "c", "d"):
            await memory.get(key)
        assert memory.statistics().kept == 3
        await memory.get("b")
        assert oracle.asked == ["a", "b", "c", "d"]
        await memory.get("a")
        assert oracle.asked[-1] == "a"

    asyncio.run(play())


def test_too_many_questions_at_once_are_refused() -> None:
    """A flood is answered by refusal, not by a queue without end."""

    async def play() -> None:
        oracle = Oracle()
        oracle.gate.clear()
        memory = oracle.memory(size=2)
        waiting = [asyncio.create_task(memory.get(key)) for key in "ab"]
        await asyncio.sleep(0)
        with pytest.raises(TooBusy):
            await memory.get("c")
        await memory.close()
        assert all(
            isinstance(e, asyncio.CancelledError) for e in await asyncio.gather(*waiting, return_exceptions=True)
        )

    asyncio.run(play())


def test_a_failure_reaches_who_asked_and_is_not_kept() -> None:
    """The next who asks, asks anew."""

    async def play() -> None:
        oracle = Oracle()
        memory = oracle.memory()
        for _ in range(2):
            with pytest.raises(OSError, match="no"):
                await memory.get("bad")
        assert oracle.asked == ["bad", "bad"]

    asyncio.run(play())
