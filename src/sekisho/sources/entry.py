r"""Makes the line that a filter sees from a journal entry (COMPAT 4.4): `HOST IDENT[PID]: MESSAGE`.

An entry is one line whatever it holds: newlines become the two characters `\n`. Parts that are absent are left out. A
kernel message without a process has `[%12.6f]`, its monotonic seconds, after the colon. Without an identifier
neither the process nor the colon is there; an empty identifier or SYSLOG_PID counts as absent (both observed).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sekisho.model.position import JournalPosition

NEEDED = (
    "MESSAGE",
    "_HOSTNAME",
    "SYSLOG_IDENTIFIER",
    "_COMM",
    "SYSLOG_PID",
    "_PID",
    "_SOURCE_REALTIME_TIMESTAMP",
    "_SOURCE_MONOTONIC_TIMESTAMP",
)
"""The fields that a line and its time are made of; those whose names begin with `__` are always there."""

Entry = Mapping[bytes, Sequence[bytes]]


def render_line(entry: Entry) -> bytes:
    """Return the entry's line with its newline."""
    words = [host] if (host := _first(entry, b"_HOSTNAME")) else []
    if name := _first(entry, b"SYSLOG_IDENTIFIER") or _first(entry, b"_COMM"):
        if process := _first(entry, b"SYSLOG_PID") or _first(entry, b"_PID"):
            words.append(b"%b[%b]:" % (name, process))
        elif name == b"kernel":
            words.append(
                b"kernel: [%12.6f]" % _seconds(entry, b"_SOURCE_MONOTONIC_TIMESTAMP", b"__MONOTONIC_TIMESTAMP")
            )
        else:
            words.append(name + b":")
    words += entry.get(b"MESSAGE", ())
    return b" ".join(words).replace(b"\n", b"\\n") + b"\n"


def stamp(entry: Entry) -> float:
    """Return when the entry was written, in seconds since the epoch: by its writer's clock where it says so."""
    return _seconds(entry, b"_SOURCE_REALTIME_TIMESTAMP", b"__REALTIME_TIMESTAMP")


def position(entry: Entry) -> JournalPosition:
    """Return the entry's place in the journal. Raises KeyError when the entry does not say it."""
    cursor = entry[b"__CURSOR"][0].decode("ascii", "replace")
    return JournalPosition(cursor, _seconds(entry, b"__REALTIME_TIMESTAMP", b""))


def _first(entry: Entry, name: bytes) -> bytes:
    """Return the field's first value, empty where it has none."""
    values = entry.get(name)
    return values[0] if values else b""


def _seconds(entry: Entry, name: bytes, otherwise: bytes) -> float:
    """Return the microseconds in the first of the two fields that holds some, as seconds; 0 where neither does."""
    for digits in (_first(entry, name), _first(entry, otherwise)):
        if digits.isdigit() and len(digits) < 20:  # 64 bits; longer is nobody's clock
            return int(digits) / 1e6
    return 0.0
