"""A live Fail2ban's bans become ours, as its own database has them, while it goes on."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.lab import wait_for

pytestmark = [pytest.mark.system(needs=("fail2ban-client", "fail2ban-server")), pytest.mark.timeout(120)]

ADDRESSES = [f"198.51.{100 + number // 250}.{number % 250 + 1}" for number in range(1000)]


def tree(directory: Path, whose: str, database: Path) -> Path:
    """Write one side's configuration: one jail that bars nobody; its state lies beside it. Return the folder."""
    conf = directory / whose
    for folder in ("filter.d", "action.d"):
        (conf / folder).mkdir(parents=True)
    state = "".join(f"{name} = {directory}/{whose}.{name}\n" for name in ("socket", "pidfile", "logtarget"))
    (conf / "fail2ban.conf").write_text(
        f"[Definition]\nloglevel = INFO\nsyslogsocket = auto\nallowipv6 = auto\ndbpurgeage = 1d\ndbmaxmatches = 10\n"
        f"dbfile = {database}\n{state}"
    )
    (conf / "jail.conf").write_text(
        f"[demo]\nenabled = true\nfilter = demo\nbackend = polling\nlogpath = {directory}/demo.log\nbantime = 1h\n"
        "action = nothing\n"
    )
    (conf / "filter.d" / "demo.conf").write_text("[Definition]\nfailregex = ^fail from <HOST>$\n")
    (conf / "action.d" / "nothing.conf").write_text("[Definition]\nactionban =\nactionunban =\n[Init]\nname = x\n")
    return conf


@pytest.fixture
def live(tmp_path: Path) -> Iterator[list[str]]:
    """A Fail2ban at work in a network of its own; the words that begin its client's command."""
    (tmp_path / "demo.log").touch()
    client = ["unshare", "-n", "/usr/bin/fail2ban-client", "-c", str(tree(tmp_path, "theirs", tmp_path / "f.sqlite3"))]
    null = subprocess.DEVNULL  # the server inherits what it is given, and would hold a pipe open
    subprocess.run([*client, "start"], check=True, stdin=null, stdout=null, stderr=null)
    yield client
    subprocess.run([*client, "stop"], check=True, stdin=null, stdout=null, stderr=null)


def test_a_live_fail2ban_is_taken_over_ban_by_ban(live: list[str], tmp_path: Path) -> None:
    """Every ban in its database is in our ledger, with jail, time, length and count, and Fail2ban goes on."""
    database = tmp_path / "f.sqlite3"
    ours = tree(tmp_path, "ours", tmp_path / "ledger" / "l.sqlite")
    subprocess.run([*live, "set", "demo", "banip", *ADDRESSES], check=True, capture_output=True)
    wait_for(lambda: len(rows(database, "SELECT ip FROM bips")) == len(ADDRESSES), "all bans in the database", 60)
    adopt = [sys.executable, "-m", "sekisho", "adopt", "-c", str(ours), "--from", str(database), "--json"]
    told = json.loads(subprocess.run(adopt, check=True, capture_output=True, text=True).stdout)
    assert told["taken"]["standing"] == {"demo": len(ADDRESSES)}
    assert told["jails"] == {"demo": []}
    assert rows(database, "SELECT jail, ip, timeofban, bantime, bancount FROM bips ORDER BY ip") == rows(
        tmp_path / "ledger" / "l.sqlite",
        "SELECT jail, subject, time, duration, count FROM bans WHERE ended IS NULL ORDER BY subject",
    )
    assert "pong" in subprocess.run([*live, "ping"], check=True, capture_output=True, text=True).stdout


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """Return what a query finds, none while there is no such table."""
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return database.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        database.close()


def test_our_daemon_leaves_a_running_fail2ban_alone(live: list[str], tmp_path: Path) -> None:
    """With the same socket and pid file in its configuration it refuses to start, and the pid file stays theirs."""
    pid = (tmp_path / "theirs.pidfile").read_text()
    run = ["unshare", "-n", sys.executable, "-m", "sekisho", "run", "-c", str(tmp_path / "theirs")]
    refused = subprocess.run(run, check=False, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert "another server answers" in refused.stderr
    assert (tmp_path / "theirs.pidfile").read_text() == pid
    assert "pong" in subprocess.run([*live, "ping"], check=True, capture_output=True, text=True).stdout
