"""One section of the merged jail files becomes one JailSpec, or the list of everything that is wrong with it.

A mistake concerns its jail alone (DESIGN, "Where we differ on purpose"): Fail2ban gives up the whole configuration for
an unknown `%( )s`, Sekisho leaves out this jail and says why. What stands wrong in `[DEFAULT]` is reported once.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from sekisho.config.actions import read_actions
from sekisho.config.brackets import parse_brackets
from sekisho.config.errors import ConfigError, mistake
from sekisho.config.files import STOCK, Files
from sekisho.config.filters import OVERRIDABLE, make_filter, read_definition, read_texts
from sekisho.config.ini import DEFAULT, Option
from sekisho.config.interpolate import Scope
from sekisho.config.layers import Merged
from sekisho.config.mistakes import hash_comment, joined, misspelt, near, referenced
from sekisho.config.options import JAIL, KNOWN, Kind, parse_bool, parse_lines, parse_time, parse_whole, parse_words
from sekisho.model.address import Family, parse_subject
from sekisho.model.problem import Origin, Problem, Severity
from sekisho.model.specs import PERMANENT, ActionSpec, BackendSpec, FilterSpec, JailSpec, LogPath, Setting

BACKENDS = ("auto", "pyinotify", "gamin", "polling", "systemd")
_LONG_NAME = 26  # firewall chains are named after the jail, and iptables cuts names there

_T = TypeVar("_T")
_READERS: dict[Kind, Callable[[str], object]] = {Kind.BOOL: parse_bool, Kind.INT: parse_whole, Kind.TIME: parse_time}


@dataclass(slots=True)
class JailFiles:
    """What all jails of one tree share: the merged jail files, the other files, and what is found out about them."""

    files: Files
    merged: Merged
    constants: Mapping[str, str]
    used: set[str] = field(default_factory=set)
    definitions: dict[tuple[object, ...], dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.used = referenced(self.merged.sections)

    def names(self) -> list[str]:
        """Return the names of all jails, enabled or not, in the order of the files."""
        return [section for section in self.merged.sections if section != DEFAULT]


def read_jail(shared: JailFiles, name: str) -> tuple[JailSpec | None, list[Problem]]:
    """Return the jail, None when it is disabled or cannot run, and what is wrong or doubtful about it."""
    reader = _Reader(shared, name)
    spec = reader.read() if reader.is_enabled() else None
    failed = any(problem.severity is Severity.ERROR for problem in reader.problems)
    return None if failed else spec, reader.problems


def wrong_defaults(shared: JailFiles) -> list[Problem]:
    """Return the mistakes in `[DEFAULT]` that can be seen without any jail."""
    options = [option for option in shared.merged.sections[DEFAULT].values() if not _is_stock(option)]
    return [problem for option in options if (problem := joined(option))] + misspelt(options, shared.used)


def _is_stock(option: Option) -> bool:
    return option.origin.file.startswith(f"{STOCK}/")


class _Reader:
    """Reads one jail; goes on after a mistake, so that all are found at once."""

    def __init__(self, shared: JailFiles, name: str) -> None:
        self.shared = shared
        self.name = name
        self.own = shared.merged.sections[name]
        self.scope = Scope(shared.merged, name, {}, shared.constants)
        self.problems: list[Problem] = []

    # What is wrong, and where

    def report(self, severity: Severity, text: str, origin: Origin | None, remedy: str = "") -> None:
        problem = Problem(severity, text, origin, jail=self.name, remedy=remedy)
        if problem not in self.problems:
            self.problems.append(problem)

    def wrong(self, error: ConfigError, origin: Origin | None) -> None:
        for problem in error.problems:
            self.report(problem.severity, problem.text, problem.origin or origin, problem.remedy)

    def origin(self, name: str) -> Origin:
        option = self.shared.merged.find(self.name, name)
        return option.origin if option else self.shared.merged.headers[self.name]

    # Texts and typed values

    def text(self, name: str) -> str | None:
        """The option's expanded text; None where no file sets it, or a mistake (reported) keeps it from being read."""
        option = self.shared.merged.find(self.name, name)
        if option is None:
            return None
        hidden = joined(option)
        if hidden is not None:
            self.report(hidden.severity, hidden.text, hidden.origin, hidden.remedy)
            return None
        try:
            return self.scope.expand(name)
        except ConfigError as error:
            self.wrong(error, option.origin)
            return None

    def text_or_default(self, name: str) -> str:
        text = self.text(name)
        return text if text is not None else KNOWN[name].default or ""

    def typed(self, name: str, parse: Callable[[str], _T]) -> _T:
        """The option's value; a mistake is reported and the default used, so that reading can go on."""
        default = parse(KNOWN[name].default or "0")
        text = self.text(name)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            severity, remedy = Severity.ERROR, hash_comment(text) or f"expected is {KNOWN[name].kind.value}"
            if KNOWN[name].kind is Kind.INT:  # as in Fail2ban (COMPAT 1.7): a wrong number does not stop the jail
                severity = Severity.WARNING
                remedy = f"{hash_comment(text) or 'write a whole number'}; until then {KNOWN[name].default} is used"
            self.report(severity, f"{name!r}: {error}", self.origin(name), remedy)
            return default

    # The parts of a jail

    def is_enabled(self) -> bool:
        if "enabled" not in self.own and "enabled" not in self.shared.merged.sections[DEFAULT]:
            return False
        return self.typed("enabled", parse_bool)

    def read(self) -> JailSpec:
        if len(self.name) >= _LONG_NAME:
            self.report(
                Severity.WARNING,
                f"the name has {len(self.name)} characters, and firewalls may cut it",
                self.shared.merged.headers[self.name],
                f"use fewer than {_LONG_NAME}",
            )
        for option in self.own.values():
            hidden = joined(option)
            if hidden is not None:
                self.report(hidden.severity, hidden.text, hidden.origin, hidden.remedy)
        for problem in misspelt((each for each in self.own.values() if not _is_stock(each)), self.shared.used):
            self.report(problem.severity, problem.text, problem.origin, problem.remedy)
        backend = self.backend()
        filter_ = self.filter(backend)
        for row in JAIL:  # every typed option that is set is checked, also those that no field of the spec holds
            if row.kind in _READERS and self.shared.merged.find(self.name, row.name):
                self.typed(row.name, _READERS[row.kind])
        logpaths = self.logpaths()
        if not backend.is_journal and not logpaths and not filter_.journalmatch:
            self.report(
                Severity.WARNING,
                "there is nothing to read: no logpath, and the backend is not systemd",
                self.shared.merged.headers[self.name],
                "set logpath, or backend = systemd",
            )
        return JailSpec(
            name=self.name,
            filter=filter_,
            backend=backend,
            logpaths=logpaths,
            journalmatch=filter_.journalmatch,
            maxretry=self.typed("maxretry", parse_whole),
            maxmatches=self.typed("maxmatches", parse_whole),
            findtime=self.typed("findtime", parse_time),
            bantime=self.bantime(),
            usedns=self.usedns(filter_),
            ignoreip=self.ignoreip(),
            ignoreself=self.typed("ignoreself", parse_bool),
            ignorecommand=self.text_or_default("ignorecommand"),
            logencoding=self.logencoding(),
            logtimezone=self.text("logtimezone"),
            actions=self.actions(),
            settings=self.settings(),
        )

    def backend(self) -> BackendSpec:
        text = self.text_or_default("backend").strip()
        try:
            name, options = parse_brackets(text)
        except ValueError as error:
            self.report(Severity.ERROR, f"'backend' is {text!r}: {error}", self.origin("backend"))
            return BackendSpec("auto")
        name = name.strip().lower()
        if name not in BACKENDS:
            self.report(
                Severity.ERROR,
                f"unknown backend {name!r}",
                self.origin("backend"),
                near(name, BACKENDS) or f"known are {', '.join(BACKENDS)}",
            )
        return BackendSpec(name, MappingProxyType(options))

    def filter(self, backend: BackendSpec) -> FilterSpec:
        """The jail's filter, with what the section sets in its place; the section sees the filter's as `known/`."""
        origin = self.origin("filter")
        text = self.text_or_default("filter").strip()
        name = ""
        texts: dict[str, str] = {}
        if text:
            try:
                name, texts = self._filter_texts(text, backend)
            except ConfigError as error:
                self.wrong(error, origin)
        elif not self.problems:
            self.report(Severity.WARNING, "no filter is set", origin, f"set `filter = {self.name}`")
        self.scope = Scope(
            self.shared.merged,
            self.name,
            {f"known/{option}": value for option, value in texts.items()},
            self.shared.constants,
        )
        for option in OVERRIDABLE:
            if self.shared.merged.find(self.name, option) is not None:
                own = self.text(option)
                if own is not None and option != "usedns":
                    texts = {**texts, option: own}
        try:
            filter_ = make_filter(name, texts, self.origin("maxlines"))
        except ConfigError as error:
            self.wrong(error, origin)
            return FilterSpec(name, ())
        if name and not filter_.failregex and all(each.severity is not Severity.ERROR for each in self.problems):
            self.report(Severity.WARNING, f"filter {name!r} has no failregex, so nothing will ever match", origin)
        return filter_

    def _filter_texts(self, text: str, backend: BackendSpec) -> tuple[str, dict[str, str]]:
        try:
            name, arguments = parse_brackets(text)
        except ValueError as error:
            raise mistake(
                f"invalid filter definition {text!r}: {error}", remedy='write it as name[option=value, option="a,b"]'
            ) from None
        key = (name, tuple(arguments.items()), backend.is_journal)
        texts = self.shared.definitions.get(key)
        if texts is None:
            definition = read_definition(
                self.shared.files, name, arguments, journal=backend.is_journal, constants=self.shared.constants
            )
            texts = self.shared.definitions[key] = read_texts(definition)
        return name, texts

    def actions(self) -> tuple[ActionSpec, ...]:
        text = self.text("action")
        if text is None or not text.strip():
            if text is not None or self.shared.merged.find(self.name, "action") is None:
                self.report(
                    Severity.WARNING,
                    "no action is set: bans are kept, but not carried out",
                    self.origin("action"),
                    "set action",
                )
            return ()
        try:
            return read_actions(self.shared.files, self.name, text, self.shared.constants)
        except ConfigError as error:
            self.wrong(error, self.origin("action"))
            return ()

    def logpaths(self) -> tuple[LogPath, ...]:
        paths: list[LogPath] = []
        option = self.shared.merged.find(self.name, "logpath")
        for line in parse_lines(self.text_or_default("logpath")):
            pattern, _, last = line.rpartition(" ")
            if not pattern:
                pattern, last = line, "head"
            if last not in ("head", "tail"):
                self.report(
                    Severity.ERROR,
                    f"'logpath' line {line!r} ends in {last!r}, which is neither head nor tail",
                    option.at(line) if option else None,
                    "put each path on a line of its own; a path cannot hold blanks",
                )
                continue
            paths.append(LogPath(pattern.rstrip(), tail=last == "tail"))
        return tuple(dict.fromkeys(paths))

    def bantime(self) -> int | float:
        seconds = self.typed("bantime", parse_time)
        if seconds < 0 and seconds != PERMANENT:
            self.report(
                Severity.WARNING,
                f"'bantime' is {seconds}: every ban ends before it begins",
                self.origin("bantime"),
                "-1 is for ever",
            )
        return seconds

    def usedns(self, filter_: FilterSpec) -> str:
        text = self.text("usedns")
        value = (text if text is not None else filter_.usedns or KNOWN["usedns"].default or "").strip().lower()
        if value in KNOWN["usedns"].choices:
            return value
        self.report(
            Severity.WARNING,
            f"'usedns' is {value!r}; the safe `no` is used",
            self.origin("usedns"),
            f"use one of {', '.join(KNOWN['usedns'].choices)}",
        )
        return "no"

    def ignoreip(self) -> tuple[str, ...]:
        words = parse_words(self.text_or_default("ignoreip"))
        option = self.shared.merged.find(self.name, "ignoreip")
        for word in words:
            if "/" in word and not word.startswith("file:") and parse_subject(word).family is Family.OTHER:
                self.report(
                    Severity.WARNING,
                    f"'ignoreip' holds {word!r}, which is no network and exempts nobody",
                    option.at(word) if option else None,
                    "write it as 192.0.2.0/24 or 2001:db8::/32",
                )
        return words

    def logencoding(self) -> str:
        text = self.text_or_default("logencoding").strip() or "auto"
        if text.lower() == "auto":
            return "auto"
        try:
            codecs.lookup(text)
        except LookupError:
            self.report(
                Severity.WARNING,
                f"unknown logencoding {text!r}; auto is used",
                self.origin("logencoding"),
                "for example utf-8",
            )
            return "auto"
        return text

    def settings(self) -> Mapping[str, Setting]:
        """Every option of the table and every one of the section itself, as it takes effect."""
        found: dict[str, Setting] = {}
        for name in dict.fromkeys((*KNOWN, *self.own)):
            option = self.shared.merged.find(self.name, name)
            if option is None:
                continue
            try:
                found[name] = Setting(self.scope.expand_option(option), option.origin)
            except ConfigError:  # what nobody reads may be broken; what is read has been reported
                continue
        return MappingProxyType(found)
