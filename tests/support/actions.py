"""An action in memory, for tests of whatever gives work to actions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sekisho.model.action import ActionError, Failed, Kind
from sekisho.model.address import Subject
from sekisho.model.verdict import Ban


class MemoryAction:
    """Holds its bans in a dict and remembers each call; while `gate` is closed, it waits.

    Whom `broken` names it cannot bar, whom `stuck` names it cannot let go.
    """

    survives_stop = True

    def __init__(self, name: str = "memory", *, kind: Kind = Kind.ENFORCER) -> None:
        self.name = name
        self.kind = kind
        self.held: dict[Subject, Ban] = {}
        self.calls: list[tuple[str, list[str]]] = []
        self.broken: set[Subject] = set()
        self.stuck: set[Subject] = set()
        self.down = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def start(self, standing: Sequence[Ban]) -> Sequence[Failed]:
        """Hold exactly `standing`."""
        if self.down:
            raise ActionError("the kernel is away")
        self.held = {}
        return await self._take("start", standing)

    async def ban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Hold these too."""
        return await self._take("ban", bans)

    async def _take(self, name: str, bans: Sequence[Ban]) -> Sequence[Failed]:
        self.calls.append((name, [ban.subject.text for ban in bans]))
        await self.gate.wait()
        self.held.update({ban.target: ban for ban in bans if ban.subject not in self.broken})
        return [Failed(ban, "refused") for ban in bans if ban.subject in self.broken]

    async def unban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Let go of these."""
        self.calls.append(("unban", [ban.subject.text for ban in bans]))
        await self.gate.wait()
        for ban in bans:
            if ban.subject not in self.stuck:
                self.held.pop(ban.target, None)
        return [Failed(ban, "refused") for ban in bans if ban.subject in self.stuck]

    async def listed(self) -> frozenset[Subject] | None:
        """Return whom it holds."""
        return frozenset(self.held)

    async def stop(self, standing: Sequence[Ban]) -> None:
        """Let go of all."""
        self.calls.append(("stop", [ban.subject.text for ban in standing]))
        self.held.clear()
