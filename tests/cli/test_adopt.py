"""`sekisho adopt`: what it prints, and its exit status."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from tests.support.fail2ban_file import make_database, row

from sekisho.adopt import run as run_verb
from sekisho.cli import adopt
from sekisho.engine.clock import SystemClock

NOW = int(SystemClock().now())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A Fail2ban's tree with one jail, and its database with a ban of that jail and one of another."""
    conf = tmp_path / "conf"
    (conf / "filter.d").mkdir(parents=True)
    (conf / "filter.d" / "demo.conf").write_text("[Definition]\nfailregex = fail from <HOST>\n")
    (conf / "jail.conf").write_text(
        f"[demo]\nenabled = true\nfilter = demo\nbackend = polling\nlogpath = {tmp_path}/demo.log\naction =\n"
    )
    (conf / "fail2ban.conf").write_text(
        f"[Definition]\nsocket = {tmp_path}/s.sock\npidfile = {tmp_path}/s.pid\n"
        f"dbfile = {tmp_path}/ledger/l.sqlite\nloglevel = INFO\n"
    )
    (tmp_path / "demo.log").write_text("2026-07-14 12:00:00 fail from 192.0.2.1\n")
    make_database(tmp_path / "f", bans=[row("192.0.2.1", NOW), row("192.0.2.2", NOW, jail="gone")])
    return tmp_path


def run(tree: Path, *words: str) -> int:
    """Carry out the command for the tree; the exit status."""
    parser = argparse.ArgumentParser()
    adopt.add_arguments(parser)
    return run_verb(parser.parse_args(["-c", str(tree / "conf"), "--from", str(tree / "f"), *words]))


def test_it_tells_what_was_taken_over_and_how_to_switch(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The number of bans by jail, the jail that is not enabled, and the lines for both ways."""
    assert run(tree) == adopt.DONE
    printed = capsys.readouterr().out
    assert "2 bans taken over into the ledger" in printed
    assert "gone         1     0              0  not enabled: its bans wait in the ledger" in printed
    assert "To switch:\n  systemctl disable --now fail2ban\n  systemctl enable --now sekisho\n" in printed
    assert "To go back:\n  systemctl disable --now sekisho\n  systemctl enable --now fail2ban\n" in printed
    assert run(tree) == adopt.DONE
    assert "0 bans taken over" in capsys.readouterr().out


def test_a_dry_run_takes_nothing_over(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It tells the numbers, and there is no ledger afterwards."""
    assert run(tree, "--dry-run") == adopt.DONE
    assert "2 bans stand; nothing was taken over" in capsys.readouterr().out
    assert not (tree / "ledger").exists()


def test_programs_get_one_document(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of it as JSON: numbers, differences, problems, and the lines."""
    (tree / "f").unlink()
    make_database(tree / "f", present=[row("192.0.2.1", "noon"), row("192.0.2.3", NOW)])
    assert run(tree, "--json") == adopt.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["taken"]["standing"] == {"demo": 1}
    assert told["taken"]["remarks"] == ["row 1 of bips is left out: its time is 'noon'"]
    assert told["switch"] == list(adopt.SWITCH)


def test_what_cannot_be_done_fails_and_is_told(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No database: 1, without the lines that switch over; no tree, or a jail without a log to shadow: 2."""
    (tree / "f").unlink()
    assert run(tree) == adopt.FAILED
    printed = capsys.readouterr().out
    assert "No ban was taken over: there is no database" in printed
    assert "To switch" not in printed
    assert run(tree, "-c", str(tree / "none")) == adopt.MISUSED
    assert run(tree, "--jail", "demo") == adopt.MISUSED


@pytest.mark.system(needs=("fail2ban-client", "fail2ban-regex"))
def test_fail2ban_itself_is_compared_with(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its client reads the tree, and its fail2ban-regex the log: both as we do."""
    assert run(tree, "--shadow", str(tree / "demo.log")) == adopt.DONE
    printed = capsys.readouterr().out
    assert "The same filter, times, logs and actions: demo" in printed
    assert "1 lines, 1 failures by Fail2ban, 1 by Sekisho, 0 differences" in printed
