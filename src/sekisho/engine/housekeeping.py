"""What has to be done now and then: bans end, counters fade, firewalls lose something, names change.

One task, one beat a second; each duty has its own interval. `due` is pure, so that the plan is tested without waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from sekisho.engine.clock import Clock
from sekisho.engine.jail import Jail
from sekisho.engine.pipeline import Pipeline
from sekisho.engine.readings import Readings
from sekisho.engine.settings import ServerSettings
from sekisho.engine.worker import Worker
from sekisho.judge.exempt import Exemptions, Surroundings, parse_exemptions
from sekisho.ledger.ledger import Ledger, LedgerError
from sekisho.lookup.ignorefile import IgnoreFiles
from sekisho.model.address import Subject
from sekisho.model.specs import JailSpec
from sekisho.model.verdict import Release, Unban

log = logging.getLogger("fail2ban.server")

BEAT = 1.0
"""Seconds between two looks; a ban by hand or by commands ends at most this late (the kernel ends its own in time)."""

_BREATH = 0.1
"""Seconds between an alarm and the repair: who flushes the ruleset often fills it anew in the same breath, and who does
it without end must not keep us busy without end."""


@dataclass(slots=True)
class Duty:
    """Something to do every `every` seconds; `last` is when it was done."""

    every: float
    run: Callable[[], Awaitable[None]]
    last: float = 0.0

    def due(self, now: float) -> bool:
        """Return whether it is time; a clock that was set back makes it time too."""
        return now - self.last >= self.every or now < self.last


@dataclass(slots=True)
class Housekeeping:
    """Keeps the jails in order while the daemon runs."""

    jails: Mapping[str, Jail]
    pipeline: Pipeline
    readings: Readings
    ledger: Ledger
    clock: Clock
    settings: ServerSettings
    resolve: Callable[[str], Awaitable[frozenset[Subject]]]
    own_addresses: Callable[[], Awaitable[frozenset[Subject]]]
    _ignore_files: IgnoreFiles = field(init=False)
    _alarm: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _repairs: dict[Worker, asyncio.Task[None]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._ignore_files = IgnoreFiles(clock=self.clock.now)

    def start(self) -> None:
        """Begin, beside the caller."""
        self._task = asyncio.create_task(self._run(), name="housekeeping")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            tasks = [self._task, *self._repairs.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        now = self.clock.now()
        duties = [
            Duty(BEAT, self.end_bans),
            Duty(BEAT, self.look_back),
            Duty(BEAT, self.look_at_lists),
            Duty(5, self.fade, now),
            Duty(5, self.look_for_logs, now),
            Duty(10, self.repair, now),
            Duty(300, self.look_around, now),
            Duty(3600, self.purge, now),
        ]
        repair = next(duty for duty in duties if duty.run == self.repair)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await self._alarm.wait()
            now = self.clock.now()
            if self._alarm.is_set():
                await asyncio.sleep(_BREATH)
                self._alarm.clear()
                repair.last = 0.0
            for duty in duties:
                if duty.due(now):
                    duty.last = now
                    try:
                        await duty.run()
                    except Exception:  # a duty that fails today is tried again; the others must go on
                        log.exception("housekeeping: %s", duty.run.__name__)

    def alarm(self) -> None:
        """Let the enforcers be repaired at once: something of theirs has gone."""
        self._alarm.set()

    async def end_bans(self) -> None:
        """Unban whose time is over."""
        now = self.clock.now()
        for jail in list(self.jails.values()):
            for ban in jail.standing.take_due(now):
                self.pipeline.unban(jail, Unban(ban, Release.EXPIRED))
        self.pipeline.settle()

    async def look_back(self) -> None:
        """Let nobody stay barred whose session began in the moment of the ban."""
        self.pipeline.look_back()

    async def fade(self) -> None:
        """Drop counters that have been silent for findtime, and save positions that moved without consequence."""
        now = self.clock.now()
        for jail in self.jails.values():
            jail.judge.expire(now)
        self.readings.save_positions()
        self.pipeline.settle()

    async def look_for_logs(self) -> None:
        """Read logs that have appeared under a glob."""
        await self.readings.assign()

    async def repair(self) -> None:
        """Let every enforcer put back what failed or vanished; one that hangs keeps nobody else from it."""
        for jail in list(self.jails.values()):
            for worker in jail.enforcers:
                if worker not in self._repairs:
                    task = asyncio.create_task(worker.retry(tuple(jail.standing)), name=f"repair {worker!r}")
                    self._repairs[worker] = task
                    task.add_done_callback(partial(self._repaired, worker))
        if self._repairs:
            await asyncio.wait(self._repairs.values(), timeout=BEAT)

    def _repaired(self, worker: Worker, task: asyncio.Task[None]) -> None:
        del self._repairs[worker]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("Repairing %r: %s", worker, error, exc_info=error)

    async def look_around(self, coming: Iterable[JailSpec] = ()) -> None:
        """Learn who we are ourselves, and whom the jails, and those that are coming, never ban."""
        own = await self.own_addresses()
        self._learn(replace(self._around, own=own))
        exemptions = self._exemptions(coming)
        await self._look_at_lists(exemptions)
        await self._resolve_names(exemptions)

    async def look_at_lists(self) -> None:
        """Read the ignore files that have changed."""
        exemptions = self._exemptions()
        if await self._look_at_lists(exemptions):
            await self._resolve_names(exemptions)

    def _exemptions(self, coming: Iterable[JailSpec] = ()) -> list[Exemptions]:
        rules = [parse_exemptions(spec.ignoreip) for spec in coming]
        return [*rules, *(jail.exemptions for jail in self.jails.values())]

    @property
    def _around(self) -> Surroundings:
        return self.pipeline.screening.surroundings

    def _learn(self, around: Surroundings) -> bool:
        """Let the judges know the world as it is now; whether anything is new."""
        is_new = around != self._around
        if is_new:
            self.pipeline.screening.surroundings = around
        return is_new

    async def _look_at_lists(self, exemptions: Iterable[Exemptions]) -> bool:
        """Learn what the ignore files say; whether that is new."""
        words = dict.fromkeys(word for rules in exemptions for word in rules.files)
        if not words and not self._around.lists:
            return False
        lists = await self._ignore_files.look(words)
        return self._learn(replace(self._around, lists=lists))

    async def _resolve_names(self, exemptions: Iterable[Exemptions]) -> None:
        """Learn what the ignored names stand for now; a name that fails keeps its last."""
        names = sorted({name for rules in (*exemptions, *self._around.lists.values()) for name in rules.names})
        answers = await asyncio.gather(*(self.resolve(name) for name in names))
        before, known = self._around.resolved, zip(names, answers, strict=True)
        resolved = {name: answer or before.get(name, frozenset()) for name, answer in known}
        self._learn(replace(self._around, resolved=resolved))

    async def purge(self) -> None:
        """Forget bans that ended long ago, but none that a jail may still count (COMPAT 3.7)."""
        for jail in self.jails.values():
            jail.histories.clear()
        longest = max((2 * jail.spec.findtime for jail in self.jails.values()), default=0)
        try:
            self.ledger.purge(before=self.clock.now() - max(self.settings.spec.dbpurgeage, longest))
        except LedgerError as error:
            log.error("The ledger cannot be purged: %s", error)
