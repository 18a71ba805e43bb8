"""What a history of bans does to the next: it lasts longer, and is reached sooner (COMPAT 3.5).

Fail2ban makes an escalated ban with the plain ban time first and prolongs it seconds later. Here it has its whole
length from the first moment, and so its action sees one ban with the right time.
"""

from __future__ import annotations

import math
from dataclasses import replace

from sekisho.judge.formula import Formula, FormulaError, parse_formula
from sekisho.model.duration import LONGEST, Seconds
from sekisho.model.specs import PERMANENT, EscalationSpec
from sekisho.model.verdict import Ban, Failure, History, KnownBad

_DOUBLINGS = 20  # after so many bans neither the time nor the weight grows any more


class Escalation:
    """The rules of one jail with `bantime.increment`."""

    def __init__(self, spec: EscalationSpec) -> None:
        """Read the expressions; raises FormulaError when they are none."""
        self._spec = spec
        self._factor = _value_of_factor(spec.factor)
        self._formula: Formula | None = None if spec.formula is None else parse_formula(spec.formula)

    def ban_time(self, plain: Seconds, count: int, *, chance: float = 0.0) -> Seconds:
        """Return the ban time after `count` bans where `plain` is the jail's; `chance` lies in [0, 1).

        Raises FormulaError when the formula has no value for them.
        """
        spec = self._spec
        if spec.multipliers:
            longer: Seconds = plain * self._factor * spec.multipliers[min(count, len(spec.multipliers) - 1)]
        elif self._formula is not None:
            longer = max(plain, self._formula.value(time=plain, count=count, factor=self._factor))
        else:
            longer = max(plain, plain * 2 ** min(count, _DOUBLINGS) * self._factor)
        if spec.maxtime is not None:
            longer = min(longer, spec.maxtime)
        return min(longer, LONGEST) + chance * spec.rndtime

    def lengthened(self, ban: Ban, before: History, *, chance: float) -> Ban:
        """Return `ban` as long as its history makes it, in whole seconds; never shorter than it is."""
        if before.count <= 0 or ban.duration == PERMANENT:
            return ban
        try:
            longer = math.floor(self.ban_time(ban.duration, before.count, chance=chance))
        except FormulaError:  # the configuration was told; the plain ban time is better than none
            return ban
        return replace(ban, duration=longer) if longer > ban.duration else ban


def known_bad(failure: Failure, before: History, *, maxretry: int) -> KnownBad | None:
    """Return what a history makes of a failure; None for what counts like anybody's.

    A line from before the last ban says nothing about what came of it.
    """
    if before.count <= 0 or failure.time < before.last:
        return None
    weight = min(2 ** min(before.count, _DOUBLINGS) / 2 + 1, maxretry)
    return KnownBad(failure, before.count, weight, bans=weight >= maxretry) if weight > 1 else None


def _value_of_factor(text: str) -> int | float:
    value = parse_formula(text).value()
    if not 0 < value < LONGEST:
        raise FormulaError(f"factor {text!r} is {value}; it must be above 0, and finite")
    return value
