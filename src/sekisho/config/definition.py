"""A filter's or an action's file as its user sees it: options, parameters, and the jail's arguments (COMPAT 1.5).

A parameter is looked up in the jail's arguments, `[Init]`, `[Definition]`, `[DEFAULT]`, in this order; what is found
has its `%( )s` put in by the section where it stands, and then its `<tags>` by this same lookup. In a filter's
`[Definition]`, `%( )s` looks into `[Init]` first as well; in an action's it does not (both asked of Fail2ban).
"""

from __future__ import annotations

from collections.abc import Mapping

from sekisho.config.errors import mistake
from sekisho.config.ini import DEFAULT, Option
from sekisho.config.interpolate import Scope
from sekisho.config.layers import Merged
from sekisho.config.tags import substitute
from sekisho.model.problem import Origin

_MAIN = "Definition"
_INIT = "Init"


class Definition:
    """All options of `filter.d/X` or `action.d/X` with `arguments` filled in. Values are made when asked for."""

    def __init__(
        self, merged: Merged, arguments: Mapping[str, str], constants: Mapping[str, str], *, init_first: bool = False
    ) -> None:
        self.merged = merged
        self.arguments = dict(arguments)
        given = {name.lower(): text for name, text in arguments.items()}
        first = {_MAIN: _INIT} if init_first else {}
        self._scopes = {
            section: Scope(merged, section, given, constants, first.get(section, "")) for section in merged.sections
        }
        self._conditional = self._find_conditional()

    def value(self, name: str) -> str | None:
        """Return the option's text with everything put in that is known now; raises ConfigError."""
        raw = self._raw(name)
        if raw is None or "<" not in raw:
            return raw
        try:
            return substitute(raw, self._tag)
        except ValueError as error:
            raise mistake(
                f"{name!r} cannot be resolved: {error}", self.origin(name), remedy="break the circle of parameters"
            ) from None

    def parameters(self) -> dict[str, str]:
        """Return what `[Init]` (conditional ones too) and the arguments set, tags not filled in; raises ConfigError."""
        names = dict.fromkeys((*self.merged.sections.get(_INIT, {}), *self.arguments, *self._conditional))
        return {name: raw for name in names if (raw := self._raw(name)) is not None}

    def defines(self, name: str) -> bool:
        """Whether the arguments or the main section itself set `name`."""
        return name in self.arguments or name in self.merged.sections.get(_MAIN, {})

    def names(self) -> list[str]:
        """Return all options and parameters: those of the main section, the parameters, the conditional ones."""
        found = dict.fromkeys(self.merged.sections.get(_MAIN, {}))
        found |= dict.fromkeys(self.merged.sections.get(_INIT, {}))
        found |= dict.fromkeys(self.arguments)
        found |= dict.fromkeys(self._conditional)
        return list(found)

    def origin(self, name: str, part: str = "") -> Origin | None:
        """Where the file sets `name`, and in it `part` of its text; where its first file begins when it does not."""
        option = self._option(name)
        if option is not None:
            return option.at(part) if part else option.origin
        return Origin(str(self.merged.files[0].path), 0) if self.merged.files else None

    def _find_conditional(self) -> dict[str, str]:
        """The parameters of `[Init?family=inet6]`, by `name?family=inet6`, each with its section.

        An argument replaces them, unless it brings a variant of its own (COMPAT 1.5).
        """
        found: dict[str, str] = {}
        for section, options in self.merged.sections.items():
            kind, mark, condition = section.partition("?")
            if mark and kind in (_MAIN, _INIT):
                found |= {f"{name}?{condition}": section for name in options if name not in self.arguments}
        return found

    def _option(self, name: str) -> Option | None:
        sections = self.merged.sections
        for section in (_INIT, _MAIN, DEFAULT):
            option = sections.get(section, {}).get(name)
            if option is not None:
                return option
        return None

    def _raw(self, name: str, *, arguments: bool = True) -> str | None:
        if arguments and name in self.arguments:
            return self.arguments[name]
        section = self._conditional.get(name)
        if section is not None:
            return self._scopes[section].expand_option(self.merged.sections[section][name.partition("?")[0]])
        for section in (_INIT, _MAIN, DEFAULT):
            option = self.merged.sections.get(section, {}).get(name)
            if option is not None:
                return self._scopes[section].expand_option(option)
        return None

    def _tag(self, name: str) -> str | None:
        section, slash, inner = name.partition("/")
        if not slash:
            return None if self._varies(name) else self._raw(name)
        if section == "known":
            return self._raw(inner, arguments=False)
        if section == "default":
            section = DEFAULT
        scope = self._scopes.get(section)
        option = self.merged.find(section, inner) if scope else None
        return scope.expand_option(option) if scope and option else None

    def _varies(self, name: str) -> bool:
        """Whether the value depends on the ban's address family, so that it is put in at run time."""
        return any(each.startswith(f"{name}?") for each in (*self._conditional, *self.arguments))
