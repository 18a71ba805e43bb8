"""Bans and positions as they lie in the tables, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from sekisho.model.address import parse_subject
from sekisho.model.position import FilePosition, JournalPosition, Position
from sekisho.model.verdict import Ban, Captured, Cause

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


def ban_of(row: tuple[Any, ...]) -> Ban:
    """Return the ban that `ban_row` wrote."""
    jail, subject, address, time, duration, failures, count, cause, reason, matches, captured = row
    groups: dict[str, Captured] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in (_GROUPS.decode(captured) if captured != "{}" else {}).items()
    }
    return Ban(
        jail=jail,
        subject=parse_subject(subject),
        address=None if address is None else parse_subject(address),
        time=time,
        duration=int(duration) if duration.is_integer() else duration,
        failures=failures,
        count=count,
        cause=Cause(cause),
        reason=reason,
        matches=tuple(_LINES.decode(matches)) if matches != "[]" else (),
        captured=groups,
    )


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
