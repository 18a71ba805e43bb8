"""The journal's entries as lines, read through a journalctl that the test provides."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from sekisho.cli.journal_lines import JournalError, journal_lines

ENTRIES = [
    {
        "_HOSTNAME": "srv",
        "SYSLOG_IDENTIFIER": "sshd",
        "_PID": "7",
        "MESSAGE": "a\nb",
        "__REALTIME_TIMESTAMP": "2000000",
    },
    {"_HOSTNAME": "srv", "SYSLOG_IDENTIFIER": "kernel", "MESSAGE": [104, 105], "__MONOTONIC_TIMESTAMP": "1500000"},
    {"MESSAGE": "bare", "_SOURCE_REALTIME_TIMESTAMP": "3000000"},
]


@pytest.fixture
def journalctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name that notes its arguments and prints the entries."""
    program = tmp_path / "journalctl"
    text = "\n".join(json.dumps(entry) for entry in ENTRIES)
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/asked\ncat <<'END'\n{text}\nEND\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return program


def test_entries_become_lines(journalctl: Path) -> None:
    """Host, identifier, process and message, as a journal jail sees them."""
    options = {"journalpath": "/var/log/journal"}
    lines = list(journal_lines(options, ["_SYSTEMD_UNIT=ssh.service + _COMM=sshd", "A='b c'"]))
    assert lines == [("srv sshd[7]: a\\nb", 2.0), ("srv kernel: [    1.500000] hi", 0.0), ("bare", 3.0)]
    asked = (journalctl.parent / "asked").read_text().splitlines()
    assert "--directory=/var/log/journal" in asked
    assert asked[-5:] == ["_SYSTEMD_UNIT=ssh.service", "+", "_COMM=sshd", "+", "A=b c"]


def test_a_journal_that_cannot_be_read_says_why(journalctl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the program's own words, or that there is none."""
    journalctl.write_text("#!/bin/sh\necho 'no such match' >&2\nexit 1\n")
    with pytest.raises(JournalError, match="no such match"):
        list(journal_lines({}, []))
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(JournalError, match="not installed"):
        list(journal_lines({}, []))
