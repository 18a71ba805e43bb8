"""The words about a jail's actions: which there are, their properties and methods, and changes to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from sekisho.control.protocol import Kind, Value
from sekisho.control.table import ACTIONS, JAIL, Unmet, Word
from sekisho.engine.api import EngineApi, UnknownAction
from sekisho.model.specs import ActionSpec


async def actions(engine: EngineApi, jail: str) -> Value:
    """Return the names of the jail's actions, in the order in which they act."""
    return [action.actname for action in engine.jail_spec(jail).actions]


async def get_property(engine: EngineApi, jail: str, name: str, key: str) -> Value:
    """Return one property of one action."""
    return _plain(await engine.get_property(jail, name, key))


async def properties(engine: EngineApi, jail: str, name: str) -> Value:
    """Return the names of an action's properties, in order of the alphabet."""
    return (await engine.action_members(jail, name)).properties


async def methods(engine: EngineApi, jail: str, name: str) -> Value:
    """Return the names of an action's methods, in order of the alphabet."""
    return (await engine.action_members(jail, name)).methods


async def set_action(engine: EngineApi, jail: str, name: str, member: str, *rest: str) -> Value:
    """Call a method with named arguments in JSON, or give a property a value; what is returned, or now holds."""
    if member in (await engine.action_members(jail, name)).methods:
        return _plain(await engine.call_action(jail, name, member, _parse_arguments(rest[0]) if rest else {}))
    if not rest:
        raise Unmet(Kind.ARGUMENTS, f"expected: set {JAIL} action {name} {member} <VALUE>")
    await engine.set_property(jail, name, member, rest[0])
    return _plain(await engine.get_property(jail, name, member))


async def add_action(engine: EngineApi, jail: str, name: str, *rest: str) -> Value:
    """Give the jail an action without commands, to be filled by `set JAIL action`, or one written in Python."""
    spec = ActionSpec(name, name)
    if rest:
        if len(rest) < 2:
            raise Unmet(Kind.ARGUMENTS, f"expected: set {JAIL} addaction <ACTION> <FILE> <JSON>")
        file, arguments = rest
        spec = ActionSpec(name, name, _parse_arguments(arguments), native="python", file=file)
    await engine.add_action(jail, spec)
    return name


async def del_action(engine: EngineApi, jail: str, name: str) -> Value:
    """Take an action from the jail."""
    spec = engine.jail_spec(jail)
    kept = tuple(action for action in spec.actions if action.actname != name)
    if len(kept) == len(spec.actions):
        raise UnknownAction(name)
    await engine.change(jail, replace(spec, actions=kept))
    return None


def _parse_arguments(text: str) -> dict[str, str]:
    """Return named arguments; raises ValueError with the words of Python's `json`, as Fail2ban does."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError('expected a JSON object: {"NAME": VALUE, ...}')  # noqa: TRY004 - the user's mistake
    return found


def _plain(value: object) -> Value:
    """Return what a method returned, if it can be sent, or how Python writes it."""
    if value is None or isinstance(value, bool | int | float | str | list | Mapping):
        return value
    return repr(value)


WORDS = (
    Word(f"get {JAIL} actions", "", ACTIONS, "the names of the actions", actions),
    Word(f"get {JAIL} action", "<ACTION> <PROPERTY>", ACTIONS,
         "one property of an action: a command (actionstart, actionban ...), its timeout, or any other", get_property,
         private=True),
    Word(f"get {JAIL} actionproperties", "<ACTION>", ACTIONS, "the names of an action's properties", properties),
    Word(f"get {JAIL} actionmethods", "<ACTION>", ACTIONS, "the names of an action's methods", methods),
    Word(f"set {JAIL} addaction", "<ACTION> [<FILE> <JSON>]", ACTIONS,
         "add an action: one without commands, or a Python file with its arguments", add_action,
         changes=True, exclusive=True, private=True),
    Word(f"set {JAIL} delaction", "<ACTION>", ACTIONS, "remove an action", del_action, changes=True, exclusive=True),
    Word(f"set {JAIL} action", "<ACTION> <PROPERTY|METHOD> [<VALUE|JSON>]", ACTIONS,
         "change one property of an action, or call one of its methods", set_action, changes=True, exclusive=True,
         private=True),
)  # fmt: skip
