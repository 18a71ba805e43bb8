"""The settings `bantime.*` of a jail: one row each, of the name, its argument, help, how it is shown, how changed.

An empty value takes an option away, and one that is not set is shown as None (COMPAT 6.3). Whether a formula holds is
the engine's to say, since it is the one to use it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sekisho.control.protocol import Value
from sekisho.control.table import parse_seconds
from sekisho.model.duration import parse_multipliers
from sekisho.model.specs import EscalationSpec, JailSpec
from sekisho.model.switch import parse_switch

_UNSET = EscalationSpec()


_ROWS: tuple[tuple[str, str, str, Callable[[str], object]], ...] = (
    ("increment", "<on|off>", "whether the ban of who was banned before lasts longer", parse_switch),
    ("factor", "<EXPRESSION>", "what a longer ban time is multiplied with", str),
    ("formula", "<EXPRESSION>", "the ban time by ban.Time, ban.Count and banFactor", str),
    ("multipliers", "<NUMBERS>", "what bantime is multiplied with after 1, 2, 3 ... bans", parse_multipliers),
    ("maxtime", "<TIME>", "the longest that a ban may become", parse_seconds),
    ("rndtime", "<TIME>", "how much a longer ban may get by chance", lambda text: max(0, parse_seconds(text))),
    ("overalljails", "<on|off>", "whether bans of the other jails count too", parse_switch),
)


def _show(name: str) -> Callable[[JailSpec], Value]:
    def show(spec: JailSpec) -> Value:
        value = getattr(spec.escalation, name)
        if isinstance(value, tuple):
            return " ".join(map(str, value)) or None
        if name == "overalljails":  # shown as it is written (COMPAT 6.3)
            return "true" if value else None
        return None if value == getattr(_UNSET, name) and not isinstance(value, bool) else value

    return show


def _change(name: str, parse: Callable[[str], object]) -> Callable[..., JailSpec]:
    def change(spec: JailSpec, text: str) -> JailSpec:
        value = parse(text) if text.strip() else getattr(_UNSET, name)
        return replace(spec, escalation=replace(spec.escalation, **{name: value}))  # type: ignore[arg-type]

    return change


ROWS = tuple(
    (f"bantime.{name}", argument, help_, _show(name), _change(name, parse)) for name, argument, help_, parse in _ROWS
)
"""What `control.settings` adds to its own rows."""
