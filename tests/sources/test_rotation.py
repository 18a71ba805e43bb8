"""A log is found again in what rotations have made of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sekisho.model.position import FilePosition
from sekisho.sources.incarnation import Incarnation
from sekisho.sources.rotation import earlier_incarnations, find_incarnation, is_copy, later_incarnation


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


def test_a_position_is_found_where_a_rotation_has_taken_it(log: Path) -> None:
    """The same inode with the same head, under another name of the directory."""
    position = position_in(log, 6)
    log.rename(log.with_suffix(".log.1"))
    log.write_bytes(b"another\n")
    found = find_incarnation(str(log), position)
    assert found is not None
    with found:
        assert found.read(position.offset, 100) == b"second\n"


def test_a_position_in_what_is_gone_is_not_found(log: Path) -> None:
    """Truncated below it, begun anew in place, or replaced: the incarnation no longer exists."""
    position = position_in(log, 13)
    log.write_bytes(b"first\n")
    assert find_incarnation(str(log), position) is None
    log.write_bytes(b"other\nsecond\nthird\n")
    assert find_incarnation(str(log), position) is None
    log.unlink()
    assert find_incarnation(str(log), position) is None


def test_a_copy_says_the_same_before_the_offset(log: Path, tmp_path: Path) -> None:
    """What an editor or a restored backup puts in place is a copy when beginning and seam agree."""
    copy = tmp_path / "copy"
    for content, expected in (
        (b"first\nsecond\nthird\n", True),
        (b"first\nsecond\n", True),
        (b"first\nsecund\nthird\n", False),
        (b"First\nsecond\nthird\n", False),
        (b"first\n", False),
    ):
        copy.write_bytes(content)
        with Incarnation(str(log)) as old, Incarnation(str(copy)) as new:
            assert is_copy(new, old, 13) is expected


def lay(directory: Path, *names: str) -> None:
    """Write files, each a minute after the one before, each saying its name."""
    for minute, name in enumerate(names):
        (directory / name).write_text(name + "\n")
        os.utime(directory / name, (60 * minute, 60 * minute))


def test_what_was_written_between_is_next(tmp_path: Path) -> None:
    """After two rotations at once, the incarnation in the middle comes before the log itself."""
    lay(tmp_path, "x.log.3", "x.log.2", "x.log.1", "y.log.1", "x.log.0.gz", "x.log")
    read: list[tuple[int, int]] = []
    visited = []
    name = "x.log.2"
    while name != "x.log":
        with Incarnation(str(tmp_path / name)) as current:
            with later_incarnation(str(tmp_path / "x.log"), current, read=read) as later:
                name = later.read(0, 100).decode().strip()
            visited.append(name)
            read.append(current.inode)
    assert visited == ["x.log.1", "x.log"]


def test_a_finished_file_that_is_still_written_to_is_not_next(tmp_path: Path) -> None:
    """A late writer does not make old lines new."""
    lay(tmp_path, "x.log.1", "x.log.2", "x.log")
    with (
        Incarnation(str(tmp_path / "x.log.2")) as finished,
        Incarnation(str(tmp_path / "x.log.1")) as current,
        later_incarnation(str(tmp_path / "x.log"), current, read=[finished.inode]) as later,
    ):
        assert later.read(0, 100) == b"x.log\n"


def test_what_was_written_since_a_time_lies_in_several(tmp_path: Path) -> None:
    """Oldest first, and only those that reach into that time."""
    lay(tmp_path, "x.log.3", "x.log.2", "x.log.1", "x.log")
    with Incarnation(str(tmp_path / "x.log")) as current:
        earlier = earlier_incarnations(str(tmp_path / "x.log"), current, since=60)
    assert [Path(path).name for path in earlier] == ["x.log.2", "x.log.1"]


def test_a_link_is_looked_for_where_it_leads(tmp_path: Path) -> None:
    """Rotations happen beside the file, not beside the link."""
    (tmp_path / "there").mkdir()
    lay(tmp_path / "there", "x.log.2", "x.log.1", "x.log")
    (tmp_path / "link.log").symlink_to(tmp_path / "there" / "x.log")
    with (
        Incarnation(str(tmp_path / "there" / "x.log.2")) as current,
        later_incarnation(str(tmp_path / "link.log"), current) as later,
    ):
        assert later.read(0, 100) == b"x.log.1\n"
