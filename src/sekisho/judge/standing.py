"""The bans that stand in one jail, and which of them ends next: a cache of the ledger.

The heap may hold entries of bans that were prolonged or lifted since; they are recognised when they surface, by the end
they name, and the heap is rebuilt when such entries outnumber the living.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from sekisho.model.address import Subject
from sekisho.model.verdict import Ban


class Standing:
    """Bans by subject, in the order in which they were made."""

    def __init__(self) -> None:
        self._bans: dict[Subject, Ban] = {}
        self._ends: list[tuple[float, str]] = []
        self._subjects: dict[str, Subject] = {}

    def __len__(self) -> int:
        return len(self._bans)

    def __iter__(self) -> Iterator[Ban]:
        return iter(self._bans.values())

    def __contains__(self, subject: Subject) -> bool:
        return subject in self._bans

    def get(self, subject: Subject) -> Ban | None:
        """Return the subject's ban, if one stands."""
        return self._bans.get(subject)

    def covered(self, subjects: Iterable[Subject]) -> list[Ban]:
        """Return the bans of whoever one of `subjects` covers; only networks are compared with every ban."""
        wanted = dict.fromkeys(subjects)
        wide = [subject for subject in wanted if not subject.is_single and subject.network is not None]
        found = {subject: self._bans[subject] for subject in wanted if subject in self._bans}
        if wide:
            covered = (ban for ban in self._bans.values() if any(subject.covers(ban.subject) for subject in wide))
            found |= {ban.subject: ban for ban in covered}
        return list(found.values())

    def put(self, ban: Ban) -> None:
        """Let `ban` stand; one that replaces another keeps its place in the order."""
        self._bans[ban.subject] = ban
        if ban.until is not None:
            if len(self._ends) > 2 * len(self._bans) + 64:
                self._ends = [(b.until, b.subject.text) for b in self._bans.values() if b.until is not None]
                heapq.heapify(self._ends)
            else:
                heapq.heappush(self._ends, (ban.until, ban.subject.text))
        self._subjects[ban.subject.text] = ban.subject

    def remove(self, subject: Subject) -> Ban | None:
        """Let the subject's ban stand no more; the ban, or None when there was none."""
        self._subjects.pop(subject.text, None)
        return self._bans.pop(subject, None)

    def next_end(self) -> float | None:
        """Return when the next ban may end, in seconds since the epoch; None while none will."""
        while self._ends:
            until, text = self._ends[0]
            subject = self._subjects.get(text)
            if subject is not None and self._bans[subject].until == until:
                return until
            heapq.heappop(self._ends)
        return None

    def take_due(self, now: float) -> list[Ban]:
        """Remove and return the bans whose end lies strictly before `now` (COMPAT 3.3)."""
        due: list[Ban] = []
        while (until := self.next_end()) is not None and until < now:
            _, text = heapq.heappop(self._ends)
            ban = self.remove(self._subjects[text])
            if ban is not None:
                due.append(ban)
        return due
