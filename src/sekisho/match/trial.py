"""One failregex at work in its filter: how it looks at a text, and what a match of it says beside that of prefregex.

Most failures of an attack are told by lines of one kind: an address, perhaps a name, nothing that has to do with other
lines but the session's id. An expression that can say no more is *plain*. What such a match says is known without
reading its groups, so they are left unread until somebody asks (`groups.Captures`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from sekisho.match.groups import Groups
from sekisho.match.rule import Rule

_ADDRESSES = frozenset({"ip4", "ip6"})
_MEANINGFUL = frozenset({"fid", "cidr", "nofail", "mlfgained", "mlfforget", "users"})
"""Groups of which each says more than whom a line concerns."""

_SESSION = "mlfid"

Read = Callable[[re.Match[str] | None, re.Match[str]], Groups]


class Trial(NamedTuple):
    """An expression: its number, how it searches, what a match captures together with the match of prefregex.

    `is_plain`: it has the groups `ip4` and `ip6`, of these numbers, and where one of them takes part in the match it is
    a failure of that address, of a session whose id stands in prefregex or of none. `read_first` reads the groups of
    such a failure with which a session begins: its user is all the users there are. `is_try`: of a try that lines of
    other kinds may tell of, too (`tries`).
    """

    number: int
    search: Callable[[str], re.Match[str] | None]
    read: Read
    read_first: Read
    is_plain: bool
    ip4: int
    ip6: int
    is_try: bool


def make_trial(number: int, rule: Rule, prefix: Rule | None) -> Trial:
    """The trial of the `number`th failregex of a filter with this prefregex."""
    read = _reader(rule, prefix)
    numbers = rule.pattern.groupindex
    names = rule.groups | (prefix.groups if prefix else frozenset())
    is_plain = (
        rule.groups >= _ADDRESSES
        and _SESSION not in rule.groups
        and names.isdisjoint(_MEANINGFUL)
        and not any(name.startswith(("alt_", "tuple_")) for name in names)
        and (prefix is None or prefix.groups.isdisjoint(_ADDRESSES))
    )

    def read_first(before: re.Match[str] | None, found: re.Match[str]) -> Groups:
        groups = read(before, found)
        user = groups.get("user")
        return groups | {"users": (user,)} if user and isinstance(user, str) else groups

    ip4, ip6 = numbers.get("ip4", 0), numbers.get("ip6", 0)
    return Trial(number, rule.pattern.search, read, read_first, is_plain, ip4, ip6, "mlftry" in names)


def _reader(rule: Rule, prefix: Rule | None) -> Read:
    read = rule.read
    if prefix is None:
        return lambda _, found: read(found)
    read_prefix = prefix.read

    def read_both(before: re.Match[str] | None, found: re.Match[str]) -> Groups:
        groups = read_prefix(before) if before is not None else {}
        groups.pop("content", None)
        return groups | read(found)

    return read_both
