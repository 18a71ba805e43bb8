"""Properties and methods of actions, as people look at them and call them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.support.actions import MemoryAction
from tests.support.house import DEMO, NOW, FakeClock

from sekisho.engine import members
from sekisho.engine.api import Refused, UnknownAction
from sekisho.engine.jail import Jail
from sekisho.engine.worker import Worker
from sekisho.model.action import Action, ActionError, Members
from sekisho.model.address import parse_subject
from sekisho.model.specs import ActionSpec
from sekisho.model.verdict import Ban

EVE = "192.0.2.66"
NOTE = ActionSpec("note", "memory", {"actionban": "note <ip>", "port": "ssh"})


class ScriptedAction(MemoryAction):
    """An action with members of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.colour = "red"

    async def members(self) -> Members:
        """Return what it has."""
        return Members(("colour",), ("paint",))

    async def get(self, name: str) -> object:
        """Return the one property."""
        if name != "colour":
            raise ActionError(f"no attribute {name!r}")
        return self.colour

    async def set(self, name: str, value: str) -> None:
        """Take the value."""
        setattr(self, name, value)

    async def call(self, method: str, arguments: Mapping[str, object]) -> object:
        """Tell what it was called with."""
        return f"{method} {arguments}"


def jail_with(action: Action, spec: ActionSpec = NOTE) -> Jail:
    """Return a jail with this one action at work."""
    jail = Jail(replace(DEMO, actions=(spec,)), reached={}, feeds_on_bans=False, now=NOW)
    jail.workers.append(Worker("demo", action, enforced=lambda _: None))
    return jail


def call(jail: Jail, method: str, arguments: Mapping[str, object] | None = None) -> object:
    """Call a method of the action and return what it returns."""
    return asyncio.run(members.call(jail, "memory", method, arguments or {}, clock=FakeClock()))


def test_an_action_of_commands_has_its_options_and_the_steps_of_its_life() -> None:
    """What is not set has its default, what nobody knows is refused by name."""
    jail = jail_with(MemoryAction())

    async def play() -> None:
        found = await members.members_of(jail, "memory")
        assert {"actionban", "actionunban", "port", "timeout", "actname"} <= set(found.properties)
        assert {"ban", "flush", "start"} <= set(found.methods)
        known = {
            name: await members.property_of(jail, "memory", name)
            for name in ("actionban", "actionstop", "timeout", "actname")
        }
        assert known == {"actionban": "note <ip>", "actionstop": "", "timeout": "60", "actname": "memory"}
        with pytest.raises(Refused, match="has no property 'colour'"):
            await members.property_of(jail, "memory", "colour")
        with pytest.raises(UnknownAction, match="Invalid Action name: other"):
            await members.members_of(jail, "other")

    asyncio.run(play())


def test_steps_are_taken_by_hand() -> None:
    """A ban by an action's own method reaches the firewall and nothing else; one that fails says why."""
    action = MemoryAction()
    jail = jail_with(action)
    assert call(jail, "ban", {"aInfo": {"ip": EVE}}) is None
    assert [subject.text for subject in action.held] == [EVE]
    assert len(jail.standing) == 0
    assert call(jail, "unban", {"aInfo": {"ip": EVE}}) is None
    assert not action.held
    jail.standing.put(Ban("demo", parse_subject(EVE), NOW, 60))
    assert [call(jail, step) for step in ("start", "stop", "flush", "reload", "consistencyCheck")] == [True] * 5
    assert ("start", [EVE]) in action.calls
    action.broken.add(parse_subject(EVE))
    with pytest.raises(Refused, match="refused"):
        call(jail, "ban", {"aInfo": {"ip": EVE}})
    with pytest.raises(Refused, match="aInfo"):
        call(jail, "ban")
    with pytest.raises(Refused, match="Fail2ban's own code"):
        call(jail, "escapeTag", {"value": "x"})


def test_a_python_action_has_what_its_author_gave_it() -> None:
    """Properties are looked at and set where it lives, methods called there; what goes wrong is told."""
    action = ScriptedAction()
    jail = jail_with(action)

    async def play() -> None:
        assert await members.members_of(jail, "memory") == Members(("colour",), ("paint",))
        assert await members.set_scripted(jail, "memory", "colour", "blue")
        assert await members.property_of(jail, "memory", "colour") == "blue"
        with pytest.raises(Refused, match="no attribute 'size'"):
            await members.property_of(jail, "memory", "size")

    asyncio.run(play())
    assert call(jail, "paint", {"times": 2}) == "paint {'times': 2}"


def test_an_administrators_command_goes_before_the_built_in() -> None:
    """Once an action has a command to ban with, that is what runs."""
    jail = jail_with(MemoryAction(), replace(NOTE, native="nftables"))
    assert members.with_property(jail, "memory", "port", "smtp").actions[0].native == "nftables"
    assert members.with_property(jail, "memory", "actionban", "my-firewall").actions[0].native is None
