"""The bar of fail2ban-regex, on a terminal and elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from sekisho.cli import regex_progress
from sekisho.cli.regex_progress import with_bar

PROGRAM = """
import sys
from sekisho.cli import regex_progress
regex_progress.PATIENCE = float(sys.argv.pop(1))
from sekisho.cli.fail2ban_regex import main
sys.exit(main(sys.argv[1:]))
"""


def seen_on_a_terminal(*words: str | Path) -> str:
    """Everything that a person at a terminal is sent."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", PROGRAM, *map(str, words)]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    seen = b""
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as child:
        os.close(theirs)
        while data := _read(ours):
            seen += data
    os.close(ours)
    assert child.returncode == 0
    return seen.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the last writer has gone
        return b""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of more than one block."""
    path = tmp_path / "big.log"
    path.write_text(f"{'x' * 1000}\n" * 3000 + "from 192.0.2.1\n")
    return path


def test_whoever_waits_at_a_terminal_sees_a_bar(log: Path) -> None:
    """And then the report; who need not wait, and who asked for results only, sees none."""
    seen = seen_on_a_terminal("0", log, "from <HOST>")
    assert "100%" in seen
    assert "Lines: 3001 lines, 0 ignored, 1 matched" in seen
    assert "%" not in seen_on_a_terminal("1000", log, "from <HOST>")
    assert "%" not in seen_on_a_terminal("0", "-o", "ip", log, "from <HOST>")


def test_elsewhere_there_is_no_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A script reads results and nothing else, however long it takes; every step is taken."""
    monkeypatch.setattr(regex_progress, "PATIENCE", 0.0)
    assert len(list(with_bar(iter([1, 2, 3]), 6))) == 3
    assert capsys.readouterr() == ("", "")
