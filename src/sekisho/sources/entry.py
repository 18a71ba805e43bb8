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
    host = _first(entry, b"_HOSTNAME")
    name = _first(entry, b"SYSLOG_IDENTIFIER", b"_COMM")
    words = [host] if host else []
    if name:
        process = _first(entry, b"SYSLOG_PID", b"_PID")
        words.append(b"%b[%b]:" % (name, process) if process else name + b":")
        if name == b"kernel" and not process:
            words.append(b"[%12.6f]" % _seconds(entry, b"_SOURCE_MONOTONIC_TIMESTAMP", b"__MONOTONIC_TIMESTAMP"))
    words += entry.get(b"MESSAGE", ())
    return b" ".join(words).replace(b"\n", b"\\n") + b"\n"


def stamp(entry: Entry) -> float:
    """Return when the entry was written, in seconds since the epoch: by its writer's clock where it says so."""
    return _seconds(entry, b"_SOURCE_REALTIME_TIMESTAMP", b"__REALTIME_TIMESTAMP")


def position(entry: Entry) -> JournalPosition:
    """Return the entry's place in the journal. Raises KeyError when the entry does not say it."""
    return JournalPosition(entry[b"__CURSOR"][0].decode("ascii", "replace"), _seconds(entry, b"__REALTIME_TIMESTAMP"))


def _first(entry: Entry, *names: bytes) -> bytes:
    """Return the first value of the first of `names` that has one which is not empty."""
    for name in names:
        values = entry.get(name)
        if values and values[0]:
            return values[0]
    return b""


def _seconds(entry: Entry, *names: bytes) -> float:
    """Return the first of `names` that holds microseconds, as seconds; 0 where none does."""
    for name in names:
        digits = _first(entry, name)
        if digits.isdigit() and len(digits) < 20:  # 64 bits; longer is nobody's clock
            return int(digits) / 1e6
    return 0.0
