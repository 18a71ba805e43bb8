"""Listens to a source in a test: events as they come, waited for by what they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from sekisho.model.block import Block, CaughtUp, Notice, Phase, SourceEvent

PATIENCE = 20.0  # seconds after which a test that waits has failed; never slept through


def no_date(_: bytes) -> float | None:
    """Say of any line that it has no date."""
    return None


def leading_number(line: bytes) -> float | None:
    """Read a line's date as tests write it: a number before a blank."""
    first = line.split(b" ", 1)[0]
    return float(first) if first.isdigit() else None


class Listener:
    """The events of one `follow`, in the order in which they came."""

    def __init__(self) -> None:
        self.events: list[SourceEvent] = []
        self._news = asyncio.Condition()

    async def listen(self, events: AsyncIterator[SourceEvent]) -> None:
        """Take events until cancelled."""
        try:
            async for event in events:
                async with self._news:
                    self.events.append(event)
                    self._news.notify_all()
        finally:
            await cast("AsyncGenerator[SourceEvent, None]", events).aclose()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once the condition on what has come holds."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(condition)

    async def until_lines(self, *lines: str) -> None:
        """Return once exactly these lines have come, all in all; fail as soon as others have."""
        await self.until(lambda: len(self.lines) >= len(lines))
        assert self.lines == list(lines)

    async def until_caught_up(self) -> None:
        """Return once the end has been reached."""
        await self.until(lambda: any(isinstance(event, CaughtUp) for event in self.events))

    async def until_notice(self, words: str) -> None:
        """Return once a notice with these words has come."""
        await self.until(lambda: any(words in text for text in self.notices))

    @property
    def blocks(self) -> list[Block]:
        """The blocks so far."""
        return [event for event in self.events if isinstance(event, Block)]

    @property
    def lines(self) -> list[str]:
        """The lines so far, without their newlines."""
        return [line for block in self.blocks for line in lines_of(block)]

    def lines_in(self, phase: Phase) -> list[str]:
        """The lines so far that came in a phase."""
        return [line for block in self.blocks if block.phase is phase for line in lines_of(block)]

    @property
    def notices(self) -> list[str]:
        """What has been said so far."""
        return [event.text for event in self.events if isinstance(event, Notice)]


def lines_of(block: Block) -> list[str]:
    """Return a block's lines without their newlines."""
    assert block.data.endswith(b"\n")
    return block.data.decode("utf-8", "replace").removesuffix("\n").split("\n")


@asynccontextmanager
async def listening(events: AsyncIterator[SourceEvent]) -> AsyncIterator[Listener]:
    """Listen while the block lasts."""
    listener = Listener()
    task = asyncio.create_task(listener.listen(events))
    try:
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def what_is_there(events: AsyncIterator[SourceEvent]) -> Listener:
    """Return what a source says until its end is reached, then close it."""
    async with listening(events) as listener:
        await listener.until_caught_up()
    return listener
