"""Files of `ignoreip` (COMPAT 1.9)."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from sekisho.judge.exempt import Exemptions
from sekisho.lookup.ignorefile import IgnoreFiles, parse_list, path_of
from sekisho.model.address import parse_subject


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        """Return the time that was set."""
        return self.time


@pytest.mark.parametrize(
    ("word", "path"), [("file:/a b/c", "/a b/c"), ("file:///a/c", "/a/c"), ("file:a/c", "a/c"), ("file:", ".")]
)
def test_each_form_names_its_path(word: str, path: str) -> None:
    """One slash or three."""
    assert path_of(word) == Path(path)


def test_a_list_has_words_and_comments() -> None:
    """Blanks, tabs, commas and lines separate; a sign in the middle of a word begins no comment."""
    said = parse_list("192.0.2.1,192.0.2.2\t2001:db8::/32 # 192.0.2.3\n; 192.0.2.4\nraw#id friend.example\n#x\n")
    assert said.addresses == {parse_subject("192.0.2.1"), parse_subject("192.0.2.2")}
    assert said.networks == {parse_subject("2001:db8::/32")}
    assert said.names == ("raw#id", "friend.example")


def test_a_file_is_read_again_when_it_has_changed_and_looked_at_once_a_second(tmp_path: Path) -> None:
    """An unchanged file is the same object, so that answers made of it hold; a word that is gone is forgotten."""
    path, clock = tmp_path / "friends", Clock()
    word = f"file:{path}"

    async def play() -> None:
        files = IgnoreFiles(clock=clock)
        path.write_text("192.0.2.1")
        first = await files.look([word])
        path.write_text("192.0.2.2 192.0.2.3")
        assert await files.look([word]) is first
        clock.time += 1
        second = await files.look([word])
        assert addresses(second, word) == {"192.0.2.2", "192.0.2.3"}
        clock.time += 1
        assert await files.look([word]) is second
        (tmp_path / "new").write_text("192.0.2.9 192.0.2.10")
        os.utime(tmp_path / "new", ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        (tmp_path / "new").rename(path)  # same time, another inode
        clock.time += 1
        assert addresses(await files.look([word]), word) == {"192.0.2.9", "192.0.2.10"}
        assert await files.look([]) == {}

    asyncio.run(play())


def test_a_file_that_cannot_be_read_keeps_what_it_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A friend is not banned because an editor is writing; the log says it once a minute, and a FIFO holds nobody."""
    path, clock = tmp_path / "friends", Clock()
    word = f"file:{path}"

    async def play() -> None:
        files = IgnoreFiles(clock=clock)
        path.write_text("192.0.2.1")
        await files.look([word])
        path.unlink()
        os.mkfifo(path)
        for _ in range(30):
            clock.time += 1.5
            assert addresses(await files.look([word]), word) == {"192.0.2.1"}
        assert len(caplog.records) == 1
        assert word in caplog.text
        path.unlink()
        path.write_text("192.0.2.2")
        clock.time += 60
        assert addresses(await files.look([word]), word) == {"192.0.2.2"}

    with caplog.at_level(logging.WARNING):
        asyncio.run(play())


def test_what_is_no_file_is_told_and_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A folder, a device, a path that is not there: each once, and nobody is exempt by it."""
    words = [f"file:{tmp_path}", "file:/dev/zero", f"file:{tmp_path}/nowhere"]

    async def play() -> None:
        assert await IgnoreFiles(clock=Clock()).look(words) == {}

    with caplog.at_level(logging.WARNING):
        asyncio.run(play())
    assert len(caplog.records) == 3


def test_a_clock_that_was_set_back_does_not_stop_the_looking(tmp_path: Path) -> None:
    """Two hours back must not mean two hours of an old list."""
    path, clock = tmp_path / "friends", Clock()
    clock.time = 10_000.0
    word = f"file:{path}"

    async def play() -> None:
        files = IgnoreFiles(clock=clock)
        path.write_text("192.0.2.1")
        await files.look([word])
        path.write_text("192.0.2.20")
        clock.time = 2800.0
        assert addresses(await files.look([word]), word) == {"192.0.2.20"}

    asyncio.run(play())


def addresses(lists: Mapping[str, Exemptions], word: str) -> set[str]:
    """Return the addresses that a file exempts."""
    return {subject.text for subject in lists[word].addresses}
