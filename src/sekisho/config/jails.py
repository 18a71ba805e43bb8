"""One section of the merged jail files becomes one JailSpec, or the list of everything that is wrong with it.

A mistake concerns its jail alone (DESIGN, "Where we differ on purpose"): Fail2ban gives up the whole configuration for
an unknown `%( )s`, Sekisho leaves out this jail and says why. What stands wrong in `[DEFAULT]` is told once.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from sekisho.config.actions import read_actions
from sekisho.config.brackets import parse_brackets
from sekisho.config.definition import Definition
from sekisho.config.errors import ConfigError, mistake
from sekisho.config.escalation import read_escalation
from sekisho.config.files import Files, is_stock, matches
from sekisho.config.filters import OVERRIDABLE, RECORD, make_filter, read_definition, read_texts
from sekisho.config.ignoring import read_ignorecommand
from sekisho.config.ini import DEFAULT, Option
from sekisho.config.layers import Merged
from sekisho.config.logpaths import Outlook, read_logpaths, without_logs
from sekisho.config.mistakes import hidden, misspelt, near, referenced
from sekisho.config.options import JAIL, KNOWN, parse_bool, parse_time, parse_whole, parse_words
from sekisho.config.prefixes import read_prefixes
from sekisho.config.values import READERS, Values
from sekisho.model.address import Family, parse_subject
from sekisho.model.problem import Origin, Problem, Severity
from sekisho.model.specs import (
    BACKENDS,
    PERMANENT,
    ActionSpec,
    BackendSpec,
    FilterSpec,
    JailSpec,
    Setting,
)

_LONG_NAME = 26  # firewall chains are named after the jail, and iptables cuts names there


@dataclass(slots=True)
class JailFiles:
    """What all jails of one tree share; `own_log` is the daemon's. Filters are read once for each set of arguments."""

    files: Files
    merged: Merged
    constants: Mapping[str, str]
    own_log: str = ""
    filters: dict[tuple[object, ...], tuple[Definition, dict[str, str]]] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Return the names of all jails, enabled or not, in the order of the files."""
        return [section for section in self.merged.sections if section != DEFAULT]


@dataclass(frozen=True, slots=True)
class Found:
    """A jail as found: `enabled` and without a `spec` when it is in error, or skipped because it has no log."""

    enabled: bool
    spec: JailSpec | None = None
    problems: tuple[Problem, ...] = ()


def read_jails(shared: JailFiles) -> tuple[dict[str, Found], list[Problem]]:
    """Return every jail by name, and all problems of all jails and of `[DEFAULT]`, each told once."""
    used = referenced(shared.merged.sections)
    problems = _lint(shared.merged.sections[DEFAULT], used, jail=None, enabled=True)
    if "default" in shared.merged.sections:
        origin = shared.merged.headers["default"]
        text = "[default] is a jail of that name, not the defaults of all jails"
        problems.append(Problem(Severity.WARNING, text, origin, remedy="write [DEFAULT]"))
    found = {name: _read_jail(shared, name) for name in shared.names()}
    for name, jail in found.items():
        problems += jail.problems
        problems += _lint(shared.merged.sections[name], used, jail=name, enabled=jail.enabled)
    return found, _told_once(problems, shared.merged.sections[DEFAULT])


def _lint(options: Mapping[str, Option], used: set[str], *, jail: str | None, enabled: bool) -> list[Problem]:
    """What can be seen in a section's text alone; in a disabled jail it does no harm yet."""
    own = [option for option in options.values() if not is_stock(option.origin)]
    problems = [problem for option in own if (problem := hidden(option))] + misspelt(own, used)
    if not enabled:
        problems = [replace(problem, severity=Severity.WARNING) for problem in problems]
    return [replace(problem, jail=jail) for problem in problems]


def _told_once(problems: list[Problem], defaults: Mapping[str, Option]) -> list[Problem]:
    """The problems without repetitions; one that stands in `[DEFAULT]` is nobody's alone."""
    common = {Origin(option.origin.file, line) for option in defaults.values() for line in option.lines}
    kept: dict[tuple[object, ...], Problem] = {}
    for problem in problems:
        one = replace(problem, jail=None) if problem.origin in common else problem
        kept.setdefault((one.text, one.origin, one.jail), one)
    return list(kept.values())


def _read_jail(shared: JailFiles, name: str) -> Found:
    values = Values(shared.merged, name, shared.constants)
    enabled = values.typed("enabled", parse_bool)
    if not enabled:
        return Found(values.failed, None, tuple(values.problems))
    reader = _Reader(shared, values)
    spec = reader.read()
    return Found(enabled, None if values.failed or reader.is_skipped else spec, tuple(values.problems))


class _Reader:
    """Reads one enabled jail."""

    def __init__(self, shared: JailFiles, values: Values) -> None:
        self.shared = shared
        self.values = values
        self.name = values.jail
        self.is_skipped = False

    def read(self) -> JailSpec:
        values = self.values
        if len(self.name) >= _LONG_NAME:
            values.warn(
                f"the name has {len(self.name)} characters, and firewalls may cut it",
                self.shared.merged.headers[self.name],
                f"use fewer than {_LONG_NAME}",
            )
        logpaths = read_logpaths(values)
        backend = self.backend()
        has_logs = any(log.pattern == self.shared.own_log or matches(log.pattern) for log in logpaths)
        outlook = Outlook(backend) if has_logs or not logpaths else without_logs(values, backend)
        backend, self.is_skipped = outlook.backend, outlook.is_skipped
        filter_ = self.filter(backend)
        self.check_typed()
        bantime = self.bantime()
        prefixes = read_prefixes(values)
        if not (backend.is_journal or logpaths or filter_.journalmatch):
            values.warn("there is nothing to read", values.place, "set logpath, or backend = systemd")
        return JailSpec(
            name=self.name,
            filter=filter_,
            backend=backend,
            logpaths=logpaths,
            journalmatch=filter_.journalmatch,
            maxretry=values.typed("maxretry", parse_whole),
            maxmatches=values.typed("maxmatches", parse_whole),
            findtime=values.typed("findtime", parse_time),
            bantime=bantime,
            ipv4_prefix=prefixes.ipv4,
            ipv6_prefix=prefixes.ipv6,
            escalation=read_escalation(values, bantime=bantime),
            usedns=self.usedns(filter_),
            ignoreip=self.ignoreip(),
            ignoreself=values.typed("ignoreself", parse_bool),
            ignorecommand=read_ignorecommand(values),
            logencoding=self.logencoding(),
            logtimezone=values.text("logtimezone") or None,
            actions=self.actions(),
            settings=self.settings(),
        )

    def check_typed(self) -> None:
        """Every typed option that is set is right, also those that no field of the spec holds."""
        values = self.values
        for row in JAIL:
            if row.kind in READERS and values.is_set(row.name):
                value = values.typed(row.name, READERS[row.kind])
                if row.least is not None and isinstance(value, int | float) and value < row.least:
                    values.warn(f"{row.name!r} is {value}", values.origin(row.name), f"the least is {row.least}")

    def backend(self) -> BackendSpec:
        text = self.values.text_or_default("backend").strip()
        try:
            name, options = parse_brackets(text)
        except ValueError as error:
            self.values.error(f"'backend' is {text!r}: {error}", self.values.origin("backend"), "systemd[option=value]")
            return BackendSpec("auto")
        name = name.strip().lower()
        if name not in BACKENDS:
            remedy = near(name, BACKENDS) or f"known are {', '.join(BACKENDS)}"
            self.values.error(f"unknown backend {name!r}", self.values.origin("backend"), remedy)
        return BackendSpec(name, MappingProxyType(options))

    def filter(self, backend: BackendSpec) -> FilterSpec:
        """The jail's filter, with what the section sets in its place; the section sees the filter's as `known/`."""
        values = self.values
        own_filter = values.own.get("filter")
        origin = own_filter.origin if own_filter and not is_stock(own_filter.origin) else values.place
        text = values.text_or_default("filter").strip()
        name = ""
        texts: dict[str, str] = {}
        definition: Definition | None = None
        if text:
            try:
                name, definition, texts = self.filter_texts(text, backend)
            except ConfigError as error:
                values.note(error, origin)
        elif not values.failed:
            values.warn("no filter is set", origin, f"set `filter = {self.name}`")
        values.learn({f"known/{option}": value for option, value in texts.items()})
        set_here = {
            option: values.text(option) for option in OVERRIDABLE if values.is_set(option) and option != "usedns"
        }
        if "logformat" in values.own or texts.get("logformat"):
            set_here |= {option: values.text(option) for option in RECORD if option in values.own}
        texts = {**texts, **{option: value for option, value in set_here.items() if value is not None}}

        def place(option: str, part: str) -> Origin | None:
            if option in set_here or definition is None:
                return values.origin(option, part)
            return None if option in definition.arguments else definition.origin(option, part)

        try:
            filter_ = make_filter(name, texts, place)
        except ConfigError as error:
            values.note(error, origin)
            return FilterSpec(name, ())
        record = filter_.record
        if record is not None and backend.is_journal and "docker" in record.logformat.lower():
            remedy = "leave docker out of it: the journal has the container's own lines"
            values.error(f"logformat is {record.logformat!r}, and backend is systemd", place("logformat", ""), remedy)
        if name and not filter_.rules and not values.failed:
            what = "when" if record is not None and record.reads_fields else "failregex"
            values.warn(f"filter {name!r} has no {what}, so nothing will ever match", origin)
        return filter_

    def filter_texts(self, text: str, backend: BackendSpec) -> tuple[str, Definition, dict[str, str]]:
        try:
            name, arguments = parse_brackets(text)
        except ValueError as error:
            raise mistake(
                f"invalid filter definition {text!r}: {error}", remedy='write it as name[option=value, option="a,b"]'
            ) from None
        if "logformat" in self.values.own:
            arguments = {**arguments, "logformat": self.values.text("logformat") or ""}
        key = (name, tuple(arguments.items()), backend.is_journal)
        if key not in self.shared.filters:
            definition = read_definition(
                self.shared.files, name, arguments, journal=backend.is_journal, constants=self.shared.constants
            )
            self.shared.filters[key] = definition, read_texts(definition)
        return name, *self.shared.filters[key]

    def actions(self) -> tuple[ActionSpec, ...]:
        values = self.values
        text = values.text("action")
        if text is None and values.is_set("action"):  # it is, and the mistake in it has been told
            return ()
        if not text or not text.strip():
            values.warn("no action is set: bans are kept, but not carried out", values.origin("action"), "set action")
            return ()
        try:
            return read_actions(self.shared.files, self.name, text, self.shared.constants)
        except ConfigError as error:
            values.note(error, values.origin("action"))
            return ()

    def bantime(self) -> int | float:
        seconds = self.values.typed("bantime", parse_time)
        if seconds < 0 and seconds != PERMANENT:
            text = f"'bantime' is {seconds}: every ban ends before it begins"
            self.values.warn(text, self.values.origin("bantime"), "-1 is for ever")
        return seconds

    def usedns(self, filter_: FilterSpec) -> str:
        choices = KNOWN["usedns"].choices
        value = (self.values.text("usedns") or filter_.usedns or KNOWN["usedns"].default or "").strip().lower()
        if value in choices:
            return value
        text = f"'usedns' is {value!r}; the safe `no` is used"
        self.values.warn(text, self.values.origin("usedns"), f"use one of {', '.join(choices)}")
        return "no"

    def ignoreip(self) -> tuple[str, ...]:
        words = parse_words(self.values.text_or_default("ignoreip"))
        for word in words:
            if "/" in word and not word.startswith("file:") and parse_subject(word).family is Family.OTHER:
                self.values.warn(
                    f"'ignoreip' holds {word!r}, which is no network and exempts nobody",
                    self.values.origin("ignoreip", word),
                    "write it as 192.0.2.0/24 or 2001:db8::/32",
                )
        return words

    def logencoding(self) -> str:
        text = self.values.text_or_default("logencoding").strip() or "auto"
        if text.lower() == "auto":
            return "auto"
        try:
            codecs.lookup(text)
        except (LookupError, ValueError):
            what = f"unknown logencoding {text!r}; auto is used"
            self.values.warn(what, self.values.origin("logencoding"), "write for example utf-8")
            return "auto"
        return text

    def settings(self) -> Mapping[str, Setting]:
        """Every option of the table and every one of the section itself, as it takes effect."""
        found: dict[str, Setting] = {}
        for name in dict.fromkeys((*KNOWN, *self.values.own)):
            option = self.shared.merged.find(self.name, name)
            if option is None:
                continue
            try:
                found[name] = Setting(self.values.scope.expand_option(option), option.origin)
            except ConfigError:  # what nobody reads may be broken; what is read has been told
                continue
        return MappingProxyType(found)
