"""One action of one jail, at work: calls in order, one at a time, never in the engine's way.

Work is queued as it is decided. What waits is handed over together, runs of bans in one call and runs of unbans in
another, so that a slow action catches up by bulk. A ban that fails is remembered and offered again by `retry`; the log
tells of a trouble once, and once more when it is over.

An action that hangs holds up nobody but itself: a repair waits for its turn, a start and an end wait for `PATIENCE`
only.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sekisho.engine.complaints import Complaints
from sekisho.model.action import Action, ActionError, Failed, Kind, Liftable, Perishable, Reloadable
from sekisho.model.address import Subject
from sekisho.model.verdict import Ban

log = logging.getLogger("fail2ban.actions")

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds that a start is waited for, and that an end leaves an action for what is queued, and again for lifting
everything. An init system that waits 30 s before it kills (sekisho.service, TimeoutStopSec) sees both end."""


class _Work(enum.Enum):
    BAN = "ban"
    UNBAN = "unban"


class Worker:
    """The queue and the task of one action. `health` says what is wrong with it, empty when nothing is."""

    def __init__(self, jail: str, action: Action, *, enforced: Callable[[Sequence[Ban]], None]) -> None:
        self.jail = jail
        self.action = action
        self.health = ""
        self._enforced = enforced
        self._queue: deque[tuple[_Work, Ban]] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._failed: dict[Subject, Ban] = {}
        self._unlifted: dict[Subject, Ban] = {}  # of whom the action could not let go
        self._complaints = {work: Complaints() for work in _Work}
        self._hopeless: set[Subject] = set()  # whose ban this action will never carry out
        self._turn = asyncio.Lock()  # an action's methods never overlap (model.action)
        self._up = False
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Worker {self.jail}/{self.action.name}: {len(self._queue)} waiting, {len(self._failed)} failed>"

    async def start(self, standing: Sequence[Ban], *, patience: float = PATIENCE) -> None:
        """Bring the action up with the standing bans; a failure is logged and shown, and tried again by `retry`.

        After `patience` seconds it goes on by itself, and bans wait behind it: no log would be read before otherwise.
        """
        self._idle.clear()
        tried = asyncio.Event()
        self._task = asyncio.create_task(self._live(standing, tried), name=repr(self))
        try:
            async with asyncio.timeout(patience):
                await tried.wait()
        except TimeoutError:
            log.warning("Jail %r action %r: still starting after %g s", self.jail, self.action.name, patience)
        except asyncio.CancelledError:  # a change that is cut off takes its start along
            self._task.cancel()
            self._idle.set()
            raise

    async def _live(self, standing: Sequence[Ban], tried: asyncio.Event) -> None:
        await self._bring_up(standing)
        tried.set()
        if not self._queue:
            self._idle.set()
        await self._run()

    async def _bring_up(self, standing: Sequence[Ban]) -> None:
        try:
            async with self._turn:
                failed = await self.action.start(standing)
        except Exception as error:  # an action must not end the daemon, whatever it raises
            health = f"action {self.action.name!r} could not be started: {error}"
            if health != self.health:
                text = "Failed to start jail %r action %r: %s"
                log.error(text, self.jail, self.action.name, error, exc_info=not isinstance(error, ActionError))
            self._up, self.health = False, health
            return
        if self.health:
            log.warning("Jail %r action %r: started at last", self.jail, self.action.name)
        self._up, self.health = True, ""
        for complaints in self._complaints.values():
            complaints.end()
        self._failed.clear()
        self._unlifted.clear()
        self._note(standing, failed, _Work.BAN)

    def ban(self, bans: Sequence[Ban]) -> None:
        """Queue bans."""
        if self._unlifted:
            for ban in bans:
                self._unlifted.pop(ban.subject, None)
        self._put(_Work.BAN, bans)

    def unban(self, bans: Sequence[Ban]) -> None:
        """Queue their lifting."""
        self._put(_Work.UNBAN, bans)

    def _put(self, work: _Work, bans: Sequence[Ban]) -> None:
        if bans:
            self._queue.extend((work, ban) for ban in bans)
            self._idle.clear()
            self._wake.set()

    async def drained(self) -> None:
        """Wait until nothing is queued or under way."""
        await self._idle.wait()

    async def retry(self, standing: Sequence[Ban]) -> None:
        """Repair: bring the action up if it is down, offer failed bans again, and put back what the system lost."""
        if not self._idle.is_set() or self._turn.locked():
            return
        if not self._up or not await self._is_whole():
            await self._bring_up(standing)
            return
        async with self._turn:
            listed = await self.action.listed()
        is_idle = self._idle.is_set()
        if listed is not None:
            self._failed.update((ban.subject, ban) for ban in self._lost(standing, listed))
            self.unban(self._surplus(standing, listed))
        if is_idle and self._failed:  # else what was queued meanwhile may be the lifting of one of these
            self.ban([ban for ban in standing if ban.subject in self._failed])

    def _surplus(self, standing: Sequence[Ban], listed: frozenset[Subject]) -> list[Ban]:
        """Return the bans that could not be lifted and that `listed` still holds, though nobody bars their target."""
        unlifted, self._unlifted = self._unlifted, {}
        barred = {ban.target for ban in standing} if unlifted else set()
        return [ban for ban in unlifted.values() if ban.target in listed and ban.target not in barred]

    def _lost(self, standing: Sequence[Ban], listed: frozenset[Subject]) -> list[Ban]:
        """Return the bans that `listed` does not hold and that are not offered again anyway, with a word in the log."""
        known = self._failed.keys() | self._hopeless
        prefixes = [subject for subject in listed if not subject.is_single]
        lost = [
            ban
            for ban in standing
            if ban.target not in listed
            and ban.subject not in known
            and not any(prefix.covers(ban.target) for prefix in prefixes)
        ]
        if lost:
            what = "[%s] %d ban(s) had vanished from %s and are put back"
            log.warning(what, self.jail, len(lost), self.action.name)
        return lost

    async def _is_whole(self) -> bool:
        async with self._turn:
            return not isinstance(self.action, Perishable) or await self.action.is_whole()

    async def in_turn(self, do: Callable[[], Awaitable[T]]) -> T:
        """Do something with the action while it does nothing else."""
        async with self._turn:
            return await do()

    async def reload(self) -> None:
        """Let an action that wants to know hear of a reload, in its turn; a failure is logged."""
        if not isinstance(self.action, Reloadable) or not self._up:
            return
        try:
            async with asyncio.timeout(PATIENCE), self._turn:
                await self.action.reload()
        except (TimeoutError, ActionError) as error:
            log.error(
                "Failed to reload jail %r action %r: %s", self.jail, self.action.name, error or "not done in time"
            )

    async def lift(self, *, patience: float = PATIENCE) -> None:
        """Finish what is queued, and lift what can be lifted before the stop, within `patience` seconds.

        A failure is logged: the stop tries again.
        """
        if not isinstance(self.action, Liftable) or not self._up:
            return
        try:
            async with asyncio.timeout(patience):
                await self.drained()
                async with self._turn:
                    await self.action.lift()
        except (TimeoutError, ActionError) as error:
            log.error(
                "Failed to lift the bans of jail %r action %r: %s", self.jail, self.action.name, error or "too slow"
            )

    async def stop(self, standing: Sequence[Ban], *, patience: float = PATIENCE) -> None:
        """Finish what is queued, lift everything, and end; after twice `patience` seconds at the latest."""
        await self._end(patience)
        try:
            async with asyncio.timeout(patience), self._turn:
                await self.action.stop(standing)
        except TimeoutError:
            log.error("Failed to stop jail %r action %r: not done in %g s", self.jail, self.action.name, patience)
        except Exception as error:  # noqa: BLE001 - as above
            log.error("Failed to stop jail %r action %r: %s", self.jail, self.action.name, error)

    async def abandon(self, *, patience: float = PATIENCE) -> None:
        """End without touching what the action holds in force: another object carries on with it."""
        await self._end(patience)

    async def _end(self, patience: float) -> None:
        if self._task is None:
            return
        try:
            async with asyncio.timeout(patience):
                await self.drained()
        except TimeoutError:
            text = "Jail %r action %r: still at work after %g s; it is cut off, and %d call(s) are dropped"
            log.error(text, self.jail, self.action.name, patience, len(self._queue))
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._queue.clear()
        self._idle.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                work, _ = self._queue[0]
                batch: list[Ban] = []
                while self._queue and self._queue[0][0] is work:
                    batch.append(self._queue.popleft()[1])
                async with self._turn:
                    await self._carry_out(work, batch)
            self._idle.set()

    async def _carry_out(self, work: _Work, batch: Sequence[Ban]) -> None:
        call = self.action.ban if work is _Work.BAN else self.action.unban
        bug: Exception | None = None
        try:
            failed = await call(batch)
        except Exception as error:  # noqa: BLE001 - an action must not end the daemon, whatever it raises
            bug, failed = error, [Failed(ban, repr(error)) for ban in batch]
        self._note(batch, failed, work, bug)

    def _note(self, batch: Sequence[Ban], failed: Sequence[Failed], work: _Work, bug: Exception | None = None) -> None:
        if work is _Work.UNBAN:
            self._hopeless.difference_update(ban.subject for ban in batch)
            self._forget_failed(batch)
            if isinstance(self.action, Perishable):  # others cannot tell whom they still hold
                self._unlifted.update({failure.ban.subject: failure.ban for failure in failed})
        elif self.action.kind is Kind.ENFORCER:
            lost = {failure.ban.subject for failure in failed}
            self._forget_failed(batch)
            self._failed.update({failure.ban.subject: failure.ban for failure in failed if not failure.is_final})
            self._hopeless.update(failure.ban.subject for failure in failed if failure.is_final)
            self._enforced([ban for ban in batch if ban.subject not in lost] if lost else batch)
        self._tell(failed, work, bug)

    def _forget_failed(self, bans: Sequence[Ban]) -> None:
        if self._failed:
            for ban in bans:
                self._failed.pop(ban.subject, None)

    def _tell(self, failed: Sequence[Failed], work: _Work, bug: Exception | None) -> None:
        """Let the log say what is new: a trouble, or that it is over, when nobody waits to be offered again.

        Whatever an action that is not up fails to do is no news.
        """
        complaints = self._complaints[work]
        for complaint in complaints.untold(failed) if self._up else ():
            text = "Failed to execute %s jail %r action %r: Error %s %s"
            log.error(text, work.value, self.jail, self.action.name, f"{work.value}ning", complaint, exc_info=bug)
        waiting = self._failed if work is _Work.BAN else self._unlifted
        if not failed and not waiting and (failures := complaints.end()):
            text = "Jail %r action %r: %s works again; it had failed %d time(s)"
            log.warning(text, self.jail, self.action.name, f"{work.value}ning", failures)
