"""Taking over what a Fail2ban remembers while we run: its bans into the ledger, and those that stand into the actions.

A jail treats them as it treats its own bans after a restart (`lifecycle`): ignored ones are not put in force, and none
is longer than the jail allows.

The ledger is written in portions, between which logs are read and words answered. Each is a transaction; a death
between two is mended by adopting again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from sekisho.engine.api import Adopted, Refused
from sekisho.engine.clock import Clock
from sekisho.engine.jail import Jail
from sekisho.engine.lifecycle import Lifecycle
from sekisho.engine.pipeline import Pipeline, recidive_failure
from sekisho.judge.judge import Reached
from sekisho.ledger.adoption import PastBan, Taken
from sekisho.ledger.fail2ban_database import ForeignError, read_database
from sekisho.ledger.ledger import Ledger, LedgerError
from sekisho.model.verdict import Ban

_PORTION = 2000  # bans written at once: some thirty milliseconds


@dataclass(frozen=True, slots=True)
class Adoption:
    """Takes over; the engine gives it a turn of its own."""

    jails: Mapping[str, Jail]
    ledger: Ledger
    pipeline: Pipeline
    lifecycle: Lifecycle
    clock: Clock

    async def run(self, database: str) -> Adopted:
        """Take over from the database at a path; what came of it. Raises Refused."""
        if not Path(database).is_absolute():
            raise Refused(f"a database is named by its whole path, not by {database!r}")
        now = self.clock.now()
        bantimes = {name: jail.spec.bantime for name, jail in self.jails.items()}
        try:
            memory = await asyncio.to_thread(read_database, Path(database), now=now, bantimes=bantimes)
        except ForeignError as error:
            raise Refused(str(error)) from error
        told = Tally()
        try:
            for taken in take_in_portions(self.ledger, memory.bans, now=now):
                told.note(taken)
                self._put_in_force(taken)
                await asyncio.sleep(0)
        except LedgerError as error:
            raise Refused(f"the ledger cannot be written: {error}") from error
        return told.result(memory.remarks)

    def _put_in_force(self, taken: Taken) -> None:
        now = self.clock.now()
        for name, bans in _by_jail([*taken.past, *taken.standing]):
            if (jail := self.jails.get(name)) is not None:
                _remember(jail, bans)
        for name, bans in _by_jail(taken.standing):
            jail = self.jails.get(name)
            if jail is not None and jail.has_begun:
                self.lifecycle.restore(jail, bans, now)
        fresh = sorted([*taken.past, *taken.standing], key=lambda ban: ban.time)
        for jail in self.jails.values():
            if jail.feeds_on_bans and jail.has_begun:
                since = now - 2 * jail.spec.findtime
                for ban in fresh:
                    if ban.jail != jail.name and ban.time >= since:
                        self.pipeline.refill(jail, recidive_failure(jail.name, ban, ban.time))
                jail.judge.end_refill()


def _by_jail(bans: Sequence[Ban]) -> Iterator[tuple[str, list[Ban]]]:
    for name, group in groupby(sorted(bans, key=lambda ban: ban.jail), key=lambda ban: ban.jail):
        yield name, list(group)


def _remember(jail: Jail, bans: Sequence[Ban]) -> None:
    """Let failures that led to these bans count no more, and the bans count at once where those of old do."""
    for ban in bans:
        before = jail.judge.reached.get(ban.subject)
        if before is None or before.time < ban.time:
            jail.judge.reached[ban.subject] = Reached(ban.time, max(1, ban.failures))
    jail.histories.clear()


def take_in_portions(ledger: Ledger, bans: Sequence[PastBan], *, now: float) -> Iterator[Taken]:
    """Write past bans, which are in the order of their times, a portion at a time; yield what became of each."""
    for start in range(0, len(bans), _PORTION):
        yield ledger.adopt(bans[start : start + _PORTION], now=now)


class Tally:
    """Counts, by jail, what was taken over."""

    def __init__(self) -> None:
        self._standing: Counter[str] = Counter()
        self._past: Counter[str] = Counter()
        self._known: Counter[str] = Counter()

    def note(self, taken: Taken) -> None:
        """Add what became of a portion."""
        self._standing.update(ban.jail for ban in taken.standing)
        self._past.update(ban.jail for ban in taken.past)
        self._known.update(taken.known)

    def result(self, remarks: Sequence[str]) -> Adopted:
        """Return the sums."""
        return Adopted(dict(self._standing), dict(self._past), dict(self._known), tuple(remarks))
