"""The daemon's lines in a real journal."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from tests.sources.journals import REMOTE, Journal

from sekisho.cli.log_journal import OF_TARGET, OF_UNITS, JournalError, LogJournal

UNIT = {"_SYSTEMD_UNIT": "sekisho.service"}
system = pytest.mark.system(needs=("journalctl", REMOTE))


def of(journal: Journal, *matches: str) -> LogJournal:
    """Our reader of a test's own journal."""
    return LogJournal(matches, (f"--directory={journal.directory}",))


@system
def test_each_way_into_the_journal_gives_the_same_line(tmp_path: Path) -> None:
    """By the journal's own socket, by syslog, and by a stream that systemd listens to."""
    journal = Journal(tmp_path / "journal")
    journal.write("fail2ban", "[sshd] Ban 192.0.2.1", LOGGER="fail2ban.actions", PRIORITY="5")
    (first,) = of(journal, *OF_TARGET).backwards()
    journal.write("fail2ban.actions", "NOTICE [sshd] Ban 192.0.2.1", SYSLOG_PID="7", **UNIT)
    journal.write("sekisho", "fail2ban.actions        [7]: NOTICE  [sshd] Ban 192.0.2.1", **UNIT)
    journal.write("other", "[sshd] Ban 192.0.2.9")
    second, third = of(journal, *OF_UNITS).backwards()
    assert {str(line).partition(",")[2] for line in (first, second, third)} == {
        "000 fail2ban.actions        [7]: NOTICE  [sshd] Ban 192.0.2.1"
    }
    assert second.stamp > third.stamp > first.stamp
    assert (second.jail, second.event, second.address) == ("sshd", "ban", "192.0.2.1")


@system
@pytest.mark.parametrize("seen", [1, 3])
def test_what_comes_follows_the_newest_that_was_there(tmp_path: Path, seen: int) -> None:
    """However few of the older ones were looked at."""
    journal = Journal(tmp_path / "journal")
    journal.write("fail2ban", "one", "two", "three", LOGGER="fail2ban.server")
    log = of(journal, *OF_TARGET)
    assert [line.text for line in islice(log.backwards(), seen)] == ["three", "two", "one"][:seen]
    lines = log.follow()
    journal.write("fail2ban", "four", LOGGER="fail2ban.server")
    assert next(lines).text == "four"


@system
def test_bytes_that_are_no_text_are_shown_as_such(tmp_path: Path) -> None:
    """They come from journalctl as a list of numbers."""
    journal = Journal(tmp_path / "journal")
    journal.write("fail2ban", "a\x1b[2J", LOGGER="fail2ban.server", PRIORITY="4")
    (line,) = of(journal, *OF_TARGET).backwards()
    assert (line.text, line.level) == ("a\x1b[2J", "WARNING")


def test_without_journalctl_there_is_no_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message says so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(JournalError, match="journalctl cannot be started"):
        next(LogJournal(OF_TARGET).backwards())


def test_what_journalctl_refuses_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In its own words."""
    program = tmp_path / "journalctl"
    program.write_text("#!/bin/sh\necho 'no permission' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(JournalError, match="no permission"):
        next(LogJournal(OF_TARGET).backwards())
