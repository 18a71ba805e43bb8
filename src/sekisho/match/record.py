r"""Reads a line that is a record of fields: one JSON object, or logfmt's `key=value` pairs.

A stranger fills many a field, and wants to be taken for another line, or for none. So a line is a record or it is
refused, whole: half of one, text behind it, a key that stands twice in one object (readers differ in which of the two
they believe), numbers that are none, nesting without end. A refused line counts for nobody and never raises.

Values stay as they are written: a number is its digits, so that none is too long to be read. As text (`text_of`) a
value is one line, as in any other log: a newline is the two characters `\n`, and what no text can hold (NUL, half a
surrogate pair) is the replacement character.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]
"""Fields by name: text, True, False, None, a list, or another record. A number is its text."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is not what the filter's `logformat` says; `why` is a sentence without its end."""

    why: str


_LONGEST_SHOWN = 60  # characters of a key


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:_LONGEST_SHOWN]!r} stands twice in one object")
    return found


def _no_number(text: str) -> Any:  # noqa: ANN401 - it never returns
    raise ValueError(f"{text} is no number")


_decode = json.JSONDecoder(object_pairs_hook=_object, parse_int=str, parse_float=str, parse_constant=_no_number).decode


NO_OBJECT = Refused("it is no JSON object")

_BEGINS = re.compile(r"[ \t\r\n]*\{")


def parse_json(text: str) -> Record | Refused:
    """The object that a text is, blanks around it aside."""
    if _BEGINS.match(text) is None:  # in a log that others write to as well most lines end here, and cost nothing
        return NO_OBJECT
    try:
        found = _decode(text)
    except RecursionError:
        return Refused("its objects lie too deep in each other")
    except json.JSONDecodeError as error:
        return Refused(f"it is no whole JSON object: {error.msg} at character {error.pos + 1}")
    except ValueError as error:
        return Refused(str(error))
    return found  # type: ignore[no-any-return]  # what begins so is a dict


_PAIR = re.compile(
    r'([^\x00-\x20\x7f"=]+)='  # a key
    r'(?:"([^"\\\x00-\x1f]*(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*)*)"|([^\x00-\x20\x7f"]*))'  # a value, quoted or bare
    r"(?:[ \t]+|$)"
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def parse_logfmt(text: str) -> Record | Refused:
    """The pairs of a line. A word without `=` is none, and makes the line none."""
    found: dict[str, str] = {}
    text = text.strip(" \t")
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            return Refused(f"it is no logfmt: at character {at + 1} stands no key=value")
        name, quoted, bare = pair.groups()
        if name in found:
            return Refused(f"the key {name[:_LONGEST_SHOWN]!r} stands twice")
        found[name] = bare if quoted is None else _ESCAPE.sub(_unescaped, quoted) if "\\" in quoted else quoted
        at = pair.end()
    return found or Refused("it is empty")


def _unescaped(found: re.Match[str]) -> str:
    if number := found[1] or found[2] or found[3]:
        code = int(number, 16)
        return chr(code) if code <= 0x10FFFF else "\N{REPLACEMENT CHARACTER}"
    return _ESCAPED.get(found[4], found[4])


_NOT_PLAIN = re.compile("[\0\r\n\ud800-\udfff]")
_PLAIN = {"\n": r"\n", "\r": r"\r"}


def plain(text: str) -> str:
    """A text as one line that can be stored and shown."""
    if _NOT_PLAIN.search(text) is None:
        return text
    return _NOT_PLAIN.sub(lambda found: _PLAIN.get(found[0], "\N{REPLACEMENT CHARACTER}"), text)


def text_of(value: object) -> str | None:
    """A field's value as text, of a list the first element's; None where there is none: absent, null, an object."""
    while type(value) is list:
        value = value[0] if value else None
    if type(value) is str:
        return plain(value)
    return {True: "true", False: "false"}.get(value) if type(value) is bool else None
