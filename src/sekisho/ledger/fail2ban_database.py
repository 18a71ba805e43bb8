"""Fail2ban's database, read from outside: which bans it made, and which of them stand (COMPAT 8).

Fail2ban may be running and writing. So the file is opened for reading only and copied in one step into a private place
of SQLite's own; nothing but that copy is ever looked at. Fail2ban waits for us no longer than the copying takes, and
what we see is one moment of it.

Everything in the file is a stranger's. A row that means nothing is told of and left out, and costs no other row.

Not here: what becomes of the bans (`ledger.adoption`).
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sekisho.ledger.adoption import PastBan
from sekisho.model.address import Family, Subject, parse_subject
from sekisho.model.duration import Seconds
from sekisho.model.specs import PERMANENT
from sekisho.model.verdict import Ban, Captured

NEWEST = 4
"""The newest version of the tables that is known here."""

_UNKNOWN = -2  # a ban time that Fail2ban's own migration could not tell
_DEFAULT = 600  # seconds; of a jail that nobody configures any more
_PATIENCE = 100  # tries to get between two of Fail2ban's transactions, a twentieth of a second apart
_LATEST = 2**40  # seconds; a time beyond is no time
_LONGEST = 1 << 22  # characters of a row's evidence; Fail2ban keeps ten log lines
_MOST_GROUPS = 100
_COLUMNS = ("jail", "ip", "timeofban", "bantime", "bancount", "data")


class ForeignError(Exception):
    """There is no such database of Fail2ban's that we could read; the message is for people."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a Fail2ban remembers: the tables' version, its bans, oldest first, and which rows could not be read."""

    version: int
    bans: tuple[PastBan, ...]
    remarks: tuple[str, ...] = ()


def read_database(path: Path, *, now: float, bantimes: Mapping[str, Seconds]) -> Memory:
    """Return what the database at `path` tells; `bantimes` are those of the jails, for rows that do not tell theirs.

    Raises:
        ForeignError: there is no such file, it is not for us to read, or it is no database that is known here.

    """
    copy = sqlite3.connect("", check_same_thread=False)  # a file of SQLite's own, gone when it is closed
    copy.text_factory = lambda data: data.decode("utf-8", "replace")
    try:
        _copy(path, copy)
        version = _version(path, copy)
        return _read(copy, version, now=now, bantimes=bantimes)
    except sqlite3.Error as error:
        raise ForeignError(f"{path} cannot be read as a database of Fail2ban's: {error}") from error
    finally:
        copy.close()


def _copy(path: Path, copy: sqlite3.Connection) -> None:
    try:
        if not path.is_file():
            raise ForeignError(f"there is no database {path}")
        path.open("rb").close()
    except OSError as error:
        raise ForeignError(f"{path} cannot be read: {error.strerror}") from error
    tries = 0

    def give_up(status: int, remaining: int, total: int) -> None:
        nonlocal tries
        del remaining, total
        tries += status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        if tries > _PATIENCE:
            raise ForeignError(f"{path} is locked by another program")

    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source:
        source.backup(copy, progress=give_up, sleep=0.05)


def _version(path: Path, copy: sqlite3.Connection) -> int:
    try:
        found = copy.execute("SELECT max(version) FROM fail2banDb").fetchone()[0]
    except sqlite3.OperationalError:
        found = None
    if not isinstance(found, int):
        raise ForeignError(f"{path} is no database of Fail2ban's: it does not say its version")
    if found > NEWEST:
        raise ForeignError(f"{path} was written by a newer Fail2ban: its version is {found}, {NEWEST} is known here")
    return found


def _read(copy: sqlite3.Connection, version: int, *, now: float, bantimes: Mapping[str, Seconds]) -> Memory:
    remarks: list[str] = []
    present = list(_bans(copy, "bips", bantimes, remarks)) if version >= NEWEST else []
    told = {_key(ban) for ban in present}
    made: dict[tuple[str, str, float], Ban] = {}
    numbers: Counter[tuple[str, str]] = Counter()
    for ban in _bans(copy, "bans", bantimes, remarks, without=told):
        if version < NEWEST:  # it counted nobody's bans yet
            numbers[ban.jail, ban.subject.text] += 1
            ban = replace(ban, count=numbers[ban.jail, ban.subject.text])  # noqa: PLW2901
        made[_key(ban)] = ban  # a ban that was lengthened has two rows, the later is as it was
    if version < NEWEST:
        newest = {(ban.jail, ban.subject.text): ban for ban in sorted(made.values(), key=lambda ban: ban.time)}
        present = list(newest.values())
    made |= {_key(ban): ban for ban in present}
    stand = {_key(ban) for ban in present if ban.until is None or ban.until > now}
    bans = sorted(made.values(), key=lambda ban: ban.time)
    return Memory(version, tuple(PastBan(ban, stands=_key(ban) in stand) for ban in bans), tuple(remarks))


def _key(ban: Ban) -> tuple[str, str, float]:
    return ban.jail, ban.subject.text, ban.time


def _bans(
    copy: sqlite3.Connection,
    table: str,
    bantimes: Mapping[str, Seconds],
    remarks: list[str],
    *,
    without: Container[tuple[object, ...]] = (),
) -> Iterator[Ban]:
    """Yield the bans in a table, in the order of their rows, `without` those of a jail, address and time named there.

    What is wrong with a row goes to `remarks`.
    """
    known = {row[1] for row in copy.execute(f"PRAGMA table_info({table})")}
    columns = ", ".join(name if name in known else "NULL" for name in _COLUMNS)
    for number, *values in _rows(copy, table, columns, remarks):
        if tuple(values[:3]) in without:
            continue
        try:
            ban, doubt = _ban(*values, bantimes=bantimes)
        except ValueError as error:
            remarks.append(f"row {number} of {table} is left out: {error}")
            continue
        if doubt:
            remarks.append(f"row {number} of {table} has no evidence: {doubt}")
        yield ban


def _rows(copy: sqlite3.Connection, table: str, columns: str, remarks: list[str]) -> list[tuple[Any, ...]]:
    """Return the rows of a table; where a page of the file is broken, those before it and those behind it."""
    rows: list[tuple[Any, ...]] = []
    query = f"SELECT rowid, {columns} FROM {table}"  # noqa: S608 - names of this module
    try:
        rows.extend(copy.execute(f"{query} ORDER BY rowid"))
    except sqlite3.DatabaseError as error:
        remarks.append(f"a part of {table} cannot be read: {error}")
        last = rows[-1][0] if rows else -(2**63)
        behind: list[tuple[Any, ...]] = []
        with contextlib.suppress(sqlite3.DatabaseError):
            behind.extend(copy.execute(f"{query} WHERE rowid > ? ORDER BY rowid DESC", (last,)))
        rows += reversed(behind)
    return rows


def _ban(
    jail: object,
    ip: object,
    time: object,
    bantime: object,
    count: object,
    data: object,
    *,
    bantimes: Mapping[str, Seconds],
) -> tuple[Ban, str]:
    """Return the ban of a row, and what is wrong with its evidence; raises ValueError where it is no ban."""
    if not isinstance(jail, str) or not jail:
        raise ValueError(f"its jail is {_shown(jail)}")
    if not isinstance(ip, str) or not ip.strip():
        raise ValueError(f"its address is {_shown(ip)}")
    if not isinstance(time, int | float) or not 0 <= time < _LATEST:
        raise ValueError(f"its time is {_shown(time)}")
    duration: Seconds = bantimes.get(jail, _DEFAULT)
    if isinstance(bantime, int | float) and (0 <= bantime < _LATEST or bantime == PERMANENT):
        duration = bantime
    elif bantime is not None and bantime != _UNKNOWN:
        raise ValueError(f"its ban time is {_shown(bantime)}")
    subject = parse_subject(ip)
    try:
        failures, matches, captured = _evidence(data)
        doubt = ""
    except (ValueError, RecursionError) as error:
        failures, matches, captured = 0, (), {}
        doubt = str(error)[:100]
    ban = Ban(
        jail=jail,
        subject=subject,
        time=float(time),
        duration=duration,
        failures=failures,
        count=count if isinstance(count, int) and 1 <= count < 2**31 else 1,
        matches=matches,
        captured=captured,
        address=_address(captured) if subject.family is Family.OTHER else None,
    )
    return ban, doubt


def _shown(value: object) -> str:
    return repr(value)[:60]


def _evidence(data: object) -> tuple[int, tuple[str, ...], dict[str, Captured]]:
    """Return the failures, log lines and captured groups in a row's JSON; raises ValueError where it is none."""
    if data is None:
        return 0, (), {}
    if not isinstance(data, str | bytes):
        raise ValueError("it is no text")  # noqa: TRY004 - one error for one cause
    if len(data) > _LONGEST:
        raise ValueError(f"it has more than {_LONGEST} characters")
    document = json.loads(data.decode("utf-8", "replace") if isinstance(data, bytes) else data)
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - as above
    listed = document.get("matches")
    lines = tuple(map(_line, listed)) if isinstance(listed, list) else ()
    count = document.get("failures")
    failures = count if isinstance(count, int) and 0 <= count < 2**31 else len(lines)
    groups = [(name, value) for name, value in document.items() if name not in {"matches", "failures"}]
    return failures, lines, {name: _group(value) for name, value in groups[:_MOST_GROUPS]}


def _line(match: object) -> str:
    """Return a log line, which Fail2ban keeps whole or cut at its date."""
    return "".join(part for part in match if isinstance(part, str)) if isinstance(match, list) else str(match)


def _group(value: object) -> Captured:
    if isinstance(value, list):
        return tuple(None if part is None else str(part) for part in value)
    return "" if value is None else str(value)


def _address(captured: Mapping[str, Captured]) -> Subject | None:
    """Return whom to bar where the identifier is no address (COMPAT 2.3)."""
    texts = (captured.get(name) for name in ("ip4", "ip6"))
    found = (parse_subject(text) for text in texts if isinstance(text, str) and text)
    return next((subject for subject in found if subject.family is not Family.OTHER), None)
