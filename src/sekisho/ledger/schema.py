"""The ledger's tables, as named steps: each runs once, in one transaction with its own record."""

from __future__ import annotations

import sqlite3

STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "2026-11 bans, positions, readers",
        (
            """
            CREATE TABLE bans (
                id INTEGER PRIMARY KEY,
                jail TEXT NOT NULL,
                subject TEXT NOT NULL,      -- canonical text, as the log prints it
                address TEXT,               -- whom to bar, where the subject is not an address
                time REAL NOT NULL,         -- seconds since the epoch
                duration REAL NOT NULL,     -- seconds; -1: permanent
                failures INTEGER NOT NULL,
                count INTEGER NOT NULL,     -- how often this jail had banned the subject, this time included
                cause TEXT NOT NULL,        -- a value of model.verdict.Cause
                reason TEXT NOT NULL,       -- words of the person who banned by hand
                matches TEXT NOT NULL,      -- evidence: JSON list of log lines
                captured TEXT NOT NULL,     -- JSON object of captured groups
                reached REAL NOT NULL,      -- when maxretry was last reached (judge.judge.Reached)
                ties INTEGER NOT NULL,
                enforced REAL,              -- when the firewall took it; NULL: intended only
                ended REAL,                 -- when it ended; NULL: it stands
                release TEXT                -- a value of model.verdict.Release
            ) STRICT
            """,
            "CREATE UNIQUE INDEX bans_standing ON bans (jail, subject) WHERE ended IS NULL",
            "CREATE INDEX bans_by_subject ON bans (subject, jail, id)",
            "CREATE INDEX bans_by_time ON bans (time)",
            """
            CREATE TABLE positions (
                source TEXT PRIMARY KEY,    -- a path, or the name of a journal
                position TEXT NOT NULL      -- JSON of model.position
            ) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE readers (          -- which jails have read a source up to its position
                source TEXT NOT NULL,
                jail TEXT NOT NULL,
                PRIMARY KEY (source, jail)
            ) STRICT, WITHOUT ROWID
            """,
        ),
    ),
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables to the newest step.

    Raises:
        ValueError: the file was written by a newer release, whose steps are not known here.

    """
    connection.execute("CREATE TABLE IF NOT EXISTS steps (name TEXT PRIMARY KEY) STRICT")
    done = [name for (name,) in connection.execute("SELECT name FROM steps ORDER BY rowid")]
    known = [name for name, _ in STEPS]
    if strangers := [name for name in done if name not in known]:
        raise ValueError(f"the ledger was written by a newer release (step {strangers[0]!r} is not known here)")
    for name, statements in STEPS:
        if name in done:
            continue
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                connection.execute(statement)
            connection.execute("INSERT INTO steps (name) VALUES (?)", (name,))
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
