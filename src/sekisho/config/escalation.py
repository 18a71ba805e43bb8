"""The options `bantime.*` of one jail as an EscalationSpec (COMPAT 3.5)."""

from __future__ import annotations

from sekisho.config.options import parse_bool, parse_time
from sekisho.config.values import Values
from sekisho.judge.escalation import Escalation
from sekisho.judge.formula import FormulaError
from sekisho.model.duration import Seconds, parse_multipliers
from sekisho.model.specs import PERMANENT, EscalationSpec

_TRIED = (1, 2, 10, 100)  # bans before: what a formula says for these is looked at before anybody is banned by it


def read_escalation(values: Values, *, bantime: Seconds) -> EscalationSpec:
    """Return how the jail's ban time grows; a mistake is noted, and keeps the jail from running."""
    spec = EscalationSpec(
        increment=values.typed("bantime.increment", parse_bool),
        factor=(values.text("bantime.factor") or "").strip() or "1",
        formula=(values.text("bantime.formula") or "").strip() or None,
        multipliers=_multipliers(values),
        maxtime=values.typed("bantime.maxtime", parse_time) if values.text("bantime.maxtime") else None,
        rndtime=max(0, values.typed("bantime.rndtime", parse_time)) if values.text("bantime.rndtime") else 0,
        overalljails=values.typed("bantime.overalljails", parse_bool),
    )
    if not spec.increment:
        return spec
    option = "bantime.formula" if spec.formula else "bantime.factor"
    try:
        escalation = Escalation(spec)
    except FormulaError as error:
        values.error(f"{option!r}: {error}", values.origin(option), "write for example ban.Time * 2 ** ban.Count")
        return spec
    try:
        for count in _TRIED:
            escalation.ban_time(600 if bantime == PERMANENT else bantime, count)
    except FormulaError as error:
        values.warn(f"{option!r}: {error}", values.origin(option), "where it has no value, bantime is used")
    return spec


def _multipliers(values: Values) -> tuple[Seconds, ...]:
    try:
        return parse_multipliers(values.text("bantime.multipliers") or "")
    except ValueError as error:
        where = values.origin("bantime.multipliers")
        values.error(f"'bantime.multipliers': {error}", where, "write for example 1 2 4 8")
        return ()
