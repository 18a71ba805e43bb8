"""The bans that stand in one jail, and which of them ends next: a cache of the ledger.

The heap may hold entries of bans that were prolonged or lifted since; they are recognised when they surface, by the end
they name, and the heap is rebuilt when such entries outnumber the living.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator

from sekisho.model.address import Family, Subject, widened
from sekisho.model.verdict import Ban


class Standing:
    """Bans by subject, in the order in which they were made."""

    def __init__(self) -> None:
        self._bans: dict[str, Ban] = {}  # by the subject's text, whose hash is known
        self._ends: list[tuple[float, str]] = []
        self._lengths: Counter[tuple[Family, int]] = Counter()  # of the networks among the subjects

    def __len__(self) -> int:
        return len(self._bans)

    def __iter__(self) -> Iterator[Ban]:
        return iter(self._bans.values())

    def __contains__(self, subject: Subject) -> bool:
        return subject.text in self._bans

    def get(self, subject: Subject) -> Ban | None:
        """Return the subject's ban, if one stands."""
        return self._bans.get(subject.text)

    def covered(self, subjects: Iterable[Subject]) -> list[Ban]:
        """Return the bans of whoever one of `subjects` covers; only networks are compared with every ban."""
        wanted = dict.fromkeys(subjects)
        wide = [subject for subject in wanted if not subject.is_single and subject.network is not None]
        found = {subject: self._bans[subject.text] for subject in wanted if subject in self}
        if wide:
            covered = (ban for ban in self._bans.values() if any(subject.covers(ban.subject) for subject in wide))
            found |= {ban.subject: ban for ban in covered}
        return list(found.values())

    def around(self, subject: Subject) -> list[Ban]:
        """Return the bans of networks in which a subject lies, the narrowest first."""
        lengths = sorted(length for family, length in self._lengths if family is subject.family)
        networks = dict.fromkeys(widened(subject, length) for length in reversed(lengths))
        return [self._bans[network.text] for network in networks if network != subject and network in self]

    def barring(self, subject: Subject) -> Ban | None:
        """Return the subject's ban, or else that of the narrowest network around it, if one stands."""
        own = self.get(subject)
        return own if own is not None or not self._lengths else next(iter(self.around(subject)), None)

    def put(self, ban: Ban) -> None:
        """Let `ban` stand; one that replaces another keeps its place in the order."""
        if not ban.subject.is_single and ban.subject not in self:
            self._lengths.update(_length_of(ban.subject))
        text, until = ban.subject.text, ban.until
        self._bans[text] = ban
        if until is None:
            return
        if len(self._ends) > 2 * len(self._bans) + 64:
            self._ends = [(b.until, b.subject.text) for b in self._bans.values() if b.until is not None]
            heapq.heapify(self._ends)
        else:
            heapq.heappush(self._ends, (until, text))

    def remove(self, subject: Subject) -> Ban | None:
        """Let the subject's ban stand no more; the ban, or None when there was none."""
        ban = self._bans.pop(subject.text, None)
        if ban is not None and not subject.is_single:
            self._lengths -= Counter(_length_of(subject))  # which leaves out what has come to nothing
        return ban

    def next_end(self) -> float | None:
        """Return when the next ban may end, in seconds since the epoch; None while none will."""
        while self._ends:
            until, text = self._ends[0]
            ban = self._bans.get(text)
            if ban is not None and ban.until == until:
                return until
            heapq.heappop(self._ends)
        return None

    def take_due(self, now: float) -> list[Ban]:
        """Remove and return the bans whose end lies strictly before `now` (COMPAT 3.3)."""
        due: list[Ban] = []
        while (until := self.next_end()) is not None and until < now:
            _, text = heapq.heappop(self._ends)
            ban = self._bans[text]
            self.remove(ban.subject)
            due.append(ban)
        return due


def _length_of(subject: Subject) -> list[tuple[Family, int]]:
    """Return the length of a network; of other text none."""
    network = subject.network
    return [] if network is None else [(subject.family, network.prefixlen)]
