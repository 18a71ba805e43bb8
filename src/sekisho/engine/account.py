"""The engine's account with the ledger: what it has from it, and what it owes it.

What one block of lines (or one word of a person) causes is collected in `changes` and committed at once. If the ledger
cannot be written, the changes wait and are written with the next, at most one try a second, since each may take its
time; if it cannot be read, what it knows is left out of account. The log says so once, and once more when it is over.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from sekisho.engine.clock import Clock
from sekisho.judge.judge import Reached
from sekisho.ledger.ledger import Changes, Consumed, Ledger, LedgerError
from sekisho.model.address import Subject
from sekisho.model.position import Position
from sekisho.model.verdict import Ban, History

log = logging.getLogger("fail2ban.actions")

T = TypeVar("T")

_PATIENCE = 1.0  # seconds between two tries to write to a ledger in trouble


class Account:
    """Asks and writes; never raises. `trouble` says what is wrong with the ledger, empty when nothing is."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self.changes = Changes()
        self.trouble = ""
        self._ledger = ledger
        self._clock = clock
        self._tried = 0.0

    def note_position(self, source: str, position: Position) -> None:
        """Let the next commit say that `source` has been read up to `position`."""
        self.changes.positions[source] = position

    def note_readers(self, source: str, jails: Sequence[str]) -> None:
        """Let the next commit say that exactly `jails` read `source` from now on."""
        self.changes.readers[source] = tuple(jails)

    def position(self, source: str) -> Position | None:
        """Return how far a source has been read; None when it never was, or nobody can tell."""
        noted = self.changes.positions.get(source)
        return noted or self._asked(lambda: self._ledger.position(source), None)

    def readers(self, source: str) -> frozenset[str]:
        """Return the jails that have read a source up to its position, as far as anybody can tell."""
        noted = self.changes.readers.get(source)
        return frozenset(noted) if noted is not None else self._asked(lambda: self._ledger.readers(source), frozenset())

    def history(self, jail: str | None, subject: Subject) -> History:
        """Return how often a jail (None: all jails) has banned a subject, as far as anybody can tell."""
        return self._asked(lambda: self._ledger.history(jail, subject), History())

    def standing(self, jail: str, *, now: float) -> list[Ban]:
        """Return the bans of a jail that stand in the ledger at `now`, as far as anybody can tell."""
        return self._asked(lambda: self._ledger.standing(jail, now=now), [])

    def recent(self, *, since: float) -> list[Ban]:
        """Return the bans of all jails since then, as far as anybody can tell."""
        return self._asked(lambda: self._ledger.recent(since=since), [])

    def reached(self, jail: str, *, since: float) -> dict[Subject, Reached]:
        """Return the ledger's account of consumed failures in the judge's words."""
        nothing: dict[Subject, Consumed] = {}
        consumed = self._asked(lambda: self._ledger.consumed(jail, since=since), nothing)
        return {subject: Reached(mark.time, mark.ties) for subject, mark in consumed.items()}

    def commit(self) -> None:
        """Write what has been collected; what cannot be written waits for the next time."""
        now = self._clock.now()
        if self.trouble and 0 <= now - self._tried < _PATIENCE:
            return
        self._tried = now
        changes, self.changes = self.changes, Changes()
        try:
            self._ledger.commit(changes, now=now)
        except LedgerError as error:
            if error.is_final:
                log.critical("The ledger takes no note of %d ban(s) and more: %s", len(changes.bans), error)
                return
            self.changes = changes
            self._note(f"{error}; bans go on, and are written when it can be")
        else:
            self._note("")

    def enforced(self, bans: Sequence[Ban]) -> None:
        """Note that the firewall holds these bans."""
        with contextlib.suppress(LedgerError):  # an unmarked ban is enforced once more at the next start, no worse
            self._ledger.mark_enforced(bans, now=self._clock.now())

    def _asked(self, ask: Callable[[], T], unknown: T) -> T:
        try:
            return ask()
        except LedgerError as error:
            self._note(f"{error}; what it knows is left out of account")
            return unknown

    def _note(self, trouble: str) -> None:
        if trouble != self.trouble:
            if trouble:
                log.critical("The ledger %s cannot be used: %s", self._ledger.path, trouble)
            else:
                log.warning("The ledger %s can be used again", self._ledger.path)
            self.trouble = trouble
