"""A tree and everything about it that a person may ask: who set what, and which file was read for which jail.

`load` makes the values that a daemon needs. Whoever explains a configuration (`check`, `config show`) needs the way
to them as well: the options as written, and the definitions behind each jail's filter and actions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sekisho.config.actions import action_properties
from sekisho.config.brackets import parse_brackets, split_entries
from sekisho.config.definition import Definition
from sekisho.config.errors import ConfigError
from sekisho.config.files import Files, is_stock
from sekisho.config.filters import read_definition
from sekisho.config.ini import Option
from sekisho.config.interpolate import Scope
from sekisho.config.layers import Merged, merge
from sekisho.config.load import constants_of, understand
from sekisho.model.problem import Origin
from sekisho.model.specs import ActionSpec, Configuration, JailSpec


@dataclass(frozen=True, slots=True)
class Part:
    """A jail's filter, or one of its actions: the arguments that the jail gives, and the files behind it."""

    folder: str
    name: str
    arguments: Mapping[str, str]
    definition: Definition
    spec: ActionSpec | None = None

    def origin(self, option: str, jail: Origin) -> Origin:
        """Where `option` is set; `jail` is the place of the arguments."""
        bare, mark, condition = option.partition("?")
        if option in self.arguments:
            return jail
        for section in ("Init", "Definition") if mark else ():
            found = self.definition.merged.sections.get(f"{section}?{condition}", {}).get(bare)
            if found is not None:
                return found.origin
        return self.definition.origin(bare) or jail


@dataclass(frozen=True, slots=True)
class JailView:
    """An enabled jail that can run, with what stands behind it."""

    spec: JailSpec
    merged: Merged
    filter: Part | None
    actions: tuple[Part, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The filter and the actions."""
        return (*([self.filter] if self.filter else []), *self.actions)

    def option(self, name: str) -> Option | None:
        """Return the option as written, in the section or in `[DEFAULT]`."""
        return self.merged.find(self.spec.name, name)

    def own(self, name: str) -> bool:
        """Whether the jail's own section sets the option, in a file of the administrator's."""
        option = self.merged.sections[self.spec.name].get(name)
        return option is not None and not is_stock(option.origin)

    def text(self, name: str) -> str | None:
        """Return the option's effective text, None where nobody sets it."""
        setting = self.spec.settings.get(name)
        return None if setting is None else setting.text

    def place(self, name: str, part: str = "") -> Origin:
        """Where `part` of the option is set; where the jail is enabled when only the stock sets it."""
        for each in (name, "enabled"):
            option = self.option(each)
            if option is not None and not is_stock(option.origin):
                return option.at(part) if part and each == name else option.origin
        return self.merged.headers[self.spec.name]


@dataclass(frozen=True, slots=True)
class Survey:
    """A whole tree, looked at closely."""

    directory: Path
    files: Files
    general: Merged
    merged: Merged
    configuration: Configuration
    jails: tuple[JailView, ...]
    constants: Mapping[str, str]

    def filters_named(self) -> Iterator[str]:
        """Yield the filters of all jails, also of those that are not enabled but that the administrator wrote of."""
        for section, options in self.merged.sections.items():
            option = self.merged.find(section, "filter")
            if option is None or all(is_stock(each.origin) for each in options.values()):
                continue
            try:
                yield parse_brackets(Scope(self.merged, section, {}, self.constants).expand_option(option).strip())[0]
            except (ConfigError, ValueError):  # a mistake that loading tells
                continue


def survey(directory: Path, *, root: Path = Path("/")) -> Survey:
    """Return everything about the tree in `directory`; like `load` it raises for no mistake in a file.

    `root` is where the host lies whose system decides about log paths.
    """
    files = Files(directory, root=root)
    general, merged = merge(files, "fail2ban"), merge(files, "jail")
    configuration = understand(files, directory, general, merged)
    constants = constants_of(directory)
    jails = tuple(_view(files, merged, spec, constants) for spec in configuration.jails)
    return Survey(directory, files, general, merged, configuration, jails, constants)


def _view(files: Files, merged: Merged, spec: JailSpec, constants: Mapping[str, str]) -> JailView:
    """The jail has been loaded, so that its texts are known to be well formed."""
    filter_ = None
    if spec.filter.name:
        _, arguments = parse_brackets(spec.settings["filter"].text.strip())
        definition = read_definition(
            files, spec.filter.name, arguments, journal=spec.backend.is_journal, constants=constants
        )
        filter_ = Part("filter.d", spec.filter.name, arguments, definition)
    given = {}
    for entry in split_entries(spec.settings["action"].text) if "action" in spec.settings else ():
        name, arguments = parse_brackets(entry)
        given[action_properties(name, arguments, spec.name)["actname"]] = arguments
    actions = []
    for action in spec.actions:
        arguments = given.get(action.actname, {})
        properties = action_properties(action.name, arguments, spec.name)
        definition = Definition(merge(files, f"action.d/{action.name}"), properties, constants)
        actions.append(Part("action.d", action.name, arguments, definition, action))
    return JailView(spec, merged, filter_, tuple(actions))
