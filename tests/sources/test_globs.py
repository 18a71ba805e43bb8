"""Patterns name the logs that are written to, not what rotations leave of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.sources.globs import Globs, expand


def touch(directory: Path, *names: str) -> None:
    """Write logs, each with content of its own."""
    for name in names:
        (directory / name).write_text(f"the first line of {name}\n")


def named(directory: Path, paths: tuple[str, ...]) -> list[str]:
    """The names of the paths."""
    return [str(Path(path).relative_to(directory)) for path in paths]


def test_a_plain_path_is_meant_whether_it_exists_or_not(tmp_path: Path) -> None:
    """A jail may wait for its log."""
    assert expand([f"{tmp_path}/missing.log"]) == (f"{tmp_path}/missing.log",)


def test_patterns_keep_their_order_and_each_path_comes_once(tmp_path: Path) -> None:
    """Two patterns may mean the same log."""
    touch(tmp_path, "a.log", "b.log")
    assert named(tmp_path, expand([f"{tmp_path}/b.log", f"{tmp_path}/*.log"])) == ["b.log", "a.log"]


@pytest.mark.parametrize(
    "name", ["x.log.1", "x.log.2.gz", "x.log-20240229", "x.log-20240229.xz", "x-20240229.log", "x.log.old", "x.log.gz"]
)
def test_what_a_rotation_made_is_no_log(tmp_path: Path, name: str) -> None:
    """Beside the log itself, its rotated siblings are left out; without it they may be what is meant."""
    touch(tmp_path, name)
    assert named(tmp_path, expand([f"{tmp_path}/x*"])) == [name]
    touch(tmp_path, "x.log")
    assert named(tmp_path, expand([f"{tmp_path}/x*"])) == ["x.log"]


@pytest.mark.parametrize("name", ["x-access.log", "x-2.log", "x.log.error", "xx.log"])
def test_another_log_is_a_log(tmp_path: Path, name: str) -> None:
    """A name that merely begins like a log's is its own."""
    touch(tmp_path, "x.log", name)
    assert sorted(named(tmp_path, expand([f"{tmp_path}/x*"]))) == sorted(["x.log", name])


def test_a_log_that_appears_is_found(tmp_path: Path) -> None:
    """The second look sees what the first could not."""
    globs = Globs()
    assert globs.expand([f"{tmp_path}/*.log"]) == ()
    touch(tmp_path, "new.log")
    assert named(tmp_path, globs.expand([f"{tmp_path}/*.log"])) == ["new.log"]


def test_a_renamed_log_is_not_a_new_one(tmp_path: Path) -> None:
    """Whatever a rotation calls it, it has been read."""
    globs = Globs()
    touch(tmp_path, "x.log")
    globs.expand([f"{tmp_path}/*.log"])
    (tmp_path / "x.log").rename(tmp_path / "archive-of-x.log")
    assert globs.expand([f"{tmp_path}/*.log"]) == ()
    touch(tmp_path, "x.log", "y.log")
    assert named(tmp_path, globs.expand([f"{tmp_path}/*.log"])) == ["x.log", "y.log"]


def test_a_copied_and_truncated_log_is_not_a_new_one(tmp_path: Path) -> None:
    """A copy begins with the line that the log has lost."""
    globs = Globs()
    touch(tmp_path, "x.log")
    globs.expand([f"{tmp_path}/*.log"])
    (tmp_path / "archive-of-x.log").write_bytes((tmp_path / "x.log").read_bytes())
    (tmp_path / "x.log").write_text("begun anew\n")
    assert named(tmp_path, globs.expand([f"{tmp_path}/*.log"])) == ["x.log"]


def test_logs_with_the_same_first_line_are_each_a_log(tmp_path: Path) -> None:
    """A header line that all logs of a program share makes none of them a copy."""
    globs = Globs()
    (tmp_path / "a.log").write_text("#Fields: date time\n")
    globs.expand([f"{tmp_path}/*.log"])
    (tmp_path / "b.log").write_text("#Fields: date time\n")
    assert named(tmp_path, globs.expand([f"{tmp_path}/*.log"])) == ["a.log", "b.log"]


def test_a_path_that_is_named_outright_is_never_left_out(tmp_path: Path) -> None:
    """Whoever names a rotated file means it."""
    globs = Globs()
    touch(tmp_path, "x.log")
    globs.expand([f"{tmp_path}/*.log"])
    (tmp_path / "x.log").rename(tmp_path / "x.log.1")
    assert named(tmp_path, globs.expand([f"{tmp_path}/x.log.1"])) == ["x.log.1"]
