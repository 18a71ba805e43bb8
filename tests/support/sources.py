"""Logs in memory, for tests of whatever reads sources."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import NoReturn

from sekisho.model.block import Block, CaughtUp, Phase, SourceEvent
from sekisho.model.position import FilePosition


class MemoryLog:
    """A log file that grows when a test says so. Positions count lines."""

    def __init__(self, key: str = "/memory.log") -> None:
        self.key = key
        self.lines: list[bytes] = []
        self._grown = asyncio.Event()

    def write(self, *lines: str) -> None:
        """Append lines."""
        self.lines += [line.encode() + b"\n" for line in lines]
        self._grown.set()

    def _block(self, start: int, end: int, phase: Phase) -> Block:
        return Block(self.key, b"".join(self.lines[start:end]), FilePosition(end, 1, "head"), phase)

    async def backlog(self, since: float, until: FilePosition) -> AsyncGenerator[Block, None]:
        """Yield everything up to `until`, whatever its time: the matcher drops what is too old."""
        del since
        if until.offset:
            yield self._block(0, until.offset, Phase.REFILL)

    async def follow(self, after: FilePosition | None, since: float | None) -> AsyncGenerator[SourceEvent, None]:
        """Yield what there is, one block a line, then what is written; `since` None starts at the end."""
        at = after.offset if after else 0 if since is not None else len(self.lines)
        while at < len(self.lines):
            yield self._block(at, at + 1, Phase.CATCHUP)
            at += 1
        yield CaughtUp(self.key, FilePosition(at, 1, "head"))
        while True:
            self._grown.clear()
            while at < len(self.lines):
                yield self._block(at, at + 1, Phase.LIVE)
                at += 1
            await self._grown.wait()


class MemorySources:
    """Opens logs in memory by their path (`engine.readings.Sources`)."""

    def __init__(self, *logs: MemoryLog) -> None:
        self.logs = {log.key: log for log in logs}

    def file(self, path: str, date_of: Callable[[bytes], float | None], *, polling: bool) -> MemoryLog:
        """Return the log at `path`."""
        del date_of, polling
        return self.logs[path]

    def journal(self, options: Mapping[str, str], matches: Sequence[Sequence[str]]) -> NoReturn:
        """There is no journal in memory."""
        raise ValueError(f"no journal with {dict(options)} and {matches}")

    def expand(self, pattern: str) -> Sequence[str]:
        """Every pattern names itself."""
        return [pattern]
