"""Bans that people make and lift, and failures that they report: judged and settled like all others, and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sekisho.engine.api import Refused
from sekisho.engine.clock import Clock
from sekisho.engine.jail import Jail
from sekisho.engine.pipeline import Pipeline
from sekisho.engine.report import FILTER, INFO, Entry, local_time
from sekisho.model.address import Family, Subject
from sekisho.model.duration import Seconds
from sekisho.model.verdict import Ban, Cause, Failure, Release, Unban

PATIENCE = 2.0
"""Seconds that a ban by hand waits for the firewall before it answers; it goes on all the same."""

_PORTION = 500  # bans lifted in one go, which takes some milliseconds


@dataclass(frozen=True, slots=True)
class ByHand:
    """What `EngineApi` says of `ban`, `unban` and `attempt`."""

    jails: Mapping[str, Jail]
    pipeline: Pipeline
    clock: Clock
    resolve: Callable[[str], Awaitable[frozenset[Subject]]]
    write: Callable[[Sequence[Entry]], None]

    async def ban(
        self, jail: Jail, subjects: Sequence[Subject], *, duration: Seconds | None, reason: str, force: bool
    ) -> int:
        """Bar subjects; the number newly banned. Waits for the firewall, within reason."""
        for subject in () if force else subjects:
            if (why := self.pipeline.screening.forbids(jail, subject)) is not None:
                way = f"sekisho ban --force {jail.name} {subject}"
                raise Refused(f"{subject} is guarded ({why}), so nobody is banned; to ban it all the same: {way}")
        length = jail.spec.bantime if duration is None else duration
        now = self.clock.now()
        banned = sum(
            self.pipeline.ban_by_hand(
                jail,
                Ban(jail.name, subject, now, length, cause=Cause.BY_HAND, reason=reason),
                is_exact=duration is not None,
            )
            for subject in subjects
        )
        self.pipeline.settle()
        await wait_enforced([jail])
        return banned

    async def unban(self, jails: Sequence[Jail], subjects: Sequence[Subject] | None) -> Sequence[Ban]:
        """Lift and forget the bans that `subjects` cover (None: all) in these jails; those lifted.

        So are prefixes that a machine has barred around one of them: whoever lets an address in wants it in.
        """
        wanted = None if subjects is None else [*subjects, *await self._named(subjects)]
        lifted: list[Ban] = []
        for jail in jails:
            around = [] if wanted is None else _barred_around(jail, wanted)
            covered = list(jail.standing) if wanted is None else [*jail.standing.covered(wanted), *around]
            async for portion in _portions(covered):
                for ban in portion if self.jails.get(jail.name) is jail else ():
                    standing = jail.standing.get(ban.subject)  # what was prolonged or ended meanwhile
                    if standing is not None:
                        self.pipeline.unban(jail, Unban(standing, Release.BY_HAND))
                        lifted.append(standing)
                self.pipeline.settle()
            self.pipeline.forget(jail, None if wanted is None else _forgiven(jail, wanted, around))
        self.pipeline.settle()
        await wait_enforced(jails)
        return lifted

    async def _named(self, subjects: Sequence[Subject]) -> list[Subject]:
        """Return the addresses of those subjects that are host names and no jail's identifiers."""
        names = [
            subject.text
            for subject in subjects
            if subject.family is Family.OTHER and not any(subject in jail.standing for jail in self.jails.values())
        ]
        return [address for name in names for address in await self.resolve(name)]

    async def attempt(self, jail: Jail, subject: Subject, lines: Sequence[str]) -> bool:
        """Count a failure as heavy as there are lines (COMPAT 3.1); False when the subject is ignored."""
        now = self.clock.now()
        self.write([Entry(FILTER, INFO, (f"[{jail.name}] Attempt {subject} - {local_time(now)}",))])
        failure = Failure(jail.name, subject, now, tuple(lines))
        return await self.pipeline.attempt(jail, failure, weight=max(1, len(lines)))


def _barred_around(jail: Jail, subjects: Sequence[Subject]) -> list[Ban]:
    """Return the bans of networks around the subjects that failures have led to; a person's are that person's."""
    return [ban for subject in subjects for ban in jail.standing.around(subject) if ban.failures]


def _forgiven(jail: Jail, subjects: Sequence[Subject], around: Sequence[Ban]) -> Iterable[Subject]:
    """Return whose bans count no more: the subjects', and those of the prefixes against which they count."""
    prefixes = (jail.prefixes.around(subject) for subject in subjects)
    return dict.fromkeys([*subjects, *prefixes, *(ban.subject for ban in around)])


async def _portions(bans: Sequence[Ban]) -> AsyncIterator[Sequence[Ban]]:
    """Yield the bans some hundreds at a time; in between, others have their turn."""
    for start in range(0, len(bans), _PORTION):
        yield bans[start : start + _PORTION]
        await asyncio.sleep(0)


async def wait_enforced(jails: Sequence[Jail]) -> None:
    """Wait until the enforcers have caught up, but not longer than a person should wait."""
    waits = [asyncio.create_task(worker.drained()) for jail in jails for worker in jail.enforcers]
    if waits:
        _, pending = await asyncio.wait(waits, timeout=PATIENCE)
        for task in pending:
            task.cancel()
