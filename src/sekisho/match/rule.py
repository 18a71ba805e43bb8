r"""Compiles one expression of a filter.

Fail2ban's expressions are Python's, with one liberty that old trees use: a flag group at the start of a group,
`((?i)A|b)`, speaks for that group. Python refuses it since 3.11, so it is written as `(?i:A|b)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from sekisho.match.groups import GroupReader, Groups
from sekisho.match.shape import sure_groups
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
        sure = sure_groups(self.pattern)
        return "mlfforget" in sure and not sure.isdisjoint({"mlfgained", "nofail"})


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
