"""What a `journalmatch` means (COMPAT 4.4): which entries of the journal a jail wants.

One line holds terms `FIELD=value`. Terms of different fields must all hold, of one field any; `+` stands between
alternatives, and several lines are alternatives too. No line at all means every entry.

One `journalctl` serves many jails: it is asked for the union of their matches, and each entry is then told apart by
evaluating the same terms on its fields.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

Fields = Mapping[bytes, Sequence[bytes]]
"""An entry's fields by name; a field may occur more than once."""
Alternative = Mapping[bytes, frozenset[bytes]]
"""The values of which each field must have one."""

_TERM = re.compile(r"([A-Z_][A-Z0-9_]*)=(.*)", re.DOTALL)  # journald itself takes no other names


def parse_journalmatch(lines: Iterable[str]) -> tuple[Alternative, ...]:
    """Return the alternatives that the lines of a jail's journalmatch stand for; none: every entry.

    Raises:
        ValueError: a line is none; the message names it and says what was expected.

    """
    return tuple(chain.from_iterable(_parse_line(line) for line in lines if line.strip()))


def _parse_line(line: str) -> list[Alternative]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise ValueError(f"journalmatch {line!r}: {error}") from error
    alternatives: list[dict[bytes, frozenset[bytes]]] = [{}]
    for word in words:
        if word == "+":
            alternatives.append({})
            continue
        term = _TERM.fullmatch(word)
        if term is None:
            raise ValueError(f"journalmatch {line!r}: expected FIELD=value or +, found {word!r}")
        field, value = (text.encode("utf-8", "surrogateescape") for text in term.groups())
        alternatives[-1][field] = alternatives[-1].get(field, frozenset()) | {value}
    if not all(alternatives):
        raise ValueError(f"journalmatch {line!r}: a + needs a term on either side")
    return list(alternatives)


def render_arguments(matches: Sequence[Sequence[Alternative]]) -> list[str]:
    """Return the arguments that ask `journalctl` for every entry that any of `matches` wants."""
    if not all(matches):
        return []
    words: list[str] = []
    for alternative in dict.fromkeys(_key(each) for each in chain.from_iterable(matches)):
        words += ["+"] if words else []
        words += [f"{field}={value}" for field, values in alternative for value in values]
    return words


def _key(alternative: Alternative) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(
        (_text(field), tuple(_text(value) for value in sorted(values))) for field, values in sorted(alternative.items())
    )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


class Channels:
    """Tells which of several matches an entry satisfies. `fields` are the names that it looks at."""

    _REMEMBERED = 4096  # combinations of field values
    _NOTHING: frozenset[bytes] = frozenset()

    def __init__(self, matches: Sequence[Sequence[Alternative]]) -> None:
        self._matches = tuple(tuple(alternatives) for alternatives in matches)
        self.fields: tuple[bytes, ...] = tuple(
            sorted({field for alternatives in matches for alternative in alternatives for field in alternative})
        )
        self._wanted = {field: self._values_of(field) for field in self.fields}
        self._masks: dict[tuple[tuple[bytes, ...], ...], int] = {}

    def _values_of(self, field: bytes) -> frozenset[bytes]:
        named = (alternative.get(field, self._NOTHING) for each in self._matches for alternative in each)
        return self._NOTHING.union(*named)

    def of(self, entry: Fields) -> int:
        """Return the mask in which bit k is set when the entry satisfies the k-th match."""
        # Only values that some match names are kept: a stranger may call a process what he likes, at any length.
        wanted = self._wanted.items()
        values = tuple([tuple([value for value in entry.get(field, ()) if value in named]) for field, named in wanted])
        mask = self._masks.get(values)
        if mask is None:
            if len(self._masks) >= self._REMEMBERED:
                self._masks.clear()
            mask = self._masks[values] = self._evaluate(dict(zip(self.fields, values, strict=True)))
        return mask

    def _evaluate(self, entry: Fields) -> int:
        return sum(
            1 << k
            for k, alternatives in enumerate(self._matches)
            if not alternatives or any(_satisfies(entry, alternative) for alternative in alternatives)
        )


def _satisfies(entry: Fields, alternative: Alternative) -> bool:
    return all(not wanted.isdisjoint(entry[field]) for field, wanted in alternative.items())
