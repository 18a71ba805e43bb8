"""What the ledger's history of a subject does to its failures and to its next ban (COMPAT 3.5).

A ban asks the ledger once. A failure asks only in a jail with `bantime.increment`, and only the first of each subject:
the answer is remembered in the jail until somebody is forgiven, or the ledger forgets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sekisho.engine.jail import Jail
from sekisho.engine.report import Entry, lengthened
from sekisho.judge.escalation import known_bad
from sekisho.model.address import Subject
from sekisho.model.verdict import Ban, Failure, History, KnownBad

MOST_HISTORIES = 16384
"""Histories remembered per jail, a few megabytes: with more strangers at a time the ledger is asked again."""


@dataclass(frozen=True, slots=True)
class Histories:
    """Applies them. `ask` tells the history of a subject in a jail (None: in all); `chance` is in [0, 1)."""

    ask: Callable[[str | None, Subject], History]
    chance: Callable[[], float]

    def known_bad(self, jail: Jail, failure: Failure, suspect: Subject) -> KnownBad | None:
        """Return what a failure that counts against a suspect weighs in a jail with `bantime.increment`.

        None for what counts like anybody's.
        """
        remembered, key = jail.histories, suspect.text
        before = remembered.get(key)
        if before is None:
            if len(remembered) >= MOST_HISTORIES:
                remembered.clear()
            before = remembered[key] = self.ask(jail.name, suspect)
        return known_bad(failure, before, maxretry=jail.spec.maxretry)

    def applied(self, jail: Jail, ban: Ban, *, is_exact: bool) -> tuple[Ban, tuple[Entry, ...]]:
        """Return `ban` with its number and, unless a person said its length, as long as it shall be; and log lines."""
        over_all = jail.escalation is not None and jail.spec.escalation.overalljails
        before = self.ask(None if over_all else jail.name, ban.subject)
        numbered = replace(ban, count=before.count + 1)
        if jail.escalation is None:
            return numbered, ()
        jail.histories[ban.subject.text] = History(numbered.count, ban.time)
        longer = numbered if is_exact else jail.escalation.lengthened(numbered, before, chance=self.chance())
        return longer, () if longer is numbered else lengthened(longer, before, ban.duration)
