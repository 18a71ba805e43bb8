"""How far a fail2ban-regex has come, on a terminal and off it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from sekisho.cli.regex_progress import BIG

SCRIPT = """
import sys
from sekisho.cli import regex_progress
from sekisho.cli.fail2ban_regex import main
regex_progress.BIG = int(sys.argv.pop(1))
status = main()
print("rich" in sys.modules)
sys.exit(status)
"""
LINE = "2026-07-14 12:00:00 user root from 192.0.2.1\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of some size."""
    path = tmp_path / "app.log"
    path.write_text(LINE * 50_000)
    return path


def run(log: Path, big: int, error: int) -> subprocess.CompletedProcess[str]:
    """The program, for which a log is big from so many bytes on, with its remarks going to `error`."""
    words = [sys.executable, "-c", SCRIPT, str(big), str(log), "from <HOST>"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=error, text=True, check=False, env=environment)


def on_terminal(log: Path, big: int) -> tuple[str, str]:
    """What the program prints, and what a terminal is shown."""
    ours, theirs = pty.openpty()
    try:
        done = run(log, big, theirs)
    finally:
        os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # the other end is closed: all has been read
        pass
    finally:
        os.close(ours)
    assert done.returncode == 0
    return done.stdout, shown.decode()


def test_a_big_log_has_a_bar_on_a_terminal(log: Path) -> None:
    """It reaches the end and is gone, and the report is whole."""
    printed, shown = on_terminal(log, 1)
    assert "100%" in shown
    assert "Lines: 50000 lines, 0 ignored, 50000 matched, 0 missed" in printed


def test_a_small_log_has_none(log: Path) -> None:
    """Nor is the library loaded that draws it."""
    printed, shown = on_terminal(log, BIG)
    assert shown == ""
    assert printed.endswith("False\n")


def test_nothing_is_drawn_into_a_pipe(log: Path) -> None:
    """However big the log."""
    done = run(log, 1, subprocess.PIPE)
    assert done.stderr == ""
    assert done.stdout.endswith("False\n")
