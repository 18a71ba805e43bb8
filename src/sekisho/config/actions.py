"""Actions: each entry of a jail's `action` becomes an ActionSpec (COMPAT 1.5, 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sekisho.config.brackets import parse_brackets, split_entries
from sekisho.config.definition import Definition
from sekisho.config.errors import ConfigError, mistake
from sekisho.config.files import Files
from sekisho.config.layers import merge
from sekisho.config.mistakes import near
from sekisho.model.specs import ActionSpec


def read_actions(files: Files, jail: str, text: str, constants: Mapping[str, str]) -> tuple[ActionSpec, ...]:
    """Return the actions that `text`, a jail's `action` option, names; raises ConfigError with all that are wrong."""
    actions: list[ActionSpec] = []
    wrong: list[ConfigError] = []
    for entry in split_entries(text):
        try:
            action = read_action(files, jail, entry, constants)
            if any(action.actname == each.actname for each in actions):
                raise mistake(
                    f"two actions are called {action.actname!r}",
                    remedy=f"name one apart: {action.name}[actname={action.actname}-2, ...]",
                )
            actions.append(action)
        except ConfigError as error:
            wrong.append(error)
    if wrong:
        raise ConfigError(*(problem for error in wrong for problem in error.problems))
    return tuple(actions)


def read_action(files: Files, jail: str, entry: str, constants: Mapping[str, str]) -> ActionSpec:
    """Return the action of one entry such as `nftables[port="ssh"]`; raises ConfigError."""
    try:
        name, arguments = parse_brackets(entry)
    except ValueError as error:
        raise mistake(
            f"invalid action definition {entry!r}: {error}", remedy='write it as name[option=value, option="a,b"]'
        ) from None
    properties = action_properties(name, arguments, jail)
    if name.endswith(".py"):
        path, asked = files.script(f"action.d/{name}"), MappingProxyType(arguments)
        if path is None:
            raise mistake(f"there is no action {name!r}", remedy=f"put the file into action.d/{name}")
        return ActionSpec(name, properties["actname"], MappingProxyType(properties), "python", asked, str(path))
    merged = merge(files, f"action.d/{name}")
    if not merged.files:
        remedy = near(name, files.names("action.d")) or "action.d/NAME.conf or .local would define one"
        raise mistake(f"there is no action {name!r}", remedy=remedy)
    if merged.broken:
        raise ConfigError(*merged.problems)
    definition = Definition(merged, properties, constants)
    for option in definition.names():
        value = definition.value(option)
        if value is not None:
            properties[option] = value
    native = None if properties.get("actionban", "").strip() else properties.get("native", "").strip() or None
    asked = MappingProxyType(definition.parameters())
    return ActionSpec(name, properties["actname"], MappingProxyType(properties), native, asked)


def action_properties(name: str, arguments: Mapping[str, str], jail: str) -> dict[str, str]:
    """Return the arguments with `name` and `actname` as every action has them."""
    stem = name.removesuffix(".py")
    called = arguments.get("name", jail)
    actname = stem
    if called != jail:
        actname = stem + called.removeprefix(jail) if called.startswith(jail) else f"{stem}-{called}"
    return {**arguments, "name": called, "actname": arguments.get("actname", actname)}
