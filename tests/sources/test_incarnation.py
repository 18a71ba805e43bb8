"""A log file is told from what a rotation puts in its place, and from what is no log at all."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest

from sekisho.model.position import FilePosition
from sekisho.sources.incarnation import Incarnation, NotALogError, end_of_lines
from sekisho.sources.lines import LINE_LIMIT


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with two lines."""
    path = tmp_path / "x.log"
    path.write_bytes(b"first\nsecond\n")
    return path


def position_in(path: Path, offset: int) -> FilePosition:
    """Return a position in the file that stands at the path now."""
    with Incarnation(str(path)) as incarnation:
        return incarnation.position(offset)


def test_the_head_is_the_hash_of_the_first_line(log: Path) -> None:
    """SHA-1 of the raw first line with its newline, as Fail2ban's database has it (COMPAT 4.2)."""
    assert position_in(log, 6) == FilePosition(6, log.stat().st_ino, hashlib.sha1(b"first\n").hexdigest())


def test_without_a_complete_first_line_there_is_no_head(tmp_path: Path) -> None:
    """An empty file, a half line and a line that is too long have none."""
    path = tmp_path / "x.log"
    for content in (b"", b"half", b"x" * (LINE_LIMIT + 9000) + b"\n"):
        path.write_bytes(content)
        assert position_in(path, 0).head == ""
    path.write_bytes(b"x" * LINE_LIMIT + b"\n")
    assert position_in(path, 0).head != ""


def test_other_kinds_are_refused_without_blocking(tmp_path: Path) -> None:
    """A FIFO without a writer would hold whoever opens it, a device may do anything."""
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    for name, kind in (("directory", "a directory"), ("fifo", "a FIFO"), ("socket", "a socket")):
        with pytest.raises(NotALogError, match=kind):
            Incarnation(str(tmp_path / name))
    with pytest.raises(NotALogError, match="a character device"):
        Incarnation("/dev/zero")


def test_reading_from_the_end_begins_with_a_whole_line(tmp_path: Path) -> None:
    """A line being written belongs to what comes."""
    path = tmp_path / "x.log"
    for content, end in ((b"", 0), (b"half", 0), (b"one\n", 4), (b"one\nhalf", 4)):
        path.write_bytes(content)
        with Incarnation(str(path)) as incarnation:
            assert end_of_lines(incarnation) == end
