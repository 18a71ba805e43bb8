"""Each entry of a journal is read exactly once, whatever becomes of the journal and of journalctl."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from tests.sources.journals import EPOCH, Journal
from tests.sources.listening import Listener, lines_of, listening, what_is_there

from sekisho.model.block import Block, CaughtUp, Phase
from sekisho.model.position import JournalPosition
from sekisho.sources import journal as journal_module
from sekisho.sources.journal import JournalSource

system = pytest.mark.system(needs=("journalctl",))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(journal_module, "_DELAYS", (0.01, 0.05))
    monkeypatch.setattr(journal_module, "_NO_PROGRAM", 0.01)


def play(scene: Callable[[], Awaitable[None]]) -> None:
    """Run one scene."""
    asyncio.run(asyncio.wait_for(scene(), 60))


def source_of(journal: Journal, *matches: Sequence[str], program: str = "journalctl") -> JournalSource:
    """The source of a test's journal, for all entries where no match is given."""
    return JournalSource(options={"journalpath": str(journal.directory)}, matches=matches or [()], program=program)


def position_in(heard: Listener) -> JournalPosition:
    """The position after all that was heard."""
    position = heard.blocks[-1].position
    assert isinstance(position, JournalPosition)
    return position


@system
def test_what_was_there_is_caught_up_with_and_what_comes_is_live(journal: Journal) -> None:
    """Lines, times and channels as the jails want them."""

    async def scene() -> None:
        journal.write("sshd", "one", "two\nlines")
        journal.write("postfix/smtpd", "not asked for")
        source = source_of(journal, ["SYSLOG_IDENTIFIER=sshd"], ["SYSLOG_IDENTIFIER=sshd + SYSLOG_IDENTIFIER=dovecot"])
        async with listening(source.follow(None, EPOCH + 0.5)) as heard:
            await heard.until_caught_up()
            journal.write("dovecot", "three")
            await heard.until_lines(r"mx sshd[7]: two\nlines", "mx dovecot[7]: three")
        first, last = heard.blocks
        assert (first.phase, first.stamps, first.channels) == (Phase.CATCHUP, (EPOCH + 1.0,), (0b11,))
        assert (last.phase, last.stamps, last.channels) == (Phase.LIVE, (EPOCH + 3.0,), (0b10,))
        assert heard.notices == []

    play(scene)


@system
def test_a_position_is_continued_exactly(journal: Journal) -> None:
    """Also where its entry is not among what is asked for now, as after a change of the configuration."""

    async def scene() -> None:
        journal.write("sshd", "one", "two")
        position = position_in(await what_is_there(source_of(journal).follow(None, 0.0)))
        journal.write("dovecot", "three", "four")
        journal.write("sshd", "five")
        heard = await what_is_there(source_of(journal).follow(position, None))
        assert heard.lines == ["mx dovecot[7]: three", "mx dovecot[7]: four", "mx sshd[7]: five"]
        only = source_of(journal, ["SYSLOG_IDENTIFIER=dovecot"])
        heard = await what_is_there(only.follow(position, None))
        assert heard.lines == ["mx dovecot[7]: three", "mx dovecot[7]: four"]
        async with listening(only.follow(position_in(heard), None)) as later:
            await later.until_caught_up()
            journal.write("dovecot", "six")
            await later.until_lines("mx dovecot[7]: six")

    play(scene)


@system
def test_a_cursor_that_is_none_falls_back_to_its_time(journal: Journal) -> None:
    """A position from elsewhere (an import, another host) still says when."""

    async def scene() -> None:
        journal.write("sshd", "one", "two", "three")
        for cursor in ("", "garbage"):
            heard = await what_is_there(source_of(journal).follow(JournalPosition(cursor, EPOCH + 1.0), None))
            assert heard.lines == ["mx sshd[7]: three"]

    play(scene)


@system
def test_without_position_and_time_only_what_comes_is_read(journal: Journal) -> None:
    """Also from a journal that is empty."""

    async def scene() -> None:
        journal.directory.mkdir()
        async with listening(source_of(journal).follow(None, None)) as heard:
            await heard.until_caught_up()
            journal.write("sshd", "one")
            await heard.until_lines("mx sshd[7]: one")
        async with listening(source_of(journal, ["SYSLOG_IDENTIFIER=sshd"]).follow(None, None)) as heard:
            await heard.until_caught_up()
            journal.write("sshd", "two")
            await heard.until_lines("mx sshd[7]: two")
        assert heard.lines_in(Phase.LIVE) == ["mx sshd[7]: two"]

    play(scene)


@system
def test_the_backlog_refills_from_a_time_up_to_a_position(journal: Journal) -> None:
    """Including the position's entry, and nothing after it."""

    async def scene() -> None:
        journal.write("sshd", "zero", "one", "two")
        position = position_in(await what_is_there(source_of(journal).follow(None, 0.0)))
        journal.write("sshd", "three")
        source = source_of(journal)
        blocks = [block async for block in source.backlog(EPOCH + 1.0, position)]
        assert [line for block in blocks for line in lines_of(block)] == ["mx sshd[7]: one", "mx sshd[7]: two"]
        assert {block.phase for block in blocks} == {Phase.REFILL}
        assert [block async for block in source.backlog(EPOCH + 9.0, position)] == []

    play(scene)


@system
def test_a_journal_that_does_not_exist_is_waited_for(journal: Journal) -> None:
    """Said once, and read from where it was asked once it is there."""

    async def scene() -> None:
        async with listening(source_of(journal).follow(None, 1.0)) as heard:
            await heard.until_notice("No such file or directory")
            journal.write("sshd", "one")
            await heard.until(lambda: heard.lines == ["mx sshd[7]: one"])
            await heard.until_caught_up()
        assert len(heard.notices) == 2

    play(scene)


@system
def test_rotation_and_vacuum_lose_nothing(journal: Journal) -> None:
    """Files are renamed, begun anew and deleted while the journal is followed."""

    async def scene() -> None:
        journal.write("sshd", "one")
        async with listening(source_of(journal).follow(None, 1.0)) as heard:
            await heard.until_caught_up()
            (journal.directory / "a.journal").rename(journal.directory / "a@1.journal")
            journal.write("sshd", "two")
            await heard.until_lines("mx sshd[7]: one", "mx sshd[7]: two")
            (journal.directory / "a@1.journal").unlink()
            journal.write("sshd", "three", file="b.journal")
            await heard.until_lines("mx sshd[7]: one", "mx sshd[7]: two", "mx sshd[7]: three")

    play(scene)


@system
def test_a_journalctl_that_dies_is_replaced(journal: Journal) -> None:
    """From the last entry, without one twice; the administrator is told."""

    async def scene() -> None:
        journal.write("sshd", "one")
        async with listening(source_of(journal).follow(None, 1.0)) as heard:
            await heard.until_caught_up()
            for n in range(3):
                for pid in children():
                    os.kill(pid, signal.SIGKILL)
                journal.write("sshd", f"after {n}")
                await heard.until(lambda n=n: heard.lines[-1] == f"mx sshd[7]: after {n}")  # type: ignore[misc]
        assert heard.lines == ["mx sshd[7]: one", *(f"mx sshd[7]: after {n}" for n in range(3))]
        assert any("status -9" in text for text in heard.notices)
        assert children() == []

    play(scene)


@system
def test_a_silent_child_is_replaced(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal whose directory was made anew is found again, without a word."""
    monkeypatch.setattr(journal_module, "_SILENCE", 0.2)

    async def scene() -> None:
        journal.write("sshd", "one")
        async with listening(source_of(journal).follow(None, 1.0)) as heard:
            await heard.until_caught_up()
            journal.directory.rename(journal.directory.with_name("old"))
            journal.write("sshd", "two", file="b.journal")
            await heard.until_lines("mx sshd[7]: one", "mx sshd[7]: two")
        assert heard.notices == []

    play(scene)


def test_a_missing_journalctl_is_said_and_tried_again(journal: Journal, tmp_path: Path) -> None:
    """Where it is installed later, reading begins."""

    async def scene() -> None:
        program = tmp_path / "journalctl"
        async with listening(source_of(journal, program=str(program)).follow(None, 1.0)) as heard:
            await heard.until_notice("cannot be started (No such file or directory)")
            install(program, "exit 0")
            await heard.until_caught_up()
        assert isinstance(heard.events[-1], CaughtUp)

    play(scene)


def test_entries_arrive_with_any_content_and_bad_ones_are_skipped(journal: Journal, tmp_path: Path) -> None:
    """An entry with a field of megabytes is left out and said once; an entry without a cursor is none."""

    async def scene() -> None:
        program = tmp_path / "journalctl"
        entry = r"__CURSOR=s=%s\n__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE=%s\n\n"
        install(
            program,
            f"printf '{entry}' 1 one\n"
            "printf '__CURSOR=s=2\\nMESSAGE='; head -c 600000 /dev/zero | tr '\\0' x; printf '\\n\\n'\n"
            "printf 'MESSAGE=without a cursor\\n\\n'\n"
            f"printf '{entry}' 3 three\nexec sleep 60",
        )
        async with listening(source_of(journal, program=str(program)).follow(None, 1.0)) as heard:
            await heard.until_lines("one", "three")
        assert sum("is skipped" in text for text in heard.notices) == 1

    play(scene)


def test_a_wrong_match_or_option_is_refused() -> None:
    """Before anything is started."""
    with pytest.raises(ValueError, match="expected FIELD=value"):
        JournalSource(options={}, matches=[["sshd"]])
    with pytest.raises(ValueError, match="journalflags"):
        JournalSource(options={"journalflags": "x"}, matches=[[]])


def test_sources_of_different_journals_have_different_names() -> None:
    """The ledger keeps a position for each; without options it is the name that Fail2ban's database uses."""
    assert JournalSource(options={}, matches=[]).key == "systemd-journal"
    assert JournalSource(options={"journalpath": "/j"}, matches=[]).key == "systemd-journal[journalpath=/j]"


def install(path: Path, script: str) -> None:
    """Write an executable script, all at once."""
    fresh = path.with_name("fresh")
    fresh.write_text(f"#!/bin/sh\n{script}\n")
    fresh.chmod(fresh.stat().st_mode | stat.S_IXUSR)
    fresh.rename(path)


def children() -> list[int]:
    """The processes that this one has started and that run."""
    text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(pid) for pid in text.split()]


def test_blocks_are_whole_lines() -> None:
    """What a source hands on is what the model promises."""
    block = Block("s", b"a\nb\n", JournalPosition("c", 1.0), Phase.LIVE, (1.0, 2.0), (1, 1))
    assert len(lines_of(block)) == len(block.stamps or ()) == len(block.channels or ())
