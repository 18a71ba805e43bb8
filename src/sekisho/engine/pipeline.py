"""From a failure to what follows: verdict, ledger, log, actions, always in this order.

The pipeline collects what one block of lines (or one word of a person) causes and settles it at once: one transaction
with the block's position, then the log lines, then the actions. If the ledger cannot be written (`account`) the bans
are carried out all the same, since an attack does not wait for a disk.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sekisho.engine.account import Account
from sekisho.engine.clock import Clock
from sekisho.engine.doubts import Ask, Doubts
from sekisho.engine.guard import Guard
from sekisho.engine.histories import Histories
from sekisho.engine.jail import Jail
from sekisho.engine.lookups import Lookups
from sekisho.engine.report import FILTER, INFO, Entry, entry, local_time
from sekisho.engine.screening import Screening
from sekisho.judge.judge import prolong
from sekisho.ledger.ledger import Consumed
from sekisho.model.address import Subject
from sekisho.model.prefix import SINGLE
from sekisho.model.verdict import (
    AlreadyBanned,
    Ban,
    Cause,
    Counted,
    Expired,
    Failure,
    Ignored,
    KnownBad,
    Release,
    Unban,
    Verdict,
)

log = logging.getLogger("fail2ban.filter")


@dataclass(slots=True)
class _Batch:
    entries: list[Entry] = field(default_factory=list)
    bans: dict[str, list[Ban]] = field(default_factory=dict)
    prolonged: dict[str, list[Ban]] = field(default_factory=dict)
    unbans: dict[str, list[Ban]] = field(default_factory=dict)


class Pipeline:
    """Judges failures and settles the verdicts."""

    def __init__(
        self,
        *,
        jails: Mapping[str, Jail],
        account: Account,
        clock: Clock,
        resolve: Callable[[str], Awaitable[frozenset[Subject]]],
        write: Callable[[Sequence[Entry]], None],
        chance: Callable[[], float],
        ignores: Ask,
        guard: Guard,
    ) -> None:
        self.screening = Screening(guard)
        self.account = account
        self._jails = jails
        self._clock = clock
        self._write = write
        self._histories = Histories(ask=account.history, chance=chance)
        self._batch = _Batch()
        self._ignores = ignores
        self._guard = guard
        self._doubts = Doubts(ignores, self._judge_asked, self.settle)
        self.lookups = Lookups(
            jails, resolve=resolve, is_ignored=self._is_ignored, lift=self._lift_ignored, settle=self.settle
        )

    def judge(self, jail: Jail, failure: Failure) -> None:
        """Judge one failure. Nothing is settled yet.

        In a jail with ignorecommand it is judged, and settled, when that has been asked; in one that is idle, when it
        wakes.
        """
        if jail.is_idle:
            jail.held.append(failure)
            return
        source = self.screening.exempts(jail, failure)
        if source is None and jail.spec.ignorecommand.command:
            self._doubts.put(jail, failure)
        else:
            self._judge_known(jail, failure, source)

    async def attempt(self, jail: Jail, failure: Failure, *, weight: int) -> bool:
        """Judge a failure that a person reports, and settle it; False when it is ignored, by a command too."""
        source = self.screening.exempts(jail, failure)
        if source is None and await self._is_ignored(jail, failure):
            source = "command"
        self._judge_known(jail, failure, source, weight=weight)
        self.settle()
        return source is None

    async def _is_ignored(self, jail: Jail, failure: Failure) -> bool:
        """Return whether the jail's ignorecommand exempts whom a failure concerns."""
        return bool(jail.spec.ignorecommand.command) and await self._ignores(jail.spec.ignorecommand, failure)

    def doubtful(self) -> int:
        """Return of how many subjects ignorecommand is being asked."""
        return len(self._doubts)

    def _lift_ignored(self, jail: Jail, failure: Failure, ban: Ban) -> None:
        self._conclude(jail, Ignored(failure, "command"))
        self.unban(jail, Unban(ban, Release.EXPIRED))

    def _judge_asked(self, jail: Jail, failure: Failure, is_exempt: bool) -> None:  # noqa: FBT001 - an answer
        if self._jails.get(jail.name) is jail:
            self._judge_known(jail, failure, "command" if is_exempt else None)

    def _judge_known(self, jail: Jail, failure: Failure, source: str | None, *, weight: int = 1) -> None:
        """Judge a failure of which it is known what exempts it, if anything does."""
        if source is not None:
            self._conclude(jail, Ignored(failure, source))
            return
        suspect, now = self.screening.suspect(jail, failure), self._clock.now()
        standing = jail.standing.get(suspect)
        known = None if jail.escalation is None else self._histories.known_bad(jail, failure, suspect)
        verdicts = jail.judge.decide(failure, now=now, standing=standing, weight=weight, against=suspect)
        if known is not None:
            more = verdicts[1:] or jail.judge.aggravate(known, now=now, standing=standing, against=suspect)
            verdicts[1:] = [known, *more]
        for verdict in verdicts:
            self._conclude(jail, verdict)

    def judge_all(self, jail: Jail, failures: Iterable[Failure]) -> None:
        """Judge failures in their order, as `judge` does one by one, at half the price."""
        if jail.escalation is not None or jail.spec.ignorecommand.command or jail.is_idle:
            for failure in failures:
                self.judge(jail, failure)
            return
        screen, windows, name = self.screening.screen_of(jail), jail.judge.windows, jail.name
        maxretry, now = jail.spec.maxretry, self._clock.now()
        counts_alone = jail.prefixes is SINGLE
        found: list[str] = []
        when, moment, counted = -1.0, "", 0
        for failure in failures:
            _, subject, time, _, _, address = failure
            source = screen.source(address or subject)
            if source is not None:
                found = []
                self._conclude(jail, Ignored(failure, source))
                continue
            if time != when:
                when, moment = time, local_time(time)
            if not found:
                self._batch.entries.append(Entry(FILTER, INFO, found))
            found.append(f"[{name}] Found {subject.text} - {moment}")
            counted += 1
            if counts_alone:
                counter = windows.count(failure)
            else:
                counter = windows.count(failure, against=self.screening.suspect(jail, failure))
            if counter.retry >= maxretry:
                found = []  # what follows stands behind these lines
                standing = jail.standing.get(counter.failure.subject)
                self._conclude(jail, jail.judge.convict(counter, now=now, standing=standing))
        jail.failed_total += counted

    def judge_held(self, jail: Jail) -> None:
        """Judge, and settle, what waited while the jail was idle."""
        held, fullness = list(jail.held), jail.held.maxlen
        jail.held.clear()
        if len(held) == fullness:
            log.warning("[%s] %d failures waited; older ones, if there were any, count no more", jail.name, fullness)
        self.judge_all(jail, held)
        self.settle()

    def refill(self, jail: Jail, failure: Failure) -> None:
        """Count a failure that was judged before this start; ignorecommand was asked then, and is not again."""
        if self.screening.exempts(jail, failure) is None:
            suspect = self.screening.suspect(jail, failure)
            known = None if jail.escalation is None else self._histories.known_bad(jail, failure, suspect)
            jail.judge.refill(failure, now=self._clock.now(), known=known, against=suspect)

    def ban_by_hand(self, jail: Jail, ban: Ban, *, is_exact: bool = False) -> bool:
        """Ban whatever the ignore lists say, as long as `ban` says where that `is_exact`.

        Who is banned already is so until the later of the two ends; False then.
        """
        standing = jail.standing.get(ban.subject)
        if standing is not None:
            self._conclude(jail, AlreadyBanned(ban, standing, prolong(standing, ban)))
            return False
        self._conclude(jail, ban, is_exact=is_exact)
        return True

    def spares(self, jail: Jail, ban: Ban) -> bool:
        """Return whether a machine's ban must not be, and let the log tell why, from time to time."""
        reason = self.screening.spares(jail, ban)
        if reason is not None and self._guard.may_speak(ban):
            self._batch.entries.append(entry(Ignored(Failure(jail.name, ban.target, ban.time), reason)))
        return reason is not None

    def look_back(self) -> None:
        """Lift the machine's bans of late whom it would not make now; settle."""
        for ban in self._guard.take_hasty():
            jail = self._jails.get(ban.jail)
            standing = None if jail is None else jail.standing.get(ban.subject)
            if jail is not None and standing is not None and standing.cause is Cause.FAILURES:
                self.spares(jail, standing)
                self.unban(jail, Unban(standing, Release.EXPIRED))
        self.settle()

    def unban(self, jail: Jail, unban: Unban) -> None:
        """End a ban; nothing is settled yet."""
        jail.standing.remove(unban.ban.subject)
        self._conclude(jail, unban)

    def forget(self, jail: Jail, subjects: Iterable[Subject] | None) -> None:
        """Let the bans that `subjects` (None: all) have had in the jail count no more; nothing is settled yet."""
        jail.histories.clear()
        whose = [None] if subjects is None else subjects
        self.account.changes.forgotten += [(jail.name, subject) for subject in whose]

    def _conclude(self, jail: Jail, verdict: Verdict, *, is_exact: bool = False) -> None:
        if isinstance(verdict, Ban) and verdict.cause is Cause.FAILURES and self.spares(jail, verdict):
            self._note_consumed(jail, verdict.subject)
            return
        batch = self._batch
        more: tuple[Entry, ...] = ()
        match verdict:
            case Counted() | KnownBad():
                jail.failed_total += 1
            case Ban():
                verdict, more = self._histories.applied(jail, verdict, is_exact=is_exact)
                jail.standing.put(verdict)
                self._guard.note(verdict)
                jail.banned_total += 1
                self.account.changes.bans.append(verdict)
                batch.bans.setdefault(jail.name, []).append(verdict)
                self._note_consumed(jail, verdict.subject)
            case AlreadyBanned(_, _, prolonged):
                if prolonged is not None:
                    jail.standing.put(prolonged)
                    self.account.changes.prolonged.append(prolonged)
                    batch.prolonged.setdefault(jail.name, []).append(prolonged)
                self._note_consumed(jail, verdict.ban.subject)
            case Expired(ban):
                self._note_consumed(jail, ban.subject)
            case Unban(ban):
                self.account.changes.unbans.append(verdict)
                batch.unbans.setdefault(jail.name, []).append(ban)
        batch.entries.append(entry(verdict))
        if more:
            batch.entries += more
        if isinstance(verdict, Ban):
            self._feed_recidive(verdict)

    def _note_consumed(self, jail: Jail, subject: Subject) -> None:
        reached = jail.judge.reached.get(subject)
        if reached is not None:
            self.account.changes.consumed[jail.name, subject] = Consumed(reached.time, reached.ties)

    def _feed_recidive(self, ban: Ban) -> None:
        now = self._clock.now()
        for jail in self._jails.values():
            if jail.feeds_on_bans and jail.name != ban.jail:
                self.judge(jail, recidive_failure(jail.name, ban, now))

    def settle(self) -> None:
        """Commit what has been concluded, log it, and set the actions to work."""
        batch, self._batch = self._batch, _Batch()
        self.account.commit()
        if batch.entries:
            self._write(batch.entries)
        for name, unbans in batch.unbans.items():
            for worker in self._jails[name].workers:
                worker.unban(unbans)
        for name, bans in batch.bans.items():
            self._jails[name].put_to_work(bans)
        for name, prolonged in batch.prolonged.items():
            for worker in self._jails[name].enforcers:
                worker.ban(prolonged)

    async def close(self) -> None:
        """Give up the lookups under way."""
        await self._doubts.close()
        await self.lookups.close()


def recidive_failure(jail: str, ban: Ban, when: float) -> Failure:
    """Return what a ban elsewhere means to a recidive jail: one failure, proved by the line the log has of it."""
    line = f"{local_time(when)} {entry(ban).texts[0]}"
    return Failure(jail=jail, subject=ban.subject, time=when, matches=(line,), address=ban.address)
