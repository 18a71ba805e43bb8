r"""Compiles one expression of a filter.

Fail2ban's expressions are Python's, with one liberty that old trees use: a flag group at the start of a group,
`((?i)A|b)`, speaks for that group. Python refuses it since 3.11, so it is written as `(?i:A|b)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from re import _constants as sre  # type: ignore[attr-defined]  # the parse tree is re's own, named since Python 3.11
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any

from sekisho.match.groups import GroupReader, Groups
from sekisho.match.tags import expand_tags

IDENTIFIERS = frozenset({"fid", "ip4", "ip6", "dns", "mlfid"})
"""Groups of which an expression must define at least one, itself or through prefregex."""


class RuleError(ValueError):
    """An expression or date pattern of a filter that cannot be used; the text names it, as Fail2ban words it."""


@dataclass(frozen=True)
class Rule:
    """An expression: `text` as written, and compiled."""

    text: str
    pattern: re.Pattern[str]

    @cached_property
    def read(self) -> Callable[[re.Match[str]], Groups]:
        """What the groups of a match say."""
        return GroupReader(self.pattern).read

    @property
    def groups(self) -> frozenset[str]:
        """The names of its groups."""
        return frozenset(self.pattern.groupindex)

    @cached_property
    def is_farewell(self) -> bool:
        """True when each match is context and ends its session: it says nothing unless that session is open."""
        if {"mlfgained", "nofail"}.isdisjoint(self.groups) or "mlfforget" not in self.groups:
            return False
        numbers = set(_sure_groups(sre_parse.parse(self.pattern.pattern, self.pattern.flags)))
        sure = {name for name, number in self.pattern.groupindex.items() if number in numbers}
        return "mlfforget" in sure and not sure.isdisjoint({"mlfgained", "nofail"})


_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)


def _sure_groups(nodes: Iterable[Any]) -> Iterable[int]:
    """The numbers of groups that have captured some text whenever the expression matches; perhaps not all of them."""
    for op, av in nodes:
        if op is sre.SUBPATTERN:
            number, _, _, body = av
            if number is not None and body.getwidth()[0] > 0:
                yield number
            yield from _sure_groups(body)
        elif op is sre.ATOMIC_GROUP:
            yield from _sure_groups(av)
        elif op in _REPEATS and av[0] > 0:
            yield from _sure_groups(av[2])


_GROUP_WITH_FLAGS = re.compile(r"(?<!\\)((?:\\\\)*)\((?:\?:)?\(\?([aiLmsux]+)\)")


def compile_rule(text: str, *, usedns: str = "warn", multiline: bool = False) -> Rule:
    """Compile an expression with tags. Raises RuleError, in Fail2ban's words (COMPAT 2.1)."""
    expanded = _GROUP_WITH_FLAGS.sub(r"\1(?\2:", expand_tags(text, usedns=usedns))
    if not expanded:
        raise RuleError("Cannot add empty regex")
    try:
        return Rule(text, re.compile(expanded, re.MULTILINE if multiline else 0))
    except (re.error, RecursionError, OverflowError) as error:
        raise RuleError(f"Unable to compile regular expression '{text}':\n{error}") from error


def require_identifier(rule: Rule, prefix: Rule | None) -> None:
    """Raises RuleError when a match of the rule could never tell whom it concerns."""
    groups = rule.groups | (prefix.groups if prefix else frozenset())
    if not groups & IDENTIFIERS:
        raise RuleError(f"No failure-id group in '{rule.text}'")
