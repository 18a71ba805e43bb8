"""One rule of `when` or `ignorewhen`: conditions on a record's fields, joined by `and`.

    FIELD = VALUE        FIELD != VALUE        whole text; case matters
    FIELD in A B C       FIELD not in A B C    one of them, none of them
    FIELD < N            <= > >=               as numbers
    FIELD ~ REGEX        FIELD !~ REGEX        found anywhere in the text; the expression goes to the end of the line
    FIELD exists         FIELD missing         null is missing

What is absent equals nothing, matches nothing and is no number: only `!=`, `not in`, `!~` and `missing` hold for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from sekisho.match.fieldpath import FieldPath, unquote
from sekisho.match.groups import Groups
from sekisho.match.record import Record
from sekisho.match.rule import Rule, RuleError, compile_rule

_LONGEST_SHOWN = 60
_SHORT_WORD = re.compile(r"[A-Za-z0-9_]{3,4}")


@dataclass(frozen=True)
class Condition:
    """`operator` as written; `values` are what it is compared with, as written and without quotes."""

    field: FieldPath
    operator: str
    values: tuple[str, ...] = ()
    rule: Rule | None = None

    def holds(self, record: Record) -> Groups | None:
        """What the condition has captured, where it holds; None where it does not."""
        return _HOLDS[self.operator](self, record)

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """What must be found in a line for the condition to hold; None: nothing is known."""
        match self.operator:
            case "=" | "in":
                return re.compile("|".join(map(re.escape, self.values)))
            case "~" if self.rule is not None:
                return self.rule.pattern
        return None

    @property
    def asks_words(self) -> bool:
        """True when the field's whole text must be one of some short words, such as an HTTP status."""
        return self.operator in ("=", "in") and all(map(_SHORT_WORD.fullmatch, self.values))

    def told(self, record: Record) -> str:
        """What the field is instead of what the condition asks for."""
        text = self.field.text_in(record)
        shown = "missing" if self.field.value(record) is None else "no text" if text is None else repr(_shortened(text))
        return f"{self.field.text} is {shown}, asked for is {self}"

    def __str__(self) -> str:
        wanted = self.rule.text if self.rule is not None else " ".join(self.values)
        return f"{self.operator} {wanted}".rstrip()


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?")
_LONGEST_NUMBER = 400  # characters; no finite number needs more before its point


def number_of(text: str | None) -> float | None:
    """The finite number that a text is; None for any other."""
    if text is None or len(text) > _LONGEST_NUMBER or _NUMBER.fullmatch(text) is None:
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _holds(test: Callable[[Condition, Record], bool]) -> Callable[[Condition, Record], Groups | None]:
    return lambda condition, record: {} if test(condition, record) else None


def _compared(test: Callable[[float, float], bool]) -> Callable[[Condition, Record], Groups | None]:
    def holds(condition: Condition, record: Record) -> Groups | None:
        number, limit = number_of(condition.field.text_in(record)), number_of(condition.values[0])
        return {} if number is not None and limit is not None and test(number, limit) else None

    return holds


def _found(condition: Condition, record: Record) -> Groups | None:
    text = condition.field.text_in(record)
    if text is None or condition.rule is None:
        return None
    found = condition.rule.pattern.search(text)
    return None if found is None else condition.rule.read(found)


_HOLDS: dict[str, Callable[[Condition, Record], Groups | None]] = {
    "=": _holds(lambda condition, record: condition.field.text_in(record) in condition.values),
    "!=": _holds(lambda condition, record: condition.field.text_in(record) not in condition.values),
    "in": _holds(lambda condition, record: condition.field.text_in(record) in condition.values),
    "not in": _holds(lambda condition, record: condition.field.text_in(record) not in condition.values),
    "<": _compared(lambda number, limit: number < limit),
    "<=": _compared(lambda number, limit: number <= limit),
    ">": _compared(lambda number, limit: number > limit),
    ">=": _compared(lambda number, limit: number >= limit),
    "~": _found,
    "!~": _holds(lambda condition, record: _found(condition, record) is None),
    "exists": _holds(lambda condition, record: condition.field.value(record) is not None),
    "missing": _holds(lambda condition, record: condition.field.value(record) is None),
}

_FIELD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"=!<>~]+))')
_OPERATOR = re.compile(r"\s*(!=|!~|<=|>=|=|<|>|~|(?:not\s+in|in|exists|missing)(?=\s|$))\s*")
_VALUE = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)')
_AND = re.compile(r"\s+and(?=\s|$)")
_COMPARISONS = frozenset({"<", "<=", ">", ">="})
_OPERATORS = "= != in, not in, < <= > >= ~ !~ exists, missing"


def parse_conditions(text: str, *, usedns: str = "warn") -> tuple[Condition, ...]:
    """The conditions of one rule. Raises RuleError, which says what was expected and what was found."""
    found: list[Condition] = []
    at = 0
    while True:
        condition, at = _parse_condition(text, at, usedns)
        found.append(condition)
        if not text[at:].strip():
            return tuple(found)
        joint = _AND.match(text, at)
        if joint is None:
            _refuse(text, at, "`and` and another condition, or the end; a value with blanks stands in double quotes")
        at = joint.end()


def _parse_condition(text: str, at: int, usedns: str) -> tuple[Condition, int]:
    name = _FIELD.match(text, at)
    if name is None:
        _refuse(text, at, "the name of a field")
    field = FieldPath(unquote(name[1]) if name[1] is not None else name[2])
    mark = _OPERATOR.match(text, name.end())
    if mark is None:
        _refuse(text, name.end(), f"one of {_OPERATORS} behind the field {field.text!r}")
    operator, at = " ".join(mark[1].split()), mark.end()
    match operator:
        case "exists" | "missing":
            return Condition(field, operator), mark.end(1)
        case "~" | "!~":
            rule = _rule(text, at, operator, usedns)
            return Condition(field, operator, rule=rule), len(text)
        case "in" | "not in":
            values, at = _values(text, at)
            return Condition(field, operator, values), at
    value, at = _value(text, at, f"a value behind {operator!r}")
    if operator in _COMPARISONS and number_of(value) is None:
        raise RuleError(f"{operator} compares numbers, and {value!r} is none: {text!r}")
    return Condition(field, operator, (value,)), at


def _rule(text: str, at: int, operator: str, usedns: str) -> Rule:
    if at == len(text):
        _refuse(text, at, f"an expression behind {operator!r}")
    rule = compile_rule(text[at:], usedns=usedns)
    if operator == "!~" and rule.groups:
        raise RuleError(f"what !~ does not find it cannot capture, so leave the tags out: {text!r}")
    return rule


def _values(text: str, at: int) -> tuple[tuple[str, ...], int]:
    value, at = _value(text, at, "values, separated by blanks, behind `in`")
    values = [value]
    while text[at:].strip() and _AND.match(text, at) is None:
        value, at = _value(text, at, "another value, or `and`")
        values.append(value)
    return tuple(values), at


def _value(text: str, at: int, what: str) -> tuple[str, int]:
    found = _VALUE.match(text, at)
    if found is None or (found[2] or "").startswith("="):
        _refuse(text, at, what)
    return unquote(found[1]) if found[1] is not None else found[2], found.end()


def _refuse(text: str, at: int, what: str) -> NoReturn:
    found = text[at:].strip()
    raise RuleError(f"expected {what}, found {f'{found!r}' if found else 'the end'}: {text!r}")
