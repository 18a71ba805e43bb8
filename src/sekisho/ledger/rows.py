"""Bans and positions as they lie in the tables, and back."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

import msgspec

from sekisho.model.address import parse_subject
from sekisho.model.duration import Seconds
from sekisho.model.position import FilePosition, JournalPosition, Position
from sekisho.model.verdict import NOTHING, Ban, Captured, Cause

MOST_EVIDENCE = 16 * 1024
"""Characters of one line kept as evidence: a stranger writes these lines, and decides their length."""

BAN_COLUMNS = "jail, subject, address, time, duration, failures, count, cause, reason, matches, captured"


def ban_row(ban: Ban, *, most_matches: int) -> tuple[object, ...]:
    """Return the values of `BAN_COLUMNS` for `ban`, with at most `most_matches` of the newest lines as evidence."""
    matches = ban.matches[-most_matches:] if most_matches > 0 else ()
    return (
        ban.jail,
        storable(ban.subject.text),
        None if ban.address is None else storable(ban.address.text),
        ban.time,
        float(ban.duration),
        ban.failures,
        ban.count,
        ban.cause.value,
        storable(ban.reason),
        _json([storable(line[:MOST_EVIDENCE]) for line in matches]),
        _json({name: _storable_value(value) for name, value in ban.captured.items()}),
    )


_GROUPS = msgspec.json.Decoder(dict[str, str | list[str | None]])
_LINES = msgspec.json.Decoder(list[str])
_CAUSES = {cause.value: cause for cause in Cause}


def ban_of(row: tuple[Any, ...]) -> Ban:
    """Return the ban that `ban_row` wrote.

    A start makes a hundred thousand of them, so what most of them have in common is one object.
    """
    jail, subject, address, time, duration, failures, count, cause, reason, matches, captured = row
    return Ban(
        sys.intern(jail),
        parse_subject(subject),
        time,
        _seconds(duration),
        failures,
        count,
        () if matches == "[]" else tuple(_LINES.decode(matches)),
        NOTHING if captured == "{}" else _groups(captured),
        None if address is None else parse_subject(address),
        _CAUSES[cause],
        reason,
    )


@lru_cache(maxsize=64)
def _seconds(duration: float) -> Seconds:
    return int(duration) if duration.is_integer() else duration


def _groups(captured: str) -> dict[str, Captured]:
    groups = _GROUPS.decode(captured)
    return {name: tuple(value) if isinstance(value, list) else value for name, value in groups.items()}


def position_text(position: Position) -> str:
    """Return a position as JSON; `position_of` reads it back."""
    return _json(position)


def position_of(text: str) -> Position:
    """Return the position that `position_text` wrote."""
    fields = msgspec.json.decode(text, type=dict[str, int | float | str])
    if "cursor" in fields:
        return msgspec.convert(fields, type=JournalPosition)
    return msgspec.convert(fields, type=FilePosition)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def storable(text: str) -> str:
    """Return text without lone surrogates, which neither SQLite nor JSON can hold."""
    return text.encode("utf-8", "replace").decode()


def _storable_value(value: Captured) -> str | list[str | None]:
    if isinstance(value, str):
        return storable(value[:MOST_EVIDENCE])
    return [None if part is None else storable(part[:MOST_EVIDENCE]) for part in value]
