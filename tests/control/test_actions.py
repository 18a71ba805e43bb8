"""The words about actions."""

from __future__ import annotations

import json

from tests.control.conftest import Say
from tests.support.fake_engine import FakeEngine

from sekisho.control.protocol import Denied, Granted, Kind


def test_actions_are_listed_with_their_properties(say: Say) -> None:
    """Names in the order of the configuration, properties in the order of the alphabet."""
    assert say("get", "demo", "actions") == Granted(["note"])
    assert say("get", "demo", "actionproperties", "note") == Granted(("actionban", "actname", "name"))
    assert say("get", "demo", "action", "note", "actionban") == Granted("true")
    assert say("get", "demo", "action", "nosuch", "actionban") == Denied(Kind.KEY, "Invalid Action name: nosuch")
    assert isinstance(say("get", "demo", "action", "note", "nosuch"), Denied)


def test_a_property_can_be_made_up(say: Say, engine: FakeEngine) -> None:
    """What is set is shown, and in the specification."""
    assert say("set", "demo", "action", "note", "foo", "bar") == Granted("bar")
    assert engine.specs["demo"].actions[0].properties["foo"] == "bar"


def test_a_method_is_called_with_named_arguments(say: Say, engine: FakeEngine) -> None:
    """What is a method is called, with JSON or without; what is none needs a value."""
    assert say("get", "demo", "actionmethods", "note") == Granted(("ban", "flush"))
    assert say("set", "demo", "action", "note", "flush") == Granted(True)
    assert say("set", "demo", "action", "note", "ban", '{"aInfo": {"ip": "192.0.2.1"}}') == Granted(None)
    assert engine.calls == [
        ("call", "demo", "note", "flush", {}),
        ("call", "demo", "note", "ban", {"aInfo": {"ip": "192.0.2.1"}}),
    ]
    for text in ("nojson", "[]"):
        denied = say("set", "demo", "action", "note", "ban", text)
        assert isinstance(denied, Denied)
        assert denied.kind is Kind.VALUE
    assert say("set", "demo", "action", "note", "colour").kind is Kind.ARGUMENTS  # type: ignore[union-attr]


def test_a_python_action_is_added_with_its_arguments(say: Say, engine: FakeEngine) -> None:
    """A file needs its arguments, which keep their types."""
    assert say("set", "demo", "addaction", "mine", "/x.py").kind is Kind.ARGUMENTS  # type: ignore[union-attr]
    assert say("set", "demo", "addaction", "mine", "/x.py", '{"times": 2}') == Granted("mine")
    added = engine.specs["demo"].actions[-1]
    assert (added.native, added.file) == ("python", "/x.py")
    assert json.dumps(dict(added.properties)) == '{"times": 2}'


def test_actions_come_and_go(say: Say, engine: FakeEngine) -> None:
    """A name is taken once, and what is not there cannot be removed."""
    assert say("set", "demo", "addaction", "foo") == Granted("foo")
    assert say("set", "demo", "addaction", "note") == Denied(Kind.REFUSED, "Action note already exists")
    assert say("set", "demo", "delaction", "note") == Granted(None)
    assert [action.actname for action in engine.specs["demo"].actions] == ["foo"]
    assert say("set", "demo", "delaction", "note") == Denied(Kind.KEY, "Invalid Action name: note")
