"""`bantime.*` by command (COMPAT 6.3)."""

from __future__ import annotations

import pytest
from tests.control.conftest import Say
from tests.support.fake_engine import FakeEngine

from sekisho.control.protocol import Denied, Granted
from sekisho.model.specs import EscalationSpec


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("increment", "true", True),
        ("factor", "2*3", "2*3"),
        ("formula", "ban.Time * 2", "ban.Time * 2"),
        ("multipliers", "1 2 4.5", "1 2 4.5"),
        ("maxtime", "1h", 3600),
        ("rndtime", "10m", 600),
        ("overalljails", "yes", "true"),
    ],
)
def test_each_option_is_set_shown_and_taken_away(
    say: Say, engine: FakeEngine, option: str, text: str, value: object
) -> None:
    """An empty value takes it away again; what is not set is None, a switch is off."""
    unset = False if isinstance(value, bool) else None
    assert say("get", "demo", f"bantime.{option}") == Granted(unset)
    assert say("set", "demo", f"bantime.{option}", text) == Granted(value)  # type: ignore[arg-type]
    assert getattr(engine.specs["demo"].escalation, option) != getattr(EscalationSpec(), option)
    assert say("set", "demo", f"bantime.{option}", "") == Granted(unset)
    assert engine.specs["demo"].escalation == EscalationSpec()


@pytest.mark.parametrize(("option", "text"), [("multipliers", "1 two"), ("maxtime", "soon")])
def test_a_value_that_means_nothing_changes_nothing(say: Say, engine: FakeEngine, option: str, text: str) -> None:
    """It is denied with a reason."""
    assert isinstance(say("set", "demo", f"bantime.{option}", text), Denied)
    assert engine.specs["demo"].escalation == EscalationSpec()
