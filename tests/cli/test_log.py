"""`sekisho log`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.served import Served

from sekisho.cli.main import main

LINES = [
    "2026-07-14 11:59:58,000 fail2ban.filter         [7]: INFO    [sshd] Found 192.0.2.1 - 2026-07-14 11:59:58",
    "2026-07-14 11:59:59,000 fail2ban.actions        [7]: NOTICE  [sshd] Ban 192.0.2.1",
    "2026-07-14 12:00:00,000 fail2ban.actions        [7]: ERROR   [web] Failed to ban 192.0.2.1",
    "2026-07-14 12:00:01,000 fail2ban.actions        [7]: NOTICE  [web] Ban 198.51.100.7",
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What a daemon wrote."""
    path = tmp_path / "fail2ban.log"
    path.write_text("".join(f"{line}\n" for line in LINES))
    return path


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], [0, 1, 2, 3]),
        (["-n", "2"], [2, 3]),
        (["-n", "0"], []),
        (["sshd"], [0, 1]),
        (["192.0.2.1"], [0, 1, 2]),
        (["192.0.2.1", "-n", "1"], [2]),
        (["192.0.2.0/24", "--bans"], [1]),
        (["sshd", "198.51.100.7"], [0, 1, 3]),
        (["--bans"], [1, 3]),
        (["--level", "notice"], [1, 2, 3]),
        (["--level", "ERROR"], [2]),
        (["--since", "2026-07-14 12:00"], [2, 3]),
        (["--since", "2026-07-14T12:00:01"], [3]),
    ],
)
def test_what_is_asked_for_is_shown(
    log: Path, words: list[str], shown: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """By jail, address, event, level, time and number, as the log has it."""
    assert main(["log", "--file", str(log), *words]) == 0
    assert capsys.readouterr().out.splitlines() == [LINES[number] for number in shown]


def test_since_is_also_told_backwards_from_now(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All lines of that time, however many."""
    fresh = time.strftime("%Y-%m-%d %H:%M:%S,000 fail2ban.x [7]: INFO    x\n")
    log.write_text(LINES[0] + "\n" + 30 * fresh)
    assert main(["log", "--file", str(log), "--since", "1h"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 30


def test_one_object_a_line_for_programs(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with every name."""
    assert main(["log", "--file", str(log), "web", "--json"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["level"], first["event"], second["address"]) == ("ERROR", None, "198.51.100.7")


def test_the_running_server_says_where_its_log_is(
    tmp_path: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the configuration says meanwhile."""
    with Served(tmp_path) as served:
        served.engine.server = replace(served.engine.server, logtarget=str(log))
        assert main(["log", "-n", "1", "-s", served.path]) == 0
    assert capsys.readouterr().out.splitlines() == LINES[-1:]


def test_without_a_server_the_configuration_does(tmp_path: Path, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Why a daemon did not start is in its log."""
    (tmp_path / "fail2ban.local").write_text(f"[Definition]\nlogtarget = {log}\nsocket = {tmp_path}/none\n")
    assert main(["log", "-n", "1", "-c", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == LINES[-1:]


def test_no_such_line(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing found is said, and is no success; nor is a log that cannot be read."""
    assert main(["log", "--file", str(log), "nosuch"]) == 1
    assert capsys.readouterr().err == "sekisho: no such line in the log\n"
    assert main(["log", "--file", f"{log}.nosuch"]) == 1
    assert "fail2ban.log.nosuch" in capsys.readouterr().err


def test_a_target_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a server, what the configuration says may be wrong; the message names it."""
    (tmp_path / "fail2ban.local").write_text(f"[Definition]\nlogtarget = /x[colour=on]\nsocket = {tmp_path}/none\n")
    assert main(["log", "-c", str(tmp_path)]) == 1
    assert "cannot show the log: logtarget '/x[colour=on]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["-n", "few"], "expected a number of lines, found 'few'"),
        (["--level", "loud"], "Invalid log level 'loud'"),
        (["--since", "noon"], "or a date such as 2026-07-14 12:00"),
    ],
)
def test_what_is_not_understood_is_named(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Misuse, with what was expected."""
    with pytest.raises(SystemExit) as caught:
        main(["log", *words])
    assert caught.value.code == 2
    assert text in capsys.readouterr().err


def test_nothing_of_a_line_steers_a_terminal(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Colours are ours alone, and what another program let through is shown as text."""
    log.write_text("2026-07-14 12:00:00,000 fail2ban.actions [7]: NOTICE  [sshd] Ban \x1b]0;evil\x07\u202e\n")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main(["log", "--file", str(log)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("\x1b[1;31m2026")
    assert r"Ban \x1b]0;evil\x07\u202e" in out


def test_lines_that_come_are_shown_at_once(log: Path) -> None:
    """The last line, and those that follow, each as soon as it is written; Ctrl-C ends it."""
    command = [sys.executable, "-m", "sekisho", "log", "--file", str(log), "-n", "1", "-f", "web"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as shown:
        assert shown.stdout is not None
        assert shown.stdout.readline() == f"{LINES[3]}\n"
        for line in LINES[:3]:
            with log.open("a") as file:
                file.write(f"{line}\n")
        assert shown.stdout.readline() == f"{LINES[2]}\n"
        shown.terminate()
