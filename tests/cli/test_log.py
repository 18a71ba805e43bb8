"""`sekisho log`."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine
from tests.support.served import Served

from sekisho.cli.main import main

pytestmark = pytest.mark.usefixtures("utc")  # times are shown in the local zone

LINES = (
    ("2026-07-14 12:00:00,000", "filter ", "INFO   ", "[sshd] Found 192.0.2.1 - 2026-07-14 12:00:00"),
    ("2026-07-14 12:00:01,000", "actions", "NOTICE ", "[sshd] Ban 192.0.2.1"),
    ("2026-07-14 12:00:02,000", "actions", "WARNING", "[web] action says \x1b]0;owned\x07"),
    ("2026-07-14 12:00:03,000", "actions", "NOTICE ", "[web] Ban 2001:db8::1"),
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of the server's."""
    path = tmp_path / "fail2ban.log"
    path.write_text(
        "".join(f"{stamp} fail2ban.{name}        [7]: {level} {text}\n" for stamp, name, level, text in LINES)
    )
    return path


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ([], [0, 1, 2, 3]),
        (["-n", "1"], [3]),
        (["-n", "0"], []),
        (["--jail", "web", "-n", "all"], [2, 3]),
        (["--address", "192.0.2.0/24"], [0, 1]),
        (["--event", "ban"], [1, 3]),
        (["--level", "warning"], [2]),
        (["--since", "2026-07-14 12:00:02"], [2, 3]),
        (["--since", "1s"], []),
    ],
)
def test_the_lines_that_are_wanted(
    log: Path, options: list[str], shown: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a server the configuration tells where they are."""
    (log.parent / "fail2ban.local").write_text(f"[Definition]\nlogtarget = {log}[padding=on]\n")
    assert main(["log", "-c", str(log.parent), "-s", "/nonexistent/s", *options]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line[:19] for line in out] == [LINES[number][0][:19] for number in shown]


def test_nothing_steers_the_terminal(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither as text nor in JSON."""
    assert main(["log", "--file", str(log), "--level", "warning"]) == 0
    assert capsys.readouterr().out == "2026-07-14 12:00:02 WARNING  [web] action says \\x1b]0;owned\\x07\n"
    assert main(["log", "--file", str(log), "--event", "ban", "-n", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "time": 1784030403.0, "level": "NOTICE", "logger": "fail2ban.actions", "jail": "web", "event": "ban",
        "address": "2001:db8::1", "message": "[web] Ban 2001:db8::1",
    }  # fmt: skip


def test_the_server_says_where_its_log_is(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It may have been told another target since it started; a terminal gets colour."""
    engine = FakeEngine()
    engine.server = replace(engine.server, logtarget=str(log))
    with Served(tmp_path, engine) as served:
        assert main(["log", "-s", served.path, "-n", "1"]) == 0
    assert capsys.readouterr().out == "2026-07-14 12:00:03 NOTICE   [web] Ban 2001:db8::1\n"


@pytest.mark.parametrize(
    ("target", "match"),
    [
        ("SYSTEMD-JOURNAL", "--identifier=fail2ban _UID=0 --reverse"),
        ("syslog[facility=AUTH]", "--identifier=fail2ban _UID=0 --reverse"),
        ("STDOUT", "--unit=sekisho.service --reverse"),
    ],
)
def test_what_goes_to_the_journal_is_read_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], target: str, match: str
) -> None:
    """By the name that the server has there, or its unit."""
    program = tmp_path / "journalctl"
    program.write_text('#!/bin/sh\nprintf \'{"MESSAGE": "asked with %s"}\\n\' "${*#*json }"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / "fail2ban.local").write_text(f"[Definition]\nlogtarget = {target}\n")
    assert main(["log", "-c", str(tmp_path), "-s", "/nonexistent/s"]) == 0
    assert capsys.readouterr().out.endswith(f"asked with {match}\n")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--since", "yesterday"], "'yesterday' is no moment: expected a span such as 2h"),
        (["--level", "loud"], "Invalid log level 'loud'"),
        (["--address", "192.0.2.300"], "300 is more than 255"),
        (["-n", "-3"], "expected a number of lines, or all"),
    ],
)
def test_slips_are_named(options: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is read."""
    with pytest.raises(SystemExit) as caught:
        main(["log", *options])
    assert caught.value.code == 2
    assert text in capsys.readouterr().err


def test_a_log_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1, and its name."""
    assert main(["log", "--file", str(tmp_path / "none")]) == 1
    assert "none: No such file" in capsys.readouterr().err


def test_it_follows_until_it_is_stopped(log: Path) -> None:
    """What is written while it waits comes out at once."""
    command = [sys.executable, "-m", "sekisho", "log", "--file", str(log), "-f", "-n", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "2001:db8::1" in process.stdout.readline()
        with log.open("a") as file:
            file.write("2026-07-14 12:00:04,000 fail2ban.actions [7]: NOTICE [web] Unban 2001:db8::1\n")
        assert "Unban 2001:db8::1" in process.stdout.readline()
        process.terminate()
