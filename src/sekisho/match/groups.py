"""What the groups of a match say: alternatives and tuples joined, and whom it concerns (COMPAT 2.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from sekisho.model.address import Family, Subject, parse_subject
from sekisho.model.verdict import Captured

Groups = dict[str, Captured]

_NUMBER = re.compile(r"_\d+$")
_BASES = {"id": "fid", "port": "fport"}


class GroupReader:
    """Reads the groups of one expression's matches; what can be known beforehand is found out once."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        numbers = pattern.groupindex
        self._special = sorted(name for name in numbers if name.startswith(("alt_", "tuple_")))
        self._hidden = [name for name in numbers if name.startswith(("skiplines", "_"))]
        self._is_plain = not self._special and not self._hidden

    def read(self, found: re.Match[str]) -> Groups:
        """The groups that took part in the match, with `alt_` and `tuple_` groups joined into those they stand for."""
        named = found.groupdict()
        if self._is_plain and None not in named.values():
            return named
        groups: Groups = {name: text for name, text in named.items() if text is not None}
        for name in self._hidden:
            groups.pop(name, None)
        if self._special:
            _join(groups, named, self._special)
        return groups


def _join(groups: Groups, named: Mapping[str, str | None], special: list[str]) -> None:
    tuples: dict[str, list[str | None]] = {}
    for name in special:
        kind, _, rest = name.partition("_")
        base = _NUMBER.sub("", rest)
        base = _BASES.get(base, base)
        if kind == "tuple":
            tuples.setdefault(base, [named.get(base)]).append(named[name])
        elif not groups.get(base) and named[name]:
            groups[base] = named[name] or ""
    for base, parts in tuples.items():
        groups[base] = tuple(parts)


def text_of(value: Captured | None) -> str | None:
    """A captured value as the text of an identifier: a tuple as Python writes it, as Fail2ban does."""
    return value if value is None or isinstance(value, str) else str(value)


class Captures(Mapping[str, Captured]):
    """What a match has captured, read when somebody asks: of a crowd of failures hardly any is ever asked."""

    __slots__ = ("_before", "_found", "_groups", "_read")

    def __init__(
        self,
        read: Callable[[re.Match[str] | None, re.Match[str]], Groups],
        before: re.Match[str] | None,
        found: re.Match[str],
    ) -> None:
        self._read = read
        self._before = before
        self._found = found
        self._groups: Groups | None = None

    def __repr__(self) -> str:
        return f"Captures({self._all()})"

    def __getitem__(self, name: str) -> Captured:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> Groups:
        if self._groups is None:
            self._groups = self._read(self._before, self._found)
        return self._groups


class Who(NamedTuple):
    """Whom a match concerns. `hostname`: a name to be looked up first. Neither: nobody is known yet."""

    subject: Subject | None = None
    hostname: str | None = None
    address: Subject | None = None

    @property
    def is_known(self) -> bool:
        """True when a failure can be counted to somebody, be it after a look-up."""
        return self.subject is not None or self.hostname is not None


def who_of(groups: Mapping[str, Captured], *, usedns: str) -> Who:
    """The identifier and the address of a match, by the rules of COMPAT 2.3 and 2.6."""
    plain = groups.get("ip4") or groups.get("ip6")
    if isinstance(plain, str) and "fid" not in groups and "cidr" not in groups:
        return Who(parse_subject(plain))  # nearly always
    fid = text_of(groups.get("fid"))
    host = text_of(plain)
    if host and (cidr := groups.get("cidr")):
        host = f"{host}/{cidr}"
    if not host and (name := text_of(groups.get("dns"))):
        if usedns != "raw" and parse_subject(name).family is Family.OTHER:
            return Who(hostname=name)
        host = name
    if host is None:
        return Who(subject=parse_subject(fid)) if fid else Who()
    if fid and fid != host:
        return Who(subject=parse_subject(fid), address=parse_subject(host))
    return Who(subject=parse_subject(host))
