"""The words about actions."""

from __future__ import annotations

from tests.control.conftest import Say
from tests.support.fake_engine import FakeEngine, demo_jail

from sekisho.control.protocol import Denied, Granted, Kind
from sekisho.model.specs import ActionSpec


def test_actions_are_listed_with_their_properties(say: Say) -> None:
    """Names in the order of the configuration, properties in the order of the alphabet."""
    assert say("get", "demo", "actions") == Granted(["note"])
    assert say("get", "demo", "actionproperties", "note") == Granted(["actionban", "actname", "name"])
    assert say("get", "demo", "action", "note", "actionban") == Granted("true")
    assert say("get", "demo", "action", "nosuch", "actionban") == Denied(Kind.KEY, "Invalid Action name: nosuch")
    assert isinstance(say("get", "demo", "action", "note", "nosuch"), Denied)


def test_a_property_can_be_made_up(say: Say, engine: FakeEngine) -> None:
    """What is set is shown, and in the specification."""
    assert say("set", "demo", "action", "note", "foo", "bar") == Granted("bar")
    assert engine.specs["demo"].actions[0].properties["foo"] == "bar"


def test_an_administrators_command_goes_before_the_built_in(say: Say, engine: FakeEngine) -> None:
    """Once an action has a command to ban with, that is what runs."""
    engine.specs["demo"] = demo_jail(actions=(ActionSpec("nftables", "nftables", {}, native="nftables"),))
    say("set", "demo", "action", "nftables", "actionban", "my-firewall")
    assert engine.specs["demo"].actions[0].native is None


def test_actions_come_and_go(say: Say, engine: FakeEngine) -> None:
    """A name is taken once, and what is not there cannot be removed."""
    assert say("set", "demo", "addaction", "foo") == Granted("foo")
    assert say("set", "demo", "addaction", "note") == Denied(Kind.VALUE, "Action note already exists")
    assert say("set", "demo", "delaction", "note") == Granted(None)
    assert [action.actname for action in engine.specs["demo"].actions] == ["foo"]
    assert say("set", "demo", "delaction", "note") == Denied(Kind.KEY, "Invalid Action name: note")
