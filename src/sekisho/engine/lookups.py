"""Questions asked beside the reading, on whose answers verdicts wait: host names, and ignorecommand about old bans.

A stranger decides how many names his lines carry, so only so many are looked up at one time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

from sekisho.engine.jail import Jail
from sekisho.match.finding import Unresolved
from sekisho.model.address import Subject
from sekisho.model.verdict import Ban, Failure

MOST_LOOKUPS = 500
"""Questions under way at one time."""


class Lookups:
    """Asks. `is_ignored` asks a jail's ignorecommand, `lift` ends a ban whom it exempts, `settle` follows an answer."""

    def __init__(
        self,
        jails: Mapping[str, Jail],
        *,
        resolve: Callable[[str], Awaitable[frozenset[Subject]]],
        is_ignored: Callable[[Jail, Failure], Awaitable[bool]],
        lift: Callable[[Jail, Failure, Ban], None],
        settle: Callable[[], None],
    ) -> None:
        self._jails = jails
        self._resolve = resolve
        self._is_ignored = is_ignored
        self._lift = lift
        self._settle = settle
        self._tasks: set[asyncio.Task[None]] = set()

    def resolve(self, jail: Jail, found: Unresolved, *, then: Callable[[Jail, Failure], object]) -> None:
        """Hand a failure that names a host to `then` (judge or refill) once its addresses are known."""
        if len(self._tasks) >= MOST_LOOKUPS:
            jail.troubles["dns"] = "more host names are logged than can be resolved; some failures were not counted"
            return
        self._begin(self._when_resolved(jail, found, then), f"addresses of {found.hostname}")

    def reconsider(self, jail: Jail, bans: Sequence[Ban]) -> None:
        """Ask ignorecommand about restored bans, which stand meanwhile, and lift those of whom it exempts now."""
        self._begin(self._reconsider(jail, bans), f"ignorecommand about bans of {jail.name}")

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, question: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(question, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _when_resolved(self, jail: Jail, found: Unresolved, then: Callable[[Jail, Failure], object]) -> None:
        for subject in sorted(await self._resolve(found.hostname), key=str):
            if self._jails.get(jail.name) is jail:
                then(jail, found.failure._replace(subject=subject))
        self._settle()

    async def _reconsider(self, jail: Jail, bans: Sequence[Ban]) -> None:
        for ban in bans:
            failure = Failure(jail.name, ban.subject, ban.time, ban.matches, ban.captured, ban.address)
            is_exempt = await self._is_ignored(jail, failure)
            if is_exempt and self._jails.get(jail.name) is jail and jail.standing.get(ban.subject) is ban:
                self._lift(jail, failure, ban)
                self._settle()
