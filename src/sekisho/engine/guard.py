"""The guard against locking the operator out: whom no machine may bar now, and whom a person bars only by force.

It is asked in the moment of a ban and nowhere else, so that it costs nothing while nobody is banned, and a session that
has just begun is known. Under a storm of bans one look serves all of `FRESH` seconds; so the bans of that time are
looked at once more afterwards (`Housekeeping.look_back`), and nobody whose session began meanwhile stays barred.

A jail that bars whole prefixes asks at each failure, since it counts alone whose prefix cannot be barred. Such answers
may be `SLACK` seconds old; the ban itself asks again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sekisho.engine.clock import Clock
from sekisho.model.address import Subject, widened
from sekisho.model.verdict import Ban, Cause

FRESH = 0.25
"""Seconds that one look serves."""

SLACK = 1.0
"""Seconds that one look serves those who only count."""

QUIET = 60.0
"""Seconds between two words in a jail's log about one subject: who shares an operator's address fails at will."""

_MOST_SPOKEN = 1000
"""Bans whose last word is remembered: a stranger may have networks barred that he thinks of himself."""


class Guard:
    """Knows who is guarded. `look` reads the system and never raises; `is_on` tells whether a guard is wanted."""

    def __init__(self, look: Callable[[], Mapping[Subject, str]], clock: Clock, is_on: Callable[[], bool]) -> None:
        self._look = look
        self._clock = clock
        self.is_on = is_on
        self._guarded: Mapping[Subject, str] = {}
        self._prefixes: dict[str, frozenset[str]] = {}  # by their length, those in which somebody guarded is
        self._looked = float("-inf")
        self._spoken: dict[tuple[str, Subject], float] = {}
        self._hasty: list[Ban] = []

    def reason(self, subject: Subject) -> str | None:
        """Return why `subject`, or an address in it, must not be barred now, in the words of the log; None: it may."""
        if not self.is_on():
            return None
        self._look_again(FRESH)
        if subject.is_single:
            return self._guarded.get(subject)
        return next((reason for address, reason in self._guarded.items() if subject.covers(address)), None)

    def is_within(self, prefix: Subject) -> bool:
        """Return whether somebody guarded is in a prefix, as far as was known not long ago."""
        if not self.is_on():
            return False
        self._look_again(SLACK)
        length = prefix.text.rpartition("/")[2]
        if length not in self._prefixes:
            self._prefixes[length] = frozenset(widened(address, int(length)).text for address in self._guarded)
        return prefix.text in self._prefixes[length]

    def _look_again(self, after: float) -> None:
        now = self._clock.now()
        if not 0 <= now - self._looked < after:
            self._guarded, self._looked = self._look(), now
            self._prefixes.clear()

    def may_speak(self, ban: Ban) -> bool:
        """Return whether the log may tell again that a ban is not made; it has been told then."""
        now, key = self._clock.now(), (ban.jail, ban.target)
        if 0 <= now - self._spoken.get(key, float("-inf")) < QUIET:
            return False
        if len(self._spoken) >= _MOST_SPOKEN:
            self._spoken.clear()
        self._spoken[key] = now
        return True

    def note(self, ban: Ban) -> None:
        """Remember a ban until `take_hasty`, if it is a machine's."""
        if ban.cause is Cause.FAILURES and self.is_on():
            self._hasty.append(ban)

    def take_hasty(self) -> list[Ban]:
        """Return the bans since the last time whom a fresh look, which follows, would have spared."""
        hasty, self._hasty = self._hasty, []
        if hasty:
            self._looked = float("-inf")
        return [ban for ban in hasty if self.reason(ban.target) is not None]
