"""What an administrator should read about a log's lines: each thing once a day, however many lines give rise to it."""

from __future__ import annotations

from sekisho.match.finding import Remark

_DAY = 86400
_MOST_SUBJECTS = 256
"""Subjects remembered as said today; of more, nothing is said before tomorrow."""


class Remarks:
    """The remarks of one jail that nobody has taken yet."""

    def __init__(self) -> None:
        self._untaken: list[Remark] = []
        self._said: set[str] = set()
        self._today = -1

    def begin_day(self, now: float) -> None:
        """Let everything be said again where `now` is another day, of Greenwich, than when this was called last."""
        today = int(now // _DAY)
        if today != self._today:
            self._today = today
            self._said.clear()

    def say(self, level: str, about: str, text: str) -> None:
        """Say something, unless something was said of what it is about today."""
        if about not in self._said and len(self._said) < _MOST_SUBJECTS:
            self._said.add(about)
            self._untaken.append(Remark(level, text))

    def take(self) -> list[Remark]:
        """Return what has been said since the last time."""
        if not self._untaken:
            return []
        taken, self._untaken = self._untaken, []
        return taken
