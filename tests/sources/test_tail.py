"""Each line of a log is read exactly once, whatever becomes of the file."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sources.listening import Listener, leading_number, lines_of, listening, no_date, what_is_there

from sekisho.model.block import Block, CaughtUp, Notice, Phase, SourceEvent
from sekisho.model.position import FilePosition
from sekisho.sources import tail
from sekisho.sources.incarnation import Incarnation
from sekisho.sources.lines import LINE_LIMIT
from sekisho.sources.seek import DateOf
from sekisho.sources.tail import FileSource, _Follower
from sekisho.sources.watch import PollingWatcher, Watcher


def play(scene: Callable[[], Awaitable[None]]) -> None:
    """Run one scene."""
    asyncio.run(asyncio.wait_for(scene(), 60))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the log will be."""
    return tmp_path / "x.log"


def append(path: Path, text: str) -> None:
    """Write to the end of a file."""
    with path.open("a") as file:
        file.write(text)


@pytest.fixture(params=[Watcher, lambda: PollingWatcher(interval=0.005)], ids=["inotify", "polling"])
def watching(request: pytest.FixtureRequest) -> Callable[[], Watcher]:
    """Each way to be woken."""
    return request.param  # type: ignore[no-any-return]


@asynccontextmanager
async def following(
    path: Path,
    watching: Callable[[], Watcher] = Watcher,
    *,
    after: FilePosition | None = None,
    since: float | None = 0.0,
    date_of: DateOf = no_date,
) -> AsyncIterator[Listener]:
    """Follow a log while the block lasts."""
    watcher = watching()
    source = FileSource(str(path), watcher=watcher, date_of=date_of)
    async with listening(source.follow(after, since)) as listener:
        yield listener
    watcher.close()


def read_now(path: Path, after: FilePosition | None = None, since: float | None = 0.0) -> list[SourceEvent]:
    """Return what a follower tells without waiting."""
    with _Follower(str(path), leading_number, after, since) as follower:
        return [event for event in follower.step() if event is not None]


def test_what_was_there_is_caught_up_with_and_what_comes_is_live(log: Path, watching: Callable[[], Watcher]) -> None:
    """The end of the log, when first reached, separates the one from the other."""

    async def scene() -> None:
        log.write_text("one\ntwo\n")
        async with following(log, watching) as heard:
            await heard.until_caught_up()
            append(log, "three\nfo")
            await heard.until_lines("one", "two", "three")
            append(log, "ur\n")
            await heard.until_lines("one", "two", "three", "four")
        assert heard.lines_in(Phase.CATCHUP) == ["one", "two"]
        assert heard.lines_in(Phase.LIVE) == ["three", "four"]
        assert [type(event).__name__ for event in heard.events] == ["Block", "CaughtUp", "Block", "Block"]
        assert heard.blocks[-1].position.offset == log.stat().st_size  # type: ignore[union-attr]

    play(scene)


def test_a_log_that_does_not_exist_is_waited_for(log: Path, watching: Callable[[], Watcher]) -> None:
    """Said once; what then appears is new, and caught up with, since it may have been written elsewhere long ago."""

    async def scene() -> None:
        async with following(log, watching, since=None) as heard:
            await heard.until_notice("does not exist; waiting for it")
            log.write_text("old\n")
            await heard.until_caught_up()
            append(log, "new\n")
            await heard.until_lines("old", "new")
        assert heard.lines_in(Phase.CATCHUP) == ["old"]
        assert len(heard.notices) == 2
        assert "is there" in heard.notices[1]

    play(scene)


def test_tail_begins_at_the_end_and_is_live_at_once(log: Path) -> None:
    """Without a position or a time, only what comes is read; a line being written is part of it."""

    async def scene() -> None:
        log.write_text("old\nhalf")
        async with following(log, since=None) as heard:
            await heard.until_caught_up()
            append(log, " a line\n")
            await heard.until_lines("half a line")
        assert heard.lines_in(Phase.LIVE) == ["half a line"]

    play(scene)


def test_since_leaves_out_what_is_older(log: Path) -> None:
    """Reading begins at the first line of that time."""
    log.write_text("1 a\n2 b\n3 c\n")
    block, end = read_now(log, since=2)
    assert block.data == b"2 b\n3 c\n"  # type: ignore[union-attr]
    assert isinstance(end, CaughtUp)


def test_rotation_by_rename_loses_nothing(log: Path, tmp_path: Path, watching: Callable[[], Watcher]) -> None:
    """The writer goes on in the renamed file until it is told; both its last lines and the new file's are read."""

    async def scene() -> None:
        log.write_text("one\n")
        async with following(log, watching) as heard:
            await heard.until_caught_up()
            with log.open("a") as writer:
                log.rename(tmp_path / "x.log.1")
                writer.write("two, after the rename\n")
                writer.flush()
                await heard.until_lines("one", "two, after the rename")
                log.write_text("")
                writer.write("three, while the new one is empty\n")
                writer.flush()
                await heard.until_lines("one", "two, after the rename", "three, while the new one is empty")
                writer.write("four, before the new one speaks\n")
                writer.flush()
                append(log, "five\n")
                await heard.until(lambda: len(heard.lines) == 5)
        assert heard.lines[3:] == ["four, before the new one speaks", "five"]
        assert heard.lines_in(Phase.LIVE) == heard.lines[1:]
        assert any("Log rotation detected" in text for text in heard.notices)

    play(scene)


def test_rotation_by_copy_and_truncate_begins_anew(log: Path, watching: Callable[[], Watcher]) -> None:
    """A file that is smaller than what was read of it is read from its beginning."""

    async def scene() -> None:
        log.write_text("one\ntwo\n")
        async with following(log, watching) as heard:
            await heard.until_caught_up()
            os.truncate(log, 0)
            await heard.until_notice("truncated")
            append(log, "three\n")
            await heard.until_lines("one", "two", "three")

    play(scene)


def test_a_file_rewritten_to_the_same_size_is_read_again(log: Path, watching: Callable[[], Watcher]) -> None:
    """The first line betrays what the size does not."""

    async def scene() -> None:
        log.write_text("one\ntwo\n")
        async with following(log, watching) as heard:
            await heard.until_caught_up()
            with log.open("r+") as file:
                file.write("uno\ndos\n")
            await heard.until_lines("one", "two", "uno", "dos")
        assert any("its first line changed" in text for text in heard.notices)

    play(scene)


def test_an_unfinished_line_that_is_taken_back_is_forgotten(log: Path) -> None:
    """A writer that withdraws half a line and writes another has written only the other."""
    log.write_text("1 a\n2 half")
    with _Follower(str(log), leading_number, None, 0.0) as follower:
        list(follower.step())
        os.truncate(log, 4)
        append(log, "3\n")
        (block,) = follower.step()
    assert isinstance(block, Block)
    assert block.data == b"3\n"


def test_a_log_that_was_deleted_and_comes_back(log: Path, watching: Callable[[], Watcher]) -> None:
    """The old file is read on while anybody writes to it; the new one is live."""

    async def scene() -> None:
        log.write_text("one\n")
        async with following(log, watching) as heard:
            await heard.until_caught_up()
            with log.open("a") as writer:
                log.unlink()
                await heard.until_notice("is gone")
                writer.write("two, into the deleted file\n")
                writer.flush()
                await heard.until_lines("one", "two, into the deleted file")
            log.write_text("three\n")
            await heard.until_lines("one", "two, into the deleted file", "three")
        assert "three" in heard.lines_in(Phase.LIVE)

    play(scene)


def test_an_edited_log_is_not_news(log: Path, tmp_path: Path) -> None:
    """What an editor puts over the log is caught up with, so that its old lines do not count as written now."""
    log.write_text("1 one\n2 two\n3 three\n")
    with _Follower(str(log), leading_number, None, 0.0) as follower:
        list(follower.step())
        (tmp_path / "edited").write_text("2 two\n3 three\n")
        (tmp_path / "edited").replace(log)
        notice, again = list(follower.step())
        append(log, "4 four\n")
        (news,) = list(follower.step())
    assert isinstance(notice, Notice)
    assert isinstance(again, Block)
    assert isinstance(news, Block)
    assert (again.data, again.phase) == (b"2 two\n3 three\n", Phase.CATCHUP)
    assert (news.data, news.phase) == (b"4 four\n", Phase.LIVE)


def test_a_log_replaced_by_its_own_copy_is_read_on(log: Path, tmp_path: Path) -> None:
    """A restored backup, or an editor that changed nothing, brings nothing twice."""

    async def scene() -> None:
        log.write_text("1 one\n2 two\n")
        async with following(log) as heard:
            await heard.until_caught_up()
            (tmp_path / "copy").write_text(log.read_text() + "3 three\n")
            (tmp_path / "copy").replace(log)
            await heard.until_lines("1 one", "2 two", "3 three")

    play(scene)


@pytest.mark.parametrize("kind", ["directory", "FIFO", "link to a device"])
def test_a_log_replaced_by_something_else_is_waited_for(log: Path, kind: str) -> None:
    """It neither blocks nor ends the reading, is said once, and the log that comes back is read."""

    async def scene() -> None:
        log.write_text("one\n")
        async with following(log) as heard:
            await heard.until_caught_up()
            log.unlink()
            if kind == "directory":
                log.mkdir()
            elif kind == "FIFO":
                os.mkfifo(log)
            else:
                log.symlink_to("/dev/zero")
            await heard.until_notice("not a log file")
            if kind == "directory":
                log.rmdir()
            else:
                log.unlink()
            log.write_text("two\n")
            await heard.until_lines("one", "two")
        assert sum("not a log file" in text for text in heard.notices) == 1

    play(scene)


def test_something_else_at_the_start_is_waited_out(log: Path) -> None:
    """A FIFO where the log should be delays this log and nothing else."""

    async def scene() -> None:
        os.mkfifo(log)
        async with following(log) as heard:
            await heard.until_notice("it is a FIFO, not a log file")
            log.unlink()
            log.write_text("one\n")
            await heard.until_lines("one")

    play(scene)


def test_a_link_is_followed_to_what_it_leads_to_now(log: Path, tmp_path: Path, watching: Callable[[], Watcher]) -> None:
    """Both a rotation of the target and a link that is turned are rotations of the log."""

    async def scene() -> None:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        target = tmp_path / "a" / "target.log"
        target.write_text("one\n")
        log.symlink_to(target)
        async with following(log, watching) as heard:
            await heard.until_caught_up()
            target.rename(target.with_suffix(".log.1"))
            target.write_text("two\n")
            await heard.until_lines("one", "two")
            (tmp_path / "b" / "other.log").write_text("three\n")
            (tmp_path / "turned").symlink_to(tmp_path / "b" / "other.log")
            (tmp_path / "turned").replace(log)
            await heard.until_lines("one", "two", "three")

    play(scene)


def test_a_disk_that_fails_is_tried_again(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while reading is said once, and reading goes on where it was when it is over."""
    monkeypatch.setattr(tail, "_PATIENCE", (0.001, 0.002))
    broken = False
    read = Incarnation.read

    def failing(self: Incarnation, offset: int, size: int) -> bytes:
        if broken:
            raise OSError(errno.EIO, "Input/output error")
        return read(self, offset, size)

    monkeypatch.setattr(Incarnation, "read", failing)

    async def scene() -> None:
        nonlocal broken
        log.write_text("one\n")
        async with following(log) as heard:
            await heard.until_caught_up()
            broken = True
            append(log, "two\n")
            await heard.until_notice("Input/output error")
            broken = False
            await heard.until_lines("one", "two")
        assert sum("Input/output error" in text for text in heard.notices) == 1

    play(scene)


def test_a_line_of_megabytes_is_skipped_and_said_once(log: Path) -> None:
    """Lines around it are read, and no block is larger than 1 MiB."""
    with log.open("wb") as file:
        for _ in range(3):
            file.write(b"before\n" + b"x" * 3 * LINE_LIMIT + b"\nafter\n")
        file.write((b"y" * (LINE_LIMIT - 1) + b"\n") * 20)
    events = read_now(log)
    blocks = [event for event in events if isinstance(event, Block)]
    lines = [line for block in blocks for line in lines_of(block)]
    assert lines == ["before", "after"] * 3 + ["y" * (LINE_LIMIT - 1)] * 20
    assert max(len(block.data) for block in blocks) <= 1024 * 1024
    assert len([event for event in events if isinstance(event, Notice)]) == 1


def test_bytes_that_are_no_text_pass_as_they_are(log: Path) -> None:
    """NUL bytes, invalid UTF-8 and carriage returns are the filters' business."""
    content = b"\0\0\0one\r\n\xff\xfe\x80\n\x1b[31m\n"
    log.write_bytes(content)
    (block, _) = read_now(log)
    assert block.data == content  # type: ignore[union-attr]


def test_a_position_is_continued_exactly(log: Path) -> None:
    """Neither the line before it nor the line after it is touched."""
    log.write_text("1 a\n2 b\n")
    position = last_position(read_now(log))
    append(log, "3 c\n")
    assert text_of(read_now(log, after=position)) == "3 c\n"


def test_a_position_in_a_renamed_log_is_finished_there_first(log: Path) -> None:
    """A rotation while nobody read costs nothing."""
    log.write_text("1 a\n2 b\n")
    position = last_position(read_now(log))
    append(log, "3 c\n")
    log.rename(log.with_name("x.log.1"))
    log.write_text("4 d\n")
    assert text_of(read_now(log, after=position)) == "3 c\n4 d\n"


def test_a_position_two_rotations_back_misses_nothing(log: Path) -> None:
    """What was written and put aside while nobody read is read in its turn."""
    log.write_text("1 a\n")
    position = last_position(read_now(log))
    for minute, (text, name) in enumerate((("2 b\n", "x.log.2"), ("3 c\n", "x.log.1"), ("4 d\n", "x.log"))):
        append(log, text)
        os.utime(log, (minute, minute))
        log.rename(log.with_name(name))
    assert text_of(read_now(log, after=position)) == "2 b\n3 c\n4 d\n"


def test_the_backlog_begins_in_what_was_put_aside(log: Path) -> None:
    """A window that reaches back over a rotation is refilled over it."""

    async def scene() -> None:
        for text, name in (("1 a\n2 b\n", "x.log.1"), ("3 c\n", "x.log")):
            append(log, text)
            log.rename(log.with_name(name))
        source = FileSource(str(log), watcher=PollingWatcher(), date_of=leading_number)
        blocks = [block async for block in source.backlog(2, last_position(read_now(log)))]
        assert b"".join(block.data for block in blocks) == b"2 b\n3 c\n"

    play(scene)


def test_a_position_in_a_log_that_is_gone_leads_to_the_beginning(log: Path) -> None:
    """Truncated or replaced while nobody read: all that is there may be new, and it is said."""
    log.write_text("1 a\n2 b\n")
    position = last_position(read_now(log))
    for content in ("5 e\n", "6 f\n7 g\n8 h\n"):
        log.write_text(content)
        events = read_now(log, after=position)
        assert text_of(events) == content
        assert "Log rotation detected" in events[0].text  # type: ignore[union-attr]


def test_a_position_holds_in_a_copy(log: Path) -> None:
    """A log restored or moved to another disk has another inode and the same lines; with dates that is known."""
    log.write_text("1 a\n2 b\n")
    position = last_position(read_now(log))
    log.unlink()
    log.write_text("1 a\n2 b\n3 c\n")
    moved = FilePosition(position.offset, position.inode + 1, position.head)
    assert text_of(read_now(log, after=moved)) == "3 c\n"


def test_the_backlog_refills_from_a_time_up_to_a_position(log: Path) -> None:
    """Exactly the lines that were read before, also where a rotation has taken them."""

    async def scene() -> None:
        log.write_text("1 a\n2 b\n3 c\n")
        position = last_position(read_now(log))
        append(log, "4 d\n")
        watcher = Watcher()
        source = FileSource(str(log), watcher=watcher, date_of=leading_number)
        for _ in range(2):
            blocks = [block async for block in source.backlog(2, position)]
            assert b"".join(block.data for block in blocks) == b"2 b\n3 c\n"
            assert {block.phase for block in blocks} == {Phase.REFILL}
            log.rename(log.with_name("x.log.1"))
            log.write_text("5 e\n")
        assert [block async for block in source.backlog(0, FilePosition(4, 1, "gone"))] == []
        watcher.close()

    play(scene)


def test_a_closed_follow_leaves_nothing_open(log: Path) -> None:
    """Neither a descriptor nor a watch outlives the reading."""

    async def scene() -> None:
        log.write_text("one\n")
        watcher = Watcher()
        before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
        source = FileSource(str(log), watcher=watcher, date_of=no_date)
        await what_is_there(source.follow(None, 0.0))
        assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
        assert watcher._interests == {}
        watcher.close()

    play(scene)


WRITTEN = b"1 a\n\n22 bb\0\n333 c\xff\n4\n"


def test_a_kill_at_any_byte_costs_and_repeats_no_line(log: Path) -> None:
    """Written byte by byte, with a new reader for each: every line comes exactly once."""
    position: FilePosition | None = None
    read = b""
    for at in range(len(WRITTEN)):
        with log.open("ab") as file:
            file.write(WRITTEN[at : at + 1])
        events = read_now(log, after=position)
        read += text_of(events).encode("utf-8", "surrogateescape")
        position = last_position(events) if text_of(events) else position
    assert read == WRITTEN


STEPS = st.lists(st.sampled_from(["write", "half", "rename", "restart", "look"]), max_size=30)


@settings(deadline=None, max_examples=150)
@given(steps=STEPS)
def test_any_order_of_writes_rotations_and_restarts(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    """Whatever happens between two looks, several rotations included: every line once, in order."""
    log = tmp_path_factory.mktemp("steps") / "x.log"
    log.write_text("")
    written: list[str] = []
    heard: list[str] = []
    position: FilePosition | None = None
    half = ""
    rotated = 0

    def look(follower: _Follower) -> None:
        nonlocal position
        for event in follower.step():
            if isinstance(event, Block):
                heard.extend(lines_of(event))
                assert isinstance(event.position, FilePosition)
                position = event.position

    follower = _Follower(str(log), leading_number, None, 0.0)
    look(follower)
    for minute, step in enumerate([*steps, "write", "look", "look"]):
        if step == "half" and not half:
            half = f"{len(written)} begun and "
            append(log, half)
        elif step == "write":
            line = f"{half}{len(written)} line"
            append(log, line[len(half) :] + "\n")
            written.append(line)
            half = ""
        elif step == "rename" and not half and position is not None:
            log.rename(log.with_name(f"x.log.{rotated}"))
            log.write_text("")
            rotated += 1
        elif step == "restart":
            follower.__exit__()
            follower = _Follower(str(log), leading_number, position, 0.0)
        elif step == "look":
            look(follower)
        os.utime(log, (minute, minute))
    follower.__exit__()
    assert heard == written


def text_of(events: list[SourceEvent]) -> str:
    """All lines of the blocks among the events."""
    data = b"".join(event.data for event in events if isinstance(event, Block))
    return data.decode("utf-8", "surrogateescape")


def last_position(events: list[SourceEvent]) -> FilePosition:
    """The position of the last block among the events."""
    position = [event.position for event in events if isinstance(event, Block)][-1]
    assert isinstance(position, FilePosition)
    return position
