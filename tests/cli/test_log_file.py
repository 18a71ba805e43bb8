"""A log file is read from its end, and followed through rotations."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.cli import log_file
from sekisho.cli.log_file import LogFile


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of three lines."""
    path = tmp_path / "x.log"
    path.write_text("one\ntwo\nthree\n")
    return path


@pytest.fixture
def opened(log: Path) -> Iterator[LogFile]:
    """The same, open."""
    with contextlib.closing(LogFile(str(log))) as file:
        yield file


@given(lines=st.lists(st.text("ab", max_size=5), max_size=30), chunk=st.integers(1, 9), torn=st.text("ab", max_size=5))
def test_backwards_is_the_reverse_of_forwards(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], chunk: int, torn: str
) -> None:
    """However the bytes are cut; empty lines, and a last line that is still being written, are left out."""
    path = tmp_path_factory.mktemp("log") / "x.log"
    path.write_text("".join(f"{line}\n" for line in lines) + torn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_file, "_CHUNK", chunk)
        log = LogFile(str(path))
        assert list(log.backwards()) == [line for line in reversed(lines) if line]
        log.close()


def test_the_file_that_was_rotated_away_comes_before(log: Path) -> None:
    """The evening's bans are found after midnight's rotation."""
    log.rename(f"{log}.1")
    log.write_text("four\n")
    with contextlib.closing(LogFile(str(log))) as file:
        assert list(file.backwards()) == ["four", "three", "two", "one"]


def append(path: Path, text: str) -> None:
    """Write as the daemon does."""
    with path.open("a") as file:
        file.write(text)


def test_lines_that_come_are_told_once_they_are_whole(log: Path, opened: LogFile) -> None:
    """Also those that were written while the end was being read."""
    append(log, "four\nfi")
    lines = opened.follow()
    assert next(lines) == "four"
    append(log, "ve\nbyte \udcff\n".encode("utf-8", "surrogateescape").decode("latin-1"))
    assert next(lines) == "five"


@pytest.mark.parametrize("way", ["renamed", "copied and emptied"])
def test_a_rotation_loses_no_line(log: Path, opened: LogFile, way: str) -> None:
    """The old file is read to its end, and then the new one from its beginning."""
    lines = opened.follow()
    append(log, "four\n")
    assert next(lines) == "four"
    if way == "renamed":
        log.rename(f"{log}.1")
        append(Path(f"{log}.1"), "five\nsix, torn")
        log.write_text("seven\n")
        assert [next(lines), next(lines)] == ["five", "six, torn"]
    else:
        shutil.copy(log, f"{log}.1")
        os.truncate(log, 0)
        append(log, "seven\n")
    assert next(lines) == "seven"


def test_a_name_that_is_missing_for_a_moment_is_waited_for(
    log: Path, opened: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two renamings of a rotation there is no file."""
    lines = opened.follow()
    log.rename(f"{log}.1")
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        log.write_text("four\n")

    monkeypatch.setattr("sekisho.cli.log_file.time.sleep", nap)
    assert next(lines) == "four"
    assert len(naps) == 1
