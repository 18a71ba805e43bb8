"""Reading a log that grows."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.sources.journals import EPOCH, Journal

from sekisho.cli import logreader
from sekisho.cli.logline import Record
from sekisho.cli.logreader import Unreadable, backwards, follow, read_file, read_journal


@pytest.mark.parametrize("block", [1, 2, 7, 1000])
def test_lines_from_the_end(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the file is cut into blocks; empty lines are none."""
    monkeypatch.setattr(logreader, "_BLOCK", block)
    log = io.BytesIO(b"first\n\nsecond\nthe last")
    assert list(backwards(log, len(log.getvalue()))) == [b"the last", b"second", b"first"]
    assert list(backwards(io.BytesIO(b""), 0)) == []


def any_record(_: Record) -> bool:
    """Want each."""
    return True


def test_the_last_that_are_wanted(tmp_path: Path) -> None:
    """So many as were asked for, in their order, whatever is between them."""
    path = tmp_path / "log"
    path.write_text("".join(f"{word} {number}\n" for number in range(100) for word in ("good", "bad")))
    found = read_file(path, number=3, wants=lambda record: "bad" in record.message, goes_on=False)
    assert [record.message for record in found] == ["bad 97", "bad 98", "bad 99"]
    assert list(read_file(path, number=0, wants=any_record, goes_on=False)) == []


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """With its name and the reason."""
    with pytest.raises(Unreadable, match=r"cannot read .*/none: No such file"):
        list(read_file(tmp_path / "none", number=1, wants=any_record, goes_on=False))


class Play:
    """What happens to the log each time that its reader waits; after the last act the reading ends."""

    def __init__(self, *acts: Callable[[], object]) -> None:
        self.acts = list(acts)

    def __call__(self) -> None:
        """Go on with the play."""
        if not self.acts:
            raise EOFError
        self.acts.pop(0)()


def until_the_end(lines: Iterator[bytes]) -> list[bytes]:
    """Collect until the play is over."""
    found: list[bytes] = []
    with contextlib.suppress(EOFError):
        found.extend(lines)
        pytest.fail("following a log has no end of its own")
    return found


def append(path: Path, text: str) -> None:
    """Write at the end."""
    with path.open("a") as file:
        file.write(text)


def test_a_log_is_followed_through_rotation(tmp_path: Path) -> None:
    """Half lines wait for their other half, the old file is read to its end, and a cut file begins anew."""
    path = tmp_path / "log"
    path.write_text("old\n")

    def rotate() -> None:
        path.rename(tmp_path / "log.1")
        append(tmp_path / "log.1", "last of the old\n")

    play = Play(
        lambda: append(path, "one\nhal"),
        lambda: append(path, "f\n"),
        rotate,
        lambda: append(path, "first of the new\n"),
        lambda: path.write_text("cut\n"),
    )
    assert until_the_end(follow(path, path.open("rb"), 4, play)) == [
        b"one", b"half", b"last of the old", b"first of the new", b"cut",
    ]  # fmt: skip


def test_a_line_that_is_being_written_is_shown_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole, when it is."""
    path = tmp_path / "log"
    path.write_text("one\nhal")
    play = Play(lambda: append(path, "f\n"))
    monkeypatch.setattr("time.sleep", lambda _: play())
    found = (record.message.encode() for record in read_file(path, number=9, wants=any_record, goes_on=True))
    assert until_the_end(found) == [b"one", b"half"]


@pytest.fixture
def journalctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A journalctl that does what the test says, and notes how it was called."""

    def make(script: str) -> Path:
        program = tmp_path / "journalctl"
        program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        return tmp_path / "calls"

    return make


def test_the_journal(journalctl: Callable[[str], Path]) -> None:
    """Messages with the journal's time and level, or a whole line of a service's output; the newest are asked first."""
    calls = journalctl(
        """echo '{"MESSAGE": "[sshd] Ban 192.0.2.1", "PRIORITY": "4", "__REALTIME_TIMESTAMP": "7000000"}'
        echo '{"MESSAGE": [104, 105, 255], "__REALTIME_TIMESTAMP": "6000000"}'
        echo '{"MESSAGE": "fail2ban.x [7]: ERROR   bad", "PRIORITY": "6", "__REALTIME_TIMESTAMP": "5000000"}'"""
    )
    found = list(read_journal(["--identifier=x"], number=9, since=4.0, wants=any_record, goes_on=False))
    assert [(record.time, record.level, record.message) for record in found] == [
        (None, "ERROR", "bad"),
        (6.0, "INFO", "hi\ufffd"),
        (7.0, "WARNING", "[sshd] Ban 192.0.2.1"),
    ]
    assert found[-1].event == "ban"
    assert "--identifier=x --since=@4 --reverse" in calls.read_text()


def test_a_journal_that_cannot_be_read(journalctl: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reason is passed on, and one that is not there is said to be missing."""
    journalctl("echo 'no access' >&2; exit 1")
    with pytest.raises(Unreadable, match="journalctl: no access"):
        list(read_journal([], number=9, since=None, wants=any_record, goes_on=False))
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Unreadable, match="journalctl is not installed"):
        list(read_journal([], number=9, since=None, wants=any_record, goes_on=False))


@pytest.mark.system(needs=("journalctl",))
def test_a_real_journal(tmp_path: Path) -> None:
    """The last of the server's own entries, oldest first; who only calls himself fail2ban is not heard."""
    journal = Journal(tmp_path / "journal")
    journal.write("fail2ban", "[sshd] Ban 192.0.2.1", "[sshd] Unban 192.0.2.1", _UID="0", PRIORITY="5")
    journal.write("fail2ban", "[sshd] Ban 203.0.113.9", _UID="1000", PRIORITY="5")
    match = [f"--directory={journal.directory}", "--identifier=fail2ban", "_UID=0"]
    found = list(read_journal(match, number=9, since=EPOCH, wants=any_record, goes_on=False))
    assert [(record.time, record.level, record.event, record.address) for record in found] == [
        (EPOCH, "NOTICE", "ban", "192.0.2.1"),
        (EPOCH + 1, "NOTICE", "unban", "192.0.2.1"),
    ]
    assert [each.event for each in read_journal(match, number=1, since=None, wants=any_record, goes_on=False)] == [
        "unban"
    ]
