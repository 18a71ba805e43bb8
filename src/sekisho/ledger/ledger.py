"""The truth about bans, and how far each source has been read: one SQLite file, one writer.

**What one transaction holds.** A block of log lines causes bans; they and the position after the block are committed
together (`commit`). So after a death at any moment the next start reads on exactly behind what the ledger already
knows: no failure is judged twice, none is skipped. The firewall comes after the ledger, and `mark_enforced` after the
firewall; a ban that was never marked is simply enforced again at start.

WAL with `synchronous = NORMAL`: a killed process loses nothing; a power cut may lose the last transactions whole, bans
and positions alike, and then their lines are read again.

Not here: deciding, the clock, and any retry. A failing disk raises `LedgerError` to the engine; every method does, and
nothing else. Writing may succeed later, save where the error `is_final`: then the changes themselves cannot be stored.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sekisho.ledger.adoption import PastBan, Taken, take_over
from sekisho.ledger.rows import BAN_COLUMNS, ban_of, ban_row, position_of, position_text, storable
from sekisho.ledger.schema import migrate
from sekisho.model.address import Subject, parse_subject
from sekisho.model.position import Position
from sekisho.model.verdict import Ban, History, Unban

MOST_EVIDENCE = 1000
"""Bans of one subject that are read for its evidence; a recidivist of years has more than anybody reads."""


class LedgerError(Exception):
    """The ledger could not be read or written; the message is SQLite's. `is_final`: trying again would not help."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class Consumed:
    """Up to where a subject's failures have led to a ban: the time, and how many at exactly that time."""

    time: float
    ties: int


@dataclass(slots=True)
class Changes:
    """What one block, or one word of a person, caused. Collected by the engine, committed at once."""

    bans: list[Ban] = field(default_factory=list)
    prolonged: list[Ban] = field(default_factory=list)
    unbans: list[Unban] = field(default_factory=list)
    forgotten: list[tuple[str, Subject | None]] = field(default_factory=list)
    """Jails and whose bans in them, though over, count no more; None: everybody's."""
    consumed: dict[tuple[str, Subject], Consumed] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    readers: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        ended = self.unbans or self.forgotten
        return any((self.bans, self.prolonged, ended, self.consumed, self.positions, self.readers))


_BUSY = 250  # milliseconds that we wait for another program's transaction; the whole daemon waits with us
_STANDING = "ended IS NULL AND jail = ? AND subject = ?"


class Ledger:
    """One open ledger. All methods are quick and run on the engine's thread."""

    def __init__(self, path: str | None, *, most_matches: int = 10) -> None:
        """Open or create the ledger at `path`; None keeps it in memory only.

        Raises sqlite3.Error or OSError when it cannot be opened, ValueError when a newer release or Fail2ban wrote it.
        """
        self.path = path
        self.most_matches = most_matches
        self._db = _open(path)

    def move(self, path: str | None) -> None:
        """Go on with the ledger at `path`, as it is found there; raises LedgerError or OSError, and then stays."""
        try:
            fresh = _open(path)
        except (sqlite3.Error, ValueError) as error:
            raise LedgerError(str(error)) from error
        self._db.close()
        self.path, self._db = path, fresh

    def close(self) -> None:
        """Close the file; nothing is pending."""
        self._db.close()

    def commit(self, changes: Changes, *, now: float) -> None:
        """Write all of `changes`, or nothing and raise LedgerError."""
        if changes:
            with self._transaction():
                self._write(changes, now)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, Exception):
                raise _ledger_error(error) from error
            raise

    def _rows(self, query: str, values: tuple[object, ...]) -> list[Any]:
        return list(self._each(query, values))

    def _each(self, query: str, values: tuple[object, ...]) -> Iterator[Any]:
        """Yield row after row: a hundred thousand of them at once are some forty megabytes."""
        try:
            yield from self._db.execute(query, values)
        except Exception as error:
            raise _ledger_error(error) from error

    def _write(self, changes: Changes, now: float) -> None:
        db = self._db
        db.executemany(
            f"UPDATE bans SET ended = ?, release = ? WHERE {_STANDING}",  # noqa: S608 - a constant of this module
            [(now, unban.release.value, unban.ban.jail, storable(unban.ban.subject.text)) for unban in changes.unbans],
        )
        db.executemany(
            "UPDATE bans SET release = 'by hand' WHERE ended IS NOT NULL AND id ="
            " (SELECT max(id) FROM bans WHERE jail = ? AND subject = ?)",
            [(jail, storable(subject.text)) for jail, subject in changes.forgotten if subject is not None],
        )
        db.executemany(
            "UPDATE bans SET release = 'by hand' WHERE ended IS NOT NULL AND jail = ?",
            [(jail,) for jail, subject in changes.forgotten if subject is None],
        )
        # An earlier life may have left a ban standing whose end has passed; the new one takes its place.
        db.executemany(
            f"UPDATE bans SET ended = ?, release = 'expired' WHERE {_STANDING}",  # noqa: S608
            [(now, ban.jail, storable(ban.subject.text)) for ban in changes.bans],
        )
        db.executemany(
            f"INSERT INTO bans ({BAN_COLUMNS}, reached, ties) VALUES ({'?, ' * 11} ?, 0)",  # noqa: S608
            [(*ban_row(ban, most_matches=self.most_matches), ban.time) for ban in changes.bans],
        )
        db.executemany(
            f"UPDATE bans SET duration = ?, enforced = NULL WHERE {_STANDING}",  # noqa: S608
            [(float(ban.duration), ban.jail, storable(ban.subject.text)) for ban in changes.prolonged],
        )
        db.executemany(
            "UPDATE bans SET reached = ?, ties = ? WHERE id ="
            " (SELECT id FROM bans WHERE jail = ? AND subject = ? ORDER BY id DESC LIMIT 1)",
            [
                (mark.time, mark.ties, jail, storable(subject.text))
                for (jail, subject), mark in changes.consumed.items()
            ],
        )
        db.executemany(
            "INSERT OR REPLACE INTO positions VALUES (?, ?)",
            [(storable(source), position_text(position)) for source, position in changes.positions.items()],
        )
        for source, jails in changes.readers.items():
            db.execute("DELETE FROM readers WHERE source = ?", (storable(source),))
            db.executemany("INSERT OR IGNORE INTO readers VALUES (?, ?)", [(storable(source), jail) for jail in jails])

    def mark_enforced(self, bans: Iterable[Ban], *, now: float) -> None:
        """Note that the firewall holds these bans, which it may have been noted to hold already."""
        rows = [(now, ban.jail, storable(ban.subject.text)) for ban in bans]
        if rows:
            with self._transaction():
                self._db.executemany(f"UPDATE bans SET enforced = ? WHERE {_STANDING} AND enforced IS NULL", rows)  # noqa: S608

    def adopt(self, bans: Sequence[PastBan], *, now: float) -> Taken:
        """Take over, in one transaction, what is new of bans that another program made; they are in order of time."""
        with self._transaction():
            return take_over(self._db, bans, now=now, most_matches=self.most_matches)

    def standing(self, jail: str, *, now: float) -> list[Ban]:
        """Return the bans of a jail that stand at `now`, oldest first; those that ended meanwhile are closed."""
        with contextlib.suppress(LedgerError), self._transaction():  # a full disk does not keep us from reading
            self._db.execute(
                "UPDATE bans SET ended = time + duration, release = 'expired'"
                " WHERE ended IS NULL AND duration != -1 AND time + duration < ? AND jail = ?",
                (now, jail),
            )
        rows = self._each(
            f"SELECT {BAN_COLUMNS} FROM bans"  # noqa: S608
            " WHERE ended IS NULL AND jail = ? AND (duration = -1 OR time + duration >= ?) ORDER BY id",
            (jail, now),
        )
        return [ban_of(row) for row in rows]

    def consumed(self, jail: str, *, since: float) -> dict[Subject, Consumed]:
        """Return up to where each subject's failures have led to a ban of this jail, if not before `since`.

        A ban by hand, to which no failure has led, consumes none.
        """
        rows = self._each(
            "SELECT subject, reached, ties FROM bans WHERE jail = ? AND reached >= ? AND ties > 0 ORDER BY id",
            (jail, since),
        )
        return {parse_subject(subject): Consumed(reached, ties) for subject, reached, ties in rows}

    def history(self, jail: str | None, subject: Subject) -> History:
        """Return how often the jail (None: each of all jails) has banned the subject since an unban by hand, and when.

        One look into the index `bans_by_subject`, however long the ledger (COMPAT 3.3, 3.5).
        """
        rows = self._rows(
            "SELECT count, time FROM bans WHERE release IS NOT 'by hand' AND id IN"
            " (SELECT max(id) FROM bans WHERE subject = ? AND jail = ifnull(?, jail) GROUP BY jail)",
            (storable(subject.text), jail),
        )
        return History(sum(count for count, _ in rows), max((time for _, time in rows), default=0.0))

    def evidence(self, jail: str | None, subject: Subject) -> tuple[int, tuple[str, ...]]:
        """Return the failures and the newest log lines of all bans of a subject, in a jail or (None) in all.

        At most `most_matches` lines, as Fail2ban limits `<ipmatches>` (COMPAT 3.7, 5.3).
        """
        rows = self._rows(
            f"SELECT {BAN_COLUMNS} FROM bans WHERE subject = ? AND jail = ifnull(?, jail) ORDER BY id DESC LIMIT ?",  # noqa: S608
            (storable(subject.text), jail, MOST_EVIDENCE),
        )
        bans = [ban_of(row) for row in rows]
        lines = [line for ban in reversed(bans) for line in ban.matches]
        return sum(ban.failures for ban in bans), tuple(lines[-self.most_matches :] if self.most_matches else ())

    def recent(self, *, since: float) -> list[Ban]:
        """Return all bans of all jails made at or after `since`, oldest first: the history that recidive counts."""
        rows = self._each(f"SELECT {BAN_COLUMNS} FROM bans WHERE time >= ? ORDER BY id", (since,))  # noqa: S608
        return [ban_of(row) for row in rows]

    def position(self, source: str) -> Position | None:
        """Return how far a source has been read, or None when it never was."""
        rows = self._rows("SELECT position FROM positions WHERE source = ?", (storable(source),))
        return position_of(rows[0][0]) if rows else None

    def readers(self, source: str) -> frozenset[str]:
        """Return the jails that have read the source up to its position."""
        return frozenset(
            jail for (jail,) in self._rows("SELECT jail FROM readers WHERE source = ?", (storable(source),))
        )

    def purge(self, *, before: float) -> int:
        """Delete the bans that ended before `before` (seconds since the epoch); the number deleted (COMPAT 3.7).

        A long ban is remembered for three times its length: who returns after a month was barred for a month.
        """
        with self._transaction():
            return self._db.execute(
                "DELETE FROM bans WHERE time < ?1 AND ended < ?1 AND (duration = -1 OR time + 3 * duration < ?1)",
                (before,),
            ).rowcount


def _open(path: str | None) -> sqlite3.Connection:
    if path is not None:
        Path(path).parent.mkdir(mode=0o700, exist_ok=True)
    database = sqlite3.connect(path or ":memory:", isolation_level=None)
    try:
        _refuse_foreign(database, path)
        if path is not None:
            Path(path).chmod(0o600)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(f"PRAGMA busy_timeout = {_BUSY}")
        migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def _refuse_foreign(database: sqlite3.Connection, path: str | None) -> None:
    """Raise ValueError, before anything is changed, where the file is Fail2ban's own, whatever its name."""
    if database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'fail2banDb'").fetchall():
        remedy = "name another file in fail2ban.local: dbfile = /var/lib/sekisho/ledger.sqlite"
        raise ValueError(f"{path} is Fail2ban's own database, which is left alone; {remedy}")


def _ledger_error(error: Exception) -> LedgerError:
    """Return what went wrong: a disk, a lock and a broken file are SQLite's, anything else lies in the changes."""
    is_final = not isinstance(error, sqlite3.OperationalError | OSError) and type(error) is not sqlite3.DatabaseError
    return LedgerError(str(error), is_final=is_final)
