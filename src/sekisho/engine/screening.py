"""Whom a jail counts and bars, and whom nobody may bar: its exemptions, in the world as it is now, and the guard."""

from __future__ import annotations

from sekisho.engine.guard import Guard
from sekisho.engine.jail import Jail
from sekisho.judge.exempt import Screen, Surroundings
from sekisho.model.address import Subject
from sekisho.model.prefix import SINGLE
from sekisho.model.verdict import Ban, Failure


class Screening:
    """The screens of all jails; each is made anew when what it is made of has changed.

    `surroundings` are kept fresh by housekeeping: replaced when something in them is new.
    """

    def __init__(self, guard: Guard) -> None:
        self.surroundings = Surroundings()
        self._guard = guard
        self._screens: dict[str, Screen] = {}

    def exempts(self, jail: Jail, failure: Failure | Ban) -> str | None:
        """Return which rule of the jail exempts the one that a failure or a ban concerns, or None."""
        return self.screen_of(jail).source(failure.address or failure.subject)

    def suspect(self, jail: Jail, failure: Failure) -> Subject:
        """Return whom a failure counts against: the jail's prefix around its address, as long as it may be barred.

        An identifier that is no address counts as itself, whatever address stands beside it.
        """
        subject = failure.subject
        if jail.prefixes is SINGLE or failure.address is not None:
            return subject
        prefix = self.screen_of(jail).suspect(subject)
        if prefix is subject or jail.spec.lets_in:
            return prefix
        return subject if self._guard.is_within(prefix) else prefix

    def screen_of(self, jail: Jail) -> Screen:
        """Return what tells whom a jail exempts at present."""
        screen = self._screens.get(jail.name)
        if screen is None or not screen.is_made_of(jail.exemptions, self.surroundings, jail.prefixes):
            screen = self._screens[jail.name] = Screen(jail.exemptions, self.surroundings, jail.prefixes)
        return screen

    def forbids(self, jail: Jail, subject: Subject) -> str | None:
        """Return why nobody bars `subject` in the jail by mistake, and a person by force only; None: he simply may.

        Who names an ignored address means it (COMPAT 1.9); who names a network may not have known what is in it.
        """
        if jail.spec.lets_in:
            return None
        if (reason := self._guard.reason(subject)) is not None or not self._guard.is_on():
            return reason
        if jail.spec.ignoreself and any(own.covers(subject) or subject.covers(own) for own in self.surroundings.own):
            return "this host's own address"
        inner = jail.exemptions.inside(subject, self.surroundings)
        return None if inner is None else f"{inner} in it is ignored"

    def spares(self, jail: Jail, ban: Ban) -> str | None:
        """Return why a machine's ban must not be; None where it may."""
        reason = None if jail.spec.lets_in else self._guard.reason(ban.target)
        return self.exempts(jail, ban) if reason is None and not ban.target.is_single else reason
