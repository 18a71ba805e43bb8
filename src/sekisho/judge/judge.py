"""What follows from a failure: nothing yet, a ban, a longer ban (COMPAT 3.1, 3.2).

The judge of one jail owns its failure windows. It is given the time, and the ban that stands, and returns verdicts; it
changes nothing outside itself.

**Refilling.** Windows live in memory only. After a restart the engine lets the judge see again the lines that were
judged before (`refill`), so that the counters are what they were. Nobody is banned by that, and a failure that an
earlier ban has consumed must not count towards the next. `Reached` says up to where: a subject's failures before
`time`, and the first `ties` of those at exactly `time` (log times have whole seconds), led to its last ban.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sekisho.judge.window import Counter, Windows
from sekisho.model.address import Subject
from sekisho.model.duration import Seconds
from sekisho.model.specs import PERMANENT, JailSpec
from sekisho.model.verdict import AlreadyBanned, Ban, Counted, Expired, Failure, KnownBad, Verdict

_AHEAD = 300.0
"""Seconds by which a ban may begin later than now. One from further ahead is from before the clock was set back: the
kernel, which counts seconds and reads no clock, has ended it or will, so who fails again is banned again."""


@dataclass(frozen=True, slots=True)
class Reached:
    """When a subject last reached maxretry, and how many of its failures at exactly that time had been counted."""

    time: float
    ties: int


class Judge:
    """Decides for one jail."""

    def __init__(self, spec: JailSpec, *, reached: Mapping[Subject, Reached] | None = None) -> None:
        self.spec = spec
        self.windows = Windows(findtime=spec.findtime, maxmatches=spec.maxmatches)
        self.reached: dict[Subject, Reached] = dict(reached or {})
        self._seen_again: dict[Subject, int] = {}

    def apply(self, spec: JailSpec) -> None:
        """Judge by `spec` from now on; the counters stay."""
        self.spec = spec
        self.windows.findtime = spec.findtime
        self.windows.maxmatches = spec.maxmatches

    def decide(
        self, failure: Failure, *, now: float, standing: Ban | None, weight: int = 1, against: Subject | None = None
    ) -> list[Verdict]:
        """Count a failure and return what follows; `standing` is the ban in this jail of whom it counts against."""
        counter = self.windows.count(failure, weight=weight, against=against)
        counted = Counted(failure, counter.retry)
        if counter.retry < self.spec.maxretry:
            return [counted]
        return [counted, self.convict(counter, now=now, standing=standing)]

    def aggravate(
        self, known: KnownBad, *, now: float, standing: Ban | None, against: Subject | None = None
    ) -> list[Verdict]:
        """Let a failure that has just counted once count as often as a known offender's does; what follows."""
        counter = self.windows.add(against or known.failure.subject, math.ceil(known.weight) - 1)
        if counter is None or counter.retry < self.spec.maxretry:
            return []
        return [self.convict(counter, now=now, standing=standing)]

    def convict(self, counter: Counter, *, now: float, standing: Ban | None) -> Verdict:
        """Empty a counter that has reached maxretry, and return what it leads to."""
        subject = counter.failure.subject
        self.windows.drop(subject)
        self._note_reached(subject, counter)
        ban = self._ban(counter)
        if ban.until is not None and ban.until < now:
            return Expired(ban)
        if standing is not None and (standing.until is None or standing.time <= now + _AHEAD):
            return AlreadyBanned(ban, standing, prolong(standing, ban))
        return ban

    def refill(
        self, failure: Failure, *, now: float, known: KnownBad | None = None, against: Subject | None = None
    ) -> None:
        """Count a failure that was judged before this start, unless a ban has consumed it; decide nothing.

        It may have been the ban of the prefix, or of the address while its prefix could not be barred.
        """
        subject = against or failure.subject
        if any(self._has_consumed(each, failure.time) for each in dict.fromkeys((subject, failure.subject))):
            return
        self.windows.expire_one(subject, failure.time)
        counter = self.windows.count(failure, against=against)
        if known is not None and counter.retry < self.spec.maxretry:
            self.windows.add(subject, math.ceil(known.weight) - 1)
        if counter.retry < self.spec.maxretry:
            return
        until = self._ban(counter).until
        if until is not None and until < now:  # it was decided as already over, and left no ban behind
            self.windows.drop(subject)

    def _has_consumed(self, subject: Subject, when: float) -> bool:
        """Return whether the subject's last ban has consumed a failure of `when`, which is one more seen again."""
        reached = self.reached.get(subject)
        if reached is None or when != reached.time:
            return reached is not None and when < reached.time
        seen = self._seen_again[subject] = self._seen_again.get(subject, 0) + 1
        return seen <= reached.ties

    def end_refill(self) -> None:
        """Forget what only the refilling needed."""
        self._seen_again.clear()

    def expire(self, now: float) -> None:
        """Drop what has become too old to matter at `now`."""
        self.windows.expire(now)
        # Failures older than twice findtime are never read again (engine/reading): their consumption may be forgotten.
        limit = now - 2 * self.spec.findtime
        for subject in [subject for subject, reached in self.reached.items() if reached.time < limit]:
            del self.reached[subject]

    def _note_reached(self, subject: Subject, counter: Counter) -> None:
        before = self.reached.get(subject)
        ties = counter.ties + (before.ties if before is not None and before.time == counter.last else 0)
        self.reached[subject] = Reached(counter.last, ties)

    def _ban(self, counter: Counter) -> Ban:
        failure = counter.failure
        return Ban(
            jail=failure.jail,
            subject=failure.subject,
            time=counter.last,
            duration=self.spec.bantime,
            failures=counter.failures,
            matches=counter.matches,
            captured=failure.captured,
            address=failure.address,
        )


def prolong(standing: Ban, ban: Ban) -> Ban | None:
    """Return `standing` with the later end of the two, or None when it already ends last."""
    if standing.until is None:
        return None
    duration: Seconds = PERMANENT if ban.until is None else ban.until - standing.time
    return replace(standing, duration=duration) if ban.until is None or ban.until > standing.until else None


def capped(ban: Ban, *, reached: float, spec: JailSpec) -> Ban:
    """Return a stored ban as the jail's present `bantime` allows it (COMPAT 3.4), counted from when last earned.

    With `bantime.increment` the longest is `bantime.maxtime`.
    """
    longest = spec.escalation.maxtime if spec.escalation.increment else spec.bantime
    if longest is None or longest == PERMANENT:
        return ban
    most = reached - ban.time + longest
    return replace(ban, duration=most) if ban.duration == PERMANENT or ban.duration > most else ban
