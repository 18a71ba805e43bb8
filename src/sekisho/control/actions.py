"""The words about a jail's actions: which there are, their properties, and changes to them."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from sekisho.control.protocol import Kind, Value
from sekisho.control.table import ACTIONS, JAIL, Unmet, Word
from sekisho.engine.api import EngineApi
from sekisho.model.specs import ActionSpec, JailSpec


def _find(spec: JailSpec, name: str) -> ActionSpec:
    for action in spec.actions:
        if action.actname == name:
            return action
    raise Unmet(Kind.KEY, f"Invalid Action name: {name}")


async def actions(engine: EngineApi, jail: str) -> Value:
    """Return the names of the jail's actions, in the order in which they act."""
    return [action.actname for action in engine.jail_spec(jail).actions]


async def get_property(engine: EngineApi, jail: str, name: str, key: str) -> Value:
    """Return one property of one action."""
    action = _find(engine.jail_spec(jail), name)
    if key == "actname":
        return action.actname
    if key not in action.properties:
        raise Unmet(Kind.REFUSED, f"action '{name}' of jail '{jail}' has no property '{key}'")
    return action.properties[key]


async def properties(engine: EngineApi, jail: str, name: str) -> Value:
    """Return the names of an action's properties, in order of the alphabet."""
    return sorted({"actname", *_find(engine.jail_spec(jail), name).properties})


async def set_property(engine: EngineApi, jail: str, name: str, key: str, text: str) -> Value:
    """Give one property of one action a value; any name may be made up."""
    spec = engine.jail_spec(jail)
    old = _find(spec, name)
    new = replace(old, properties=MappingProxyType({**old.properties, key: text}))
    if key == "actionban":
        new = replace(new, native=None)  # a command of the administrator's goes before the built-in
    await engine.change(jail, replace(spec, actions=tuple(new if act is old else act for act in spec.actions)))
    return text


async def add_action(engine: EngineApi, jail: str, name: str) -> Value:
    """Give the jail an action without commands, to be filled by `set JAIL action`."""
    spec = engine.jail_spec(jail)
    if any(action.actname == name for action in spec.actions):
        raise Unmet(Kind.VALUE, f"Action {name} already exists")
    await engine.change(jail, replace(spec, actions=(*spec.actions, ActionSpec(name, name))))
    return name


async def del_action(engine: EngineApi, jail: str, name: str) -> Value:
    """Take an action from the jail."""
    spec = engine.jail_spec(jail)
    old = _find(spec, name)
    await engine.change(jail, replace(spec, actions=tuple(action for action in spec.actions if action is not old)))
    return None


WORDS = (
    Word(f"get {JAIL} actions", "", ACTIONS, "the names of the actions", actions),
    Word(f"get {JAIL} action", "<ACTION> <PROPERTY>", ACTIONS, "one property of an action", get_property,
         private=True),
    Word(f"get {JAIL} actionproperties", "<ACTION>", ACTIONS, "the names of an action's properties", properties),
    Word(f"set {JAIL} addaction", "<ACTION>", ACTIONS, "add an action without commands", add_action,
         changes=True, exclusive=True),
    Word(f"set {JAIL} delaction", "<ACTION>", ACTIONS, "remove an action", del_action, changes=True, exclusive=True),
    Word(f"set {JAIL} action", "<ACTION> <PROPERTY> <VALUE>", ACTIONS, "change one property of an action", set_property,
         changes=True, exclusive=True, private=True),
)  # fmt: skip
