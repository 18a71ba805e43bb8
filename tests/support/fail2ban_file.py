"""A database as a Fail2ban leaves it (COMPAT 8), made of rows that a test writes down."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

_V4 = """
CREATE TABLE fail2banDb (version INTEGER);
CREATE TABLE jails (name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1);
CREATE TABLE bans (jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL,
    bancount INTEGER NOT NULL DEFAULT 1, data JSON);
CREATE TABLE bips (ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL,
    bancount INTEGER NOT NULL DEFAULT 1, data JSON, PRIMARY KEY (ip, jail));
"""
_V2 = """
CREATE TABLE fail2banDb (version INTEGER);
CREATE TABLE bans (jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL, data JSON);
"""

Row = tuple[object, ...]
"""Jail, address, time of ban, ban time, ban count, evidence."""

EVIDENCE = json.dumps(
    {"matches": [["", "Nov 22 08:35:51", " fail user=a"], "Nov 22 08:35:52 fail"], "failures": 3, "user": "a"}
).encode()


def row(ip: str, time: object, bantime: object = 3600, count: object = 1, *, jail: str = "demo") -> Row:
    """Return a row with evidence."""
    return jail, ip, time, bantime, count, EVIDENCE


def make_database(
    path: Path, *, bans: Sequence[Row] = (), present: Sequence[Row] | None = None, version: int = 4
) -> Path:
    """Write a database with `bans` as history, and `present` (else the same) as the newest state of each address."""
    database = sqlite3.connect(path)
    database.executescript(_V4 if version >= 4 else _V2)
    database.execute("INSERT INTO fail2banDb VALUES (?)", (version,))
    if version >= 4:
        database.executemany("INSERT INTO bans VALUES (?, ?, ?, ?, ?, ?)", bans)
        database.executemany(
            "INSERT INTO bips (jail, ip, timeofban, bantime, bancount, data) VALUES (?, ?, ?, ?, ?, ?)",
            bans if present is None else present,
        )
    else:
        database.executemany("INSERT INTO bans VALUES (?, ?, ?, ?)", [(*each[:3], each[5]) for each in bans])
    database.commit()
    database.close()
    return path
