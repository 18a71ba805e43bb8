"""The rules of a filter that reads records: `when`, `ignorewhen`, and the fields that tell whom a failure concerns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from sekisho.match.condition import Condition, parse_conditions
from sekisho.match.fieldpath import FieldPath, first_text, parse_fields, unquote
from sekisho.match.groups import Groups
from sekisho.match.hostname import host_groups
from sekisho.match.layers import Kind, Layers, parse_logformat
from sekisho.match.record import Record
from sekisho.match.rule import IDENTIFIERS, RuleError
from sekisho.match.tags import group_name
from sekisho.model.specs import RecordSpec
from sekisho.model.verdict import OF_A_LINE

_HOSTS = frozenset({"ip4", "ip6", "dns"})
_RESERVED = IDENTIFIERS | OF_A_LINE | {"cidr", "content", "nofail", "mlfgained", "mlfforget", "users"}
_PREFIXED = ("alt_", "tuple_", "skiplines", "_")
_TIMES = ("time", "ts", "timestamp", "@timestamp")


class RecordError(RuleError):
    """What an option of records says cannot be used: `option` is its name, `part` the text of it that is wrong."""

    def __init__(self, option: str, part: str, why: str) -> None:
        super().__init__(f"{option!r}: {why}")
        self.option = option
        self.part = part


@dataclass(frozen=True)
class When:
    """A rule: `text` as written. It holds for a record when each of its conditions does."""

    text: str
    conditions: tuple[Condition, ...]

    def captured(self, record: Record) -> Groups | None:
        """What its conditions capture of a record for which it holds; None where it does not."""
        groups: Groups = {}
        for condition in self.conditions:
            found = condition.holds(record)
            if found is None:
                return None
            groups |= found
        return groups

    def failing(self, record: Record) -> Condition | None:
        """The first condition that does not hold."""
        return next((each for each in self.conditions if each.holds(record) is None), None)

    @cached_property
    def groups(self) -> frozenset[str]:
        """The names of the groups that its expressions have."""
        return frozenset().union(*(each.rule.groups for each in self.conditions if each.rule is not None))

    @property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        """What must be found in the line of a record for which it holds, in the order of its conditions."""
        return tuple(pattern for each in self.conditions if (pattern := each.pattern) is not None)

    @property
    def words(self) -> frozenset[re.Pattern[str]]:
        """Those of `patterns` that are short words, each the whole text of a field."""
        return frozenset(each.pattern for each in self.conditions if each.asks_words and each.pattern is not None)


@dataclass(frozen=True)
class RecordRules:
    """What a filter asks of records. Fields are looked for in their order; the first that is present and not empty."""

    layers: Layers
    whens: tuple[When, ...]
    exceptions: tuple[When, ...]
    host: tuple[FieldPath, ...]
    user: tuple[FieldPath, ...]
    id: tuple[FieldPath, ...]
    fields: tuple[tuple[str, FieldPath], ...]
    time: tuple[FieldPath, ...]
    message: tuple[FieldPath, ...]

    @property
    def names_somebody(self) -> bool:
        """True when a field tells whom a failure concerns."""
        return bool(self.host or self.id)

    def completed(self, groups: Groups, record: Record) -> Groups:
        """What a rule has captured, and what the fields say of host, user and id beside it."""
        if self.host and _HOSTS.isdisjoint(groups) and (text := first_text(self.host, record)):
            groups |= host_groups(text)
        if self.id and "fid" not in groups and (text := first_text(self.id, record)):
            groups["fid"] = text
        if self.user and "user" not in groups and (text := first_text(self.user, record)):
            groups["user"] = text
        for name, field in self.fields:
            if name not in groups and (text := field.text_in(record)) is not None:
                groups[name] = text
        return groups


def compile_record(spec: RecordSpec, *, usedns: str = "warn") -> RecordRules:
    """Compile what a filter says of records. Raises RecordError."""
    try:
        layers = parse_logformat(spec.logformat)
    except ValueError as error:
        raise RecordError("logformat", spec.logformat, str(error)) from None
    if layers.kind is Kind.TEXT:
        return RecordRules(layers, *((),) * 8)
    rules = RecordRules(
        layers,
        _rules("when", spec.when, usedns),
        _rules("ignorewhen", spec.ignorewhen, usedns),
        _fields("host", spec.host),
        _fields("user", spec.user),
        _fields("id", spec.id),
        _captures(spec.fields),
        _fields("time", spec.time or _TIMES),
        _fields("message", spec.message),
    )
    for rule in rules.whens:
        if not rules.names_somebody and rule.groups.isdisjoint(IDENTIFIERS):
            why = f"it tells nobody whom it concerns; set `host` or `id`, or put <HOST> behind a ~: {rule.text!r}"
            raise RecordError("when", rule.text, why)
    return rules


def _rules(option: str, lines: tuple[str, ...], usedns: str) -> tuple[When, ...]:
    found = []
    for line in lines:
        try:
            found.append(When(line, parse_conditions(line, usedns=usedns)))
        except RuleError as error:
            raise RecordError(option, line, str(error)) from error
    return tuple(found)


def _fields(option: str, lines: tuple[str, ...]) -> tuple[FieldPath, ...]:
    found: list[FieldPath] = []
    for line in lines:
        try:
            found += parse_fields(line)
        except ValueError as error:
            raise RecordError(option, line, str(error)) from error
    return tuple(found)


_CAPTURE = re.compile(r'\s*([A-Za-z][A-Za-z0-9_-]*)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)')


def _captures(lines: tuple[str, ...]) -> tuple[tuple[str, FieldPath], ...]:
    found = []
    for line in lines:
        at = 0
        while line[at:].strip():
            word = _CAPTURE.match(line, at)
            if word is None:
                raise RecordError("fields", line, f"expected NAME=FIELD, found {line[at:].strip()!r}")
            name = group_name(word[1])
            if name in _RESERVED or name.startswith(_PREFIXED):
                raise RecordError("fields", line, f"the name {word[1]!r} has a meaning of its own; choose another")
            found.append((name, FieldPath(unquote(word[2]) if word[2] is not None else word[3])))
            at = word.end()
    return tuple(found)
