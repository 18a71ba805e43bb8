"""The account with the ledger, in good days and bad ones."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.support.house import FakeClock

from sekisho.engine.account import Account
from sekisho.ledger.ledger import Ledger, LedgerError
from sekisho.model.address import parse_subject
from sekisho.model.position import FilePosition
from sekisho.model.verdict import Ban

EVE = parse_subject("192.0.2.66")
HERE = FilePosition(7, 1, "x")


class Disk:
    """A ledger's disk, which can be full, and a ledger on it."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: LedgerError | None = None
        self.tries = 0
        self.ledger = Ledger(str(path))
        for name in ("commit", "standing", "position"):
            monkeypatch.setattr(self.ledger, name, self._failing(name))

    def _failing(self, name: str) -> object:
        method = getattr(self.ledger, name)

        def attempt(*arguments: object, **options: object) -> object:
            self.tries += 1
            if self.error is not None:
                raise self.error
            return method(*arguments, **options)

        return attempt


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk with room."""
    return Disk(tmp_path / "ledger.sqlite", monkeypatch)


def ban(clock: FakeClock) -> Ban:
    """A ban of Eve that begins now."""
    return Ban("demo", EVE, clock.time, 600)


def test_what_cannot_be_written_is_written_later(disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    """With everything that came since, in one transaction; the log tells the beginning and the end of the trouble."""
    clock = FakeClock()
    account = Account(disk.ledger, clock)
    disk.error = LedgerError("disk is full")
    account.changes.bans.append(ban(clock))
    account.commit()
    account.note_position("/log", HERE)
    account.commit()
    assert (disk.tries, "disk is full" in account.trouble) == (1, True)  # at most one try a second
    disk.error = None
    clock.time += 1
    account.commit()
    assert [each.subject for each in account.standing("demo", now=clock.time)] == [EVE]
    assert (account.position("/log"), account.trouble, bool(account.changes)) == (HERE, "", False)
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL, logging.WARNING]
    disk.ledger.close()


def test_what_can_never_be_written_is_let_go(disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    """It must not stand in the way of everything after it."""
    clock = FakeClock()
    account = Account(disk.ledger, clock)
    disk.error = LedgerError("too large", is_final=True)
    account.changes.bans.append(ban(clock))
    account.commit()
    assert not account.changes
    assert "takes no note of 1 ban(s)" in caplog.text
    disk.ledger.close()


def test_a_ledger_that_cannot_be_read_is_left_out_of_account(disk: Disk) -> None:
    """What has been noted and not yet written is known all the same."""
    account = Account(disk.ledger, FakeClock())
    disk.error = LedgerError("malformed")
    assert account.standing("demo", now=0) == []
    assert account.position("/log") is None
    account.note_position("/log", HERE)
    account.note_readers("/log", ["demo"])
    assert account.position("/log") == HERE
    assert account.readers("/log") == frozenset({"demo"})
    assert "malformed" in account.trouble
    disk.ledger.close()
