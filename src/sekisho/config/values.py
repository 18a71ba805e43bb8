"""The options of one jail section as typed values; every mistake met on the way is noted, and reading goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from sekisho.config.errors import ConfigError
from sekisho.config.files import is_stock
from sekisho.config.interpolate import Scope
from sekisho.config.layers import Merged
from sekisho.config.mistakes import hash_comment, hidden
from sekisho.config.options import KNOWN, Kind, parse_bool, parse_time, parse_whole
from sekisho.model.problem import Origin, Problem, Severity

_T = TypeVar("_T")

READERS: Mapping[Kind, Callable[[str], object]] = {
    Kind.BOOL: parse_bool,
    Kind.INT: parse_whole,
    Kind.TIME: parse_time,
}
"""How each kind of option that is more than text is read."""

_EXAMPLES = {
    Kind.BOOL: "write true or false",
    Kind.INT: "write a whole number",
    Kind.PREFIX: "write for example 24 for IPv4, 64 for IPv6",
    Kind.TIME: "write for example 600, 10m or 1h 30m",
}


class Values:
    """One jail's section over `[DEFAULT]`. `problems` grows as options are read."""

    def __init__(self, merged: Merged, jail: str, constants: Mapping[str, str]) -> None:
        self.merged = merged
        self.jail = jail
        self.own = merged.sections[jail]
        self.scope = Scope(merged, jail, {}, constants)
        self.problems: list[Problem] = []

    def learn(self, given: Mapping[str, str]) -> None:
        """From now on let the section see `given`, such as `known/failregex`."""
        self.scope = Scope(self.merged, self.jail, given, self.scope.constants)

    @property
    def place(self) -> Origin:
        """Where the jail as a whole is to be mended: where it is enabled, else where its section begins."""
        enabled = self.own.get("enabled")
        return enabled.origin if enabled else self.merged.headers[self.jail]

    @property
    def failed(self) -> bool:
        """Whether a mistake was found that keeps the jail from running."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def error(self, text: str, origin: Origin | None, remedy: str = "") -> None:
        """Note a mistake that keeps the jail from running."""
        self._note(Problem(Severity.ERROR, text, origin, jail=self.jail, remedy=remedy))

    def warn(self, text: str, origin: Origin | None, remedy: str = "") -> None:
        """Note something that works, but probably not as meant."""
        self._note(Problem(Severity.WARNING, text, origin, jail=self.jail, remedy=remedy))

    def note(self, error: ConfigError, origin: Origin | None) -> None:
        """Note what an error carries as this jail's mistakes; `origin` is for those that have no place of their own."""
        for problem in error.problems:
            self._note(Problem(problem.severity, problem.text, problem.origin or origin, self.jail, problem.remedy))

    def _note(self, problem: Problem) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def is_set(self, name: str) -> bool:
        """Whether the section or `[DEFAULT]` sets the option."""
        return self.merged.find(self.jail, name) is not None

    def origin(self, name: str, part: str = "") -> Origin:
        """Where `part` of the option's text stands; the jail's own place when only the stock or nobody sets it."""
        option = self.merged.find(self.jail, name)
        if option is None:
            return self.place
        return option.at(part) if part else option.origin

    def text(self, name: str) -> str | None:
        """The option's expanded text; None where nobody sets it, or a mistake (noted) keeps it from being read."""
        option = self.merged.find(self.jail, name)
        if option is None:
            return None
        problem = hidden(option)
        if problem is not None:
            self.note(ConfigError(problem), None)
            return None
        try:
            return self.scope.expand_option(option)
        except ConfigError as error:
            self.note(error, option.origin)
            return None

    def text_or_default(self, name: str) -> str:
        """The option's text, its row's default where nobody sets it."""
        text = self.text(name)
        return text if text is not None else KNOWN[name].default or ""

    def typed(self, name: str, parse: Callable[[str], _T]) -> _T:
        """The option's value; the default's where nobody sets it or it is wrong (noted)."""
        row = KNOWN[name]
        default = parse(row.default or "0")
        text = self.text(name)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            remedy = hash_comment(text) or _EXAMPLES[row.kind]
            if row.kind is Kind.INT:  # as in Fail2ban (COMPAT 1.7): a wrong number does not stop the jail
                if is_stock(self.origin(name)):  # maxmatches = %(maxretry)s: told of maxretry
                    return default
                self.warn(f"{name!r}: {error}", self.origin(name), f"{remedy}; until then {default} is used")
            else:
                self.error(f"{name!r}: {error}", self.origin(name), remedy)
            return default
