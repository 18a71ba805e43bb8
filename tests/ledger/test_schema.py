"""The ledger's tables, step by step."""

from __future__ import annotations

import sqlite3

import pytest

from sekisho.ledger import schema
from sekisho.ledger.schema import STEPS, migrate


def open_memory() -> sqlite3.Connection:
    """Open an empty database as the ledger does."""
    return sqlite3.connect(":memory:", isolation_level=None)


def test_every_step_runs_once() -> None:
    """A second start finds nothing to do, and the record names the steps in order."""
    db = open_memory()
    migrate(db)
    migrate(db)
    assert [name for (name,) in db.execute("SELECT name FROM steps ORDER BY rowid")] == [name for name, _ in STEPS]
    db.close()


def test_a_step_that_fails_leaves_nothing_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables and record of a step come together or not at all."""
    db = open_memory()
    bad = ("9999 bad", ("CREATE TABLE half (x)", "NO SQL"))
    monkeypatch.setattr(schema, "STEPS", (*STEPS, bad))
    with pytest.raises(sqlite3.OperationalError):
        migrate(db)
    names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    assert "bans" in names
    assert "half" not in names
    db.close()
