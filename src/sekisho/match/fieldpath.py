"""Names a field of a record: `request.headers.User-Agent.0`.

At each step the longest row of words that is a key there is taken, and never given back: `X.y` is the key `X.y` where
there is one, else `y` within `X`. A number is also an index into a list; a list that gets none means its first element.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from sekisho.match.record import Record, text_of

_INDEX = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True)
class FieldPath:
    """The way to a field; `text` as written, without quotes."""

    text: str

    @cached_property
    def _words(self) -> tuple[str, ...]:
        return tuple(self.text.split("."))

    @cached_property
    def _keys(self) -> tuple[tuple[tuple[str, int], ...], ...]:
        """From each word on, the keys that may begin there, the longest first, and the word behind each."""
        words = self._words
        return tuple(
            tuple((".".join(words[start:end]), end) for end in range(len(words), start, -1))
            for start in range(len(words))
        )

    def value(self, record: Record) -> object:
        """What the field holds; None where it is absent or null."""
        if self.text in record:
            return record[self.text]
        at = 0
        found: object = record
        while at < len(self._words):
            if type(found) is list:
                if index := _INDEX.fullmatch(self._words[at]):
                    at += 1
                found = _element(found, int(index[0]) if index else 0)
                continue
            if type(found) is not dict:
                return None
            for key, end in self._keys[at]:
                if key in found:
                    found, at = found[key], end
                    break
            else:
                return None
        return found

    def text_in(self, record: Record) -> str | None:
        """The field's text; None where it is absent, null, or an object."""
        return text_of(self.value(record))


def _element(values: list[object], index: int) -> object:
    return values[index] if index < len(values) else None


_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')
_BACKSLASH = re.compile(r"\\(.)", re.DOTALL)


def unquote(text: str) -> str:
    r"""What stands between quotes: `\"` is a quote, `\\` a backslash."""
    return _BACKSLASH.sub(r"\1", text)


def parse_fields(line: str) -> list[FieldPath]:
    """The fields that a line names, separated by blanks. Raises ValueError."""
    found: list[FieldPath] = []
    at = 0
    while line[at:].strip():
        word = _WORD.match(line, at)
        if word is None:
            raise ValueError(f'a quote is not closed: {line[at:].strip()!r} (write "in double quotes")')
        found.append(FieldPath(unquote(word[1]) if word[1] is not None else word[2]))
        at = word.end()
    return found


def first_text(fields: tuple[FieldPath, ...], record: Record) -> str | None:
    """The text of the first of the fields that is present and not empty."""
    for field in fields:
        if text := field.text_in(record):
            return text
    return None
