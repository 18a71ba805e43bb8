"""A reader is woken when its log may have changed, with inotify at once and without it soon."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sekisho.sources import watch
from sekisho.sources.watch import Interest, PollingWatcher, Watcher

NEVER = 1000.0  # seconds: a wait that ends in a test was ended by an event
PATIENCE = 10.0


@asynccontextmanager
async def interested(path: Path) -> AsyncIterator[Interest]:
    """An interest that only events can wake."""
    watcher = Watcher(blind=NEVER, safety=NEVER)
    try:
        with watcher.watch(str(path)) as interest:
            yield interest
    finally:
        watcher.close()


async def woken(interest: Interest) -> None:
    """Return once the interest is woken; fail if it is not."""
    async with asyncio.timeout(PATIENCE):
        await interest.wait()


def play(scene: Callable[[], Awaitable[None]]) -> None:
    """Run one scene."""
    asyncio.run(asyncio.wait_for(scene(), 30))


def test_a_written_line_wakes(tmp_path: Path) -> None:
    """Appending to the log ends the wait."""

    async def scene() -> None:
        log = tmp_path / "x.log"
        log.write_text("")
        async with interested(log) as interest:
            with log.open("a") as file:
                file.write("line\n")
                file.flush()
                await woken(interest)

    play(scene)


def test_the_renamed_log_still_wakes(tmp_path: Path) -> None:
    """After a rotation both the old file and its successor are watched."""

    async def scene() -> None:
        log = tmp_path / "x.log"
        log.write_text("")
        async with interested(log) as interest:
            with log.open("a") as file:
                log.rename(tmp_path / "x.log.1")
                await woken(interest)
                log.write_text("")
                await woken(interest)
                await settled(interest)
                file.write("late\n")
                file.flush()
                await woken(interest)
                await settled(interest)
                log.write_text("new\n")
                await woken(interest)

    play(scene)


async def settled(interest: Interest) -> None:
    """Take all wakes that are due, until a wait does not end."""
    try:
        while True:
            async with asyncio.timeout(0.1):
                await interest.wait()
    except TimeoutError:
        return


def test_other_files_of_the_directory_do_not_wake(tmp_path: Path) -> None:
    """A busy directory costs nothing: nobody is woken for a neighbour."""

    async def scene() -> None:
        log = tmp_path / "x.log"
        log.write_text("")
        async with interested(log) as interest:
            await settled(interest)
            (tmp_path / "neighbour.log").write_text("noise\n")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await interest.wait()

    play(scene)


def test_the_target_of_a_link_is_watched_where_it_lies(tmp_path: Path) -> None:
    """A rotation of what a symbolic link leads to happens in another directory, and wakes."""

    async def scene() -> None:
        (tmp_path / "there").mkdir()
        (tmp_path / "here").mkdir()
        target = tmp_path / "there" / "target.log"
        target.write_text("")
        link = tmp_path / "here" / "x.log"
        link.symlink_to(target)
        async with interested(link) as interest:
            target.rename(tmp_path / "there" / "target.log.1")
            await woken(interest)
            await settled(interest)
            target.write_text("new\n")
            await woken(interest)

    play(scene)


def test_a_directory_that_is_made_later_is_watched_from_then_on(tmp_path: Path) -> None:
    """While the directory is missing waits are short; once it is there, events take over."""

    async def scene() -> None:
        watcher = Watcher(blind=0.01, safety=NEVER)
        log = tmp_path / "later" / "x.log"
        with watcher.watch(str(log)) as interest:
            await woken(interest)
            log.parent.mkdir()
            await woken(interest)
            await settled(interest)
            log.write_text("line\n")
            await woken(interest)
        watcher.close()

    play(scene)


def test_a_directory_that_is_made_anew_is_watched_again(tmp_path: Path) -> None:
    """A watch on a directory that has been moved away is not trusted."""

    async def scene() -> None:
        watcher = Watcher(blind=0.01, safety=NEVER)
        log = tmp_path / "logs" / "x.log"
        log.parent.mkdir()
        with watcher.watch(str(log)) as interest:
            log.parent.rename(tmp_path / "old-logs")
            await woken(interest)
            log.parent.mkdir()
            await settled(interest)
            log.write_text("line\n")
            await woken(interest)
        watcher.close()

    play(scene)


def test_without_inotify_waits_end_anyway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that refuses an inotify instance is polled, and the reason can be told."""

    def refuse(**_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(watch, "Inotify", refuse)

    async def scene() -> None:
        watcher = Watcher(blind=0.01)
        with watcher.watch(str(tmp_path / "x.log")) as interest:
            await woken(interest)
        assert watcher.problem == "inotify cannot be used: Too many open files"
        watcher.close()

    play(scene)


def test_when_no_watch_is_left_that_path_is_polled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's limit on watches makes a reader slower, not deaf."""

    async def scene() -> None:
        watcher = Watcher(blind=0.01, safety=NEVER)
        assert watcher._inotify is not None

        def refuse(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(type(watcher._inotify), "add_watch", refuse)
        with watcher.watch(str(tmp_path / "x.log")) as interest:
            await woken(interest)
        assert watcher.problem is not None
        assert "No space left on device" in watcher.problem
        watcher.close()

    play(scene)


def test_the_polling_watcher_wakes_in_its_interval(tmp_path: Path) -> None:
    """The same contract, and no inotify at all."""

    async def scene() -> None:
        watcher = PollingWatcher(interval=0.01)
        with watcher.watch(str(tmp_path / "x.log")) as interest:
            await woken(interest)
            await woken(interest)
        watcher.close()

    play(scene)


def test_nothing_is_left_when_all_interests_are_closed(tmp_path: Path) -> None:
    """Two readers of a directory share its watch; the last one ends it."""

    async def scene() -> None:
        watcher = Watcher()
        (tmp_path / "a.log").write_text("")
        with watcher.watch(str(tmp_path / "a.log")), watcher.watch(str(tmp_path / "b.log")):
            assert len(watcher._interests) == 2
        assert watcher._interests == {}
        watcher.close()

    play(scene)
