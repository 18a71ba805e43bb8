"""Bans that another program made become ours: what of them is new, what stands, what was known already.

For each jail and subject the ledger is one line of bans in the order of their times. So what is not later than its
newest has been taken over before, or has been overtaken by what we did ourselves; what is later is added. Doing it
twice adds nothing twice, and a death half way is mended by doing it again.

A ban of ours is never shortened, and one that a person has lifted here is not put back.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sekisho.judge.judge import prolong
from sekisho.ledger.rows import BAN_COLUMNS, ban_of, ban_row, storable
from sekisho.model.verdict import Ban, Release

_NEWEST = f"SELECT id, ended, release, {BAN_COLUMNS} FROM bans WHERE subject = ? AND jail = ? ORDER BY id DESC LIMIT 1"  # noqa: S608


@dataclass(frozen=True, slots=True)
class PastBan:
    """A ban that another program made; `stands`: it is in force there."""

    ban: Ban
    stands: bool


@dataclass(slots=True)
class Taken:
    """What became of a number of past bans: those that are new here, and how many, by jail, were known already."""

    standing: list[Ban] = field(default_factory=list)
    """Those to be put in force: new, or ours and lasting longer now."""
    past: list[Ban] = field(default_factory=list)
    """Those that are over."""
    known: Counter[str] = field(default_factory=Counter)


def take_over(database: sqlite3.Connection, bans: Sequence[PastBan], *, now: float, most_matches: int) -> Taken:
    """Write what is new of `bans`, which are in the order of their times, within the caller's transaction."""
    taken = Taken()
    for each in bans:
        _take(database, each, taken, now=now, most_matches=most_matches)
    return taken


def _take(database: sqlite3.Connection, past: PastBan, taken: Taken, *, now: float, most_matches: int) -> None:
    ban, stands = past.ban, past.stands
    found = database.execute(_NEWEST, (storable(ban.subject.text), ban.jail)).fetchone()
    if found is not None:
        number, ended, release, *row = found
        newest, is_forgiven = ban_of(tuple(row)), release == Release.BY_HAND.value
        longer = prolong(newest, ban) if stands else None
        if ban.time <= newest.time:
            if ended is None and longer is not None:
                _prolong(database, number, longer, taken)
            if ended is None or longer is None or is_forgiven or ban.time == newest.time:
                taken.known[ban.jail] += 1
                return
        if not is_forgiven:
            ban = replace(ban, count=max(ban.count, newest.count))
        if ended is None:
            stands = longer is not None
            if stands:
                database.execute("UPDATE bans SET ended = ?, release = 'expired' WHERE id = ?", (now, number))
    ended = None if stands else now if ban.until is None else min(now, ban.until)
    release = None if stands else Release.EXPIRED.value
    database.execute(
        f"INSERT INTO bans ({BAN_COLUMNS}, reached, ties, ended, release) VALUES ({'?, ' * 14} ?)",  # noqa: S608
        (*ban_row(ban, most_matches=most_matches), ban.time, max(1, ban.failures), ended, release),
    )
    (taken.standing if stands else taken.past).append(ban)


def _prolong(database: sqlite3.Connection, number: int, longer: Ban, taken: Taken) -> None:
    database.execute("UPDATE bans SET duration = ?, enforced = NULL WHERE id = ?", (float(longer.duration), number))
    taken.standing.append(longer)
