"""A Fail2ban's bans become ours without a daemon: ledger and lock, and what refuses."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from tests.support.fail2ban_file import make_database, row

from sekisho.daemon.adopt_bans import look, take_over
from sekisho.daemon.pid_file import locked
from sekisho.engine.clock import SystemClock
from sekisho.ledger.ledger import Ledger
from sekisho.model.adoption import AdoptionError
from sekisho.model.specs import Configuration, FilterSpec, JailSpec, ServerSpec

NOW = int(SystemClock().now())


@pytest.fixture
def found(tmp_path: Path) -> Configuration:
    """A configuration with one jail that bars nobody, whose daemon does not run."""
    server = ServerSpec(
        socket=str(tmp_path / "s.sock"), pidfile=str(tmp_path / "s.pid"), dbfile=str(tmp_path / "ledger" / "l.sqlite")
    )
    return Configuration(server, (JailSpec("demo", FilterSpec("demo", ("<HOST>",))),))


def test_without_a_daemon_the_ledger_is_written(tmp_path: Path, found: Configuration) -> None:
    """Numbers by jail, and the bans for the daemon to find; again, all are known."""
    path = make_database(tmp_path / "f", bans=[row("192.0.2.1", NOW), row("192.0.2.2", 5, 60)])
    outcome = take_over(path, found)
    assert (outcome.by, outcome.standing, outcome.past) == ("ledger", {"demo": 1}, {"demo": 1})
    assert take_over(path, found).known == {"demo": 2}
    assert found.server.dbfile is not None
    ledger = Ledger(found.server.dbfile)
    assert [ban.subject.text for ban in ledger.standing("demo", now=NOW)] == ["192.0.2.1"]
    ledger.close()
    assert not (tmp_path / "s.pid").exists()


def test_a_dry_run_writes_nothing(tmp_path: Path, found: Configuration) -> None:
    """It tells what there is, rows that cannot be read included."""
    path = make_database(tmp_path / "f", present=[row("192.0.2.1", NOW), row("192.0.2.2", "noon")])
    outcome = look(path, found)
    assert (outcome.by, outcome.standing, outcome.unread) == ("nobody", {"demo": 1}, 1)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["f"]


def test_a_daemon_that_is_there_but_does_not_answer_yet_is_not_written_around(
    tmp_path: Path, found: Configuration
) -> None:
    """Its pid file is locked: nothing is done, and the message says what to do."""
    path = make_database(tmp_path / "f", bans=[row("192.0.2.1", NOW)])
    with locked(Path(found.server.pidfile)), pytest.raises(AdoptionError, match=r"does not answer .*; try again"):
        take_over(path, found)
    assert not (tmp_path / "ledger").exists()


def test_a_server_that_says_nothing_is_told(tmp_path: Path, found: Configuration) -> None:
    """Something listens at the socket and breaks off: that is a failure, and nothing is written."""
    path = make_database(tmp_path / "f", bans=[row("192.0.2.1", NOW)])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(found.server.socket)
        listener.listen(1)

        def hang_up() -> None:
            listener.accept()[0].close()

        silent = threading.Thread(target=hang_up)
        silent.start()
        with pytest.raises(AdoptionError, match="broke off"):
            take_over(path, found)
        silent.join(10)
    assert not (tmp_path / "ledger").exists()


def test_no_ledger_and_no_database_are_refused(tmp_path: Path, found: Configuration) -> None:
    """A configuration that remembers nothing cannot take over, and there must be something to take."""
    with pytest.raises(AdoptionError, match="there is no database"):
        take_over(tmp_path / "none", found)
    path = make_database(tmp_path / "f")
    nowhere = Configuration(
        ServerSpec(socket=found.server.socket, pidfile=found.server.pidfile, dbfile=None), found.jails
    )
    with pytest.raises(AdoptionError, match="names no ledger"):
        take_over(path, nowhere)
