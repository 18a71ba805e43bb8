"""Failure windows: how often has each subject failed of late (COMPAT 3.1).

This is Fail2ban's counting, to the letter, and it is *not* a sliding window. A subject has one counter with the time of
its first and of its last failure. When a failure arrives more than `findtime` after the first, the counter is scaled
down to the rate it had (`retry / age * findtime`, rounded half to even) and the first failure is taken to have been
`findtime` ago. So old failures fade instead of leaving one by one.

A counter that has seen nothing for `findtime` is dropped by `expire`. The number of counters is bounded: at the bound
the counter that has been silent longest makes room (a flood of addresses must not grow the daemon without end). So is
their evidence: beyond `MOST_EVIDENCE` failures count as before, and their lines are not kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.model.address import Subject
from sekisho.model.duration import Seconds
from sekisho.model.verdict import OF_A_LINE, Failure

MOST_COUNTERS = 200_000
"""Counters per jail; at about 500 bytes each, the memory that one jail's attackers can make us spend is 100 MB."""

MOST_EVIDENCE = 32 * 1024 * 1024
"""Characters of evidence per jail. One who owns an IPv6 network has addresses, and lines of 4 KiB, without end."""


@dataclass(slots=True)
class Counter:
    """One subject's failures. `ties` counts those at exactly the time `last`, to tell them apart after a restart.

    `failure` is the first, and its `subject` whoever they all count against.
    """

    failure: Failure
    first: float
    last: float
    retry: int
    failures: int
    ties: int
    matches: tuple[str, ...]


class Windows:
    """The counters of one jail, the longest silent first."""

    def __init__(self, *, findtime: Seconds, maxmatches: int, most: int = MOST_COUNTERS) -> None:
        self.findtime = findtime
        self.maxmatches = maxmatches
        self._most = most
        self._counters: dict[str, Counter] = {}  # by the subject's text, whose hash is known
        self._evidence = 0  # characters kept, and those let go since the last look (`expire`)

    def __len__(self) -> int:
        return len(self._counters)

    def __contains__(self, subject: Subject) -> bool:
        return subject.text in self._counters

    def count(self, failure: Failure, *, weight: int = 1, against: Subject | None = None) -> Counter:
        """Count a failure, `weight` times towards maxretry; the subject's counter as it then stands.

        It counts against its own subject, or `against` the prefix around it.
        """
        subject = against or failure.subject
        counters, key, when = self._counters, subject.text, failure.time
        counter = counters.pop(key, None)
        if self._evidence > MOST_EVIDENCE:
            failure = failure._replace(matches=())
        matches = failure.matches
        for line in matches:
            self._evidence += len(line)
        if counter is None:
            if len(counters) >= self._most:
                del counters[next(iter(counters))]
            # read now: it will be kept
            captured = {name: text for name, text in failure.captured.items() if name not in OF_A_LINE}
            first = Failure(failure.jail, subject, when, matches, captured, failure.address)
            counter = Counter(first, when, when, weight, 1, 1, self._newest(matches))
        else:
            if when > counter.last:
                if counter.first < when - self.findtime:
                    counter.retry = round(counter.retry / (when - counter.first) * self.findtime)
                    counter.first = when - self.findtime
                counter.last = when
                counter.ties = 0
            if when == counter.last:
                counter.ties += 1
            counter.retry += weight
            counter.failures += 1
            counter.matches = self._newest(counter.matches + matches)
        counters[key] = counter
        return counter

    def add(self, subject: Subject, times: int) -> Counter | None:
        """Count a subject's last failure `times` times more; its counter, None where there is none."""
        counter = self._counters.get(subject.text)
        if counter is not None:
            counter.retry += times
            counter.failures += times
        return counter

    def drop(self, subject: Subject) -> None:
        """Forget a subject's failures."""
        self._counters.pop(subject.text, None)

    def expire(self, now: float) -> None:
        """Drop the counters whose last failure is `findtime` or more before `now`."""
        limit = now - self.findtime
        # The dict is ordered by arrival, not by log time, so a straggler may hide behind a later line; look at all.
        for key in [key for key, counter in self._counters.items() if counter.last <= limit]:
            del self._counters[key]
        self._evidence = sum(len(line) for counter in self._counters.values() for line in counter.matches)

    def expire_one(self, subject: Subject, now: float) -> None:
        """Drop one subject's counter if it would have expired by `now`."""
        counter = self._counters.get(subject.text)
        if counter is not None and counter.last <= now - self.findtime:
            del self._counters[subject.text]

    def _newest(self, matches: tuple[str, ...]) -> tuple[str, ...]:
        if len(matches) <= self.maxmatches:
            return matches
        return matches[-self.maxmatches :] if self.maxmatches > 0 else ()
