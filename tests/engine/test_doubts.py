"""Failures of which a command has to be asked first."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.house import DEMO, MemoryHouse, until

from sekisho.engine import doubts
from sekisho.model.address import parse_subject
from sekisho.model.specs import IgnoreCommandSpec

EVE, BOB, FRIEND = "198.51.100.7", "198.51.100.8", "198.51.100.9"
ASKING = replace(DEMO, ignorecommand=IgnoreCommandSpec("/usr/bin/friend <ip>"))


@pytest.fixture
def asking(tmp_path: Path) -> MemoryHouse:
    """A house whose jail asks a command, which exempts a friend."""
    return MemoryHouse(str(tmp_path / "ledger.sqlite"), jails=(ASKING,), friends={FRIEND})


async def asked(house: MemoryHouse) -> None:
    """Wait until nothing is in doubt."""
    await house.settled()
    await until(lambda: not house.engine.doubtful())
    await house.settled()


def test_whom_the_command_exempts_is_not_counted(asking: MemoryHouse) -> None:
    """Each failure is asked about; the log says by what the friend is ignored, and the stranger is banned."""

    async def play() -> None:
        engine = await asking.start()
        await asking.fails(FRIEND, FRIEND, FRIEND, EVE, EVE, EVE)
        await asked(asking)
        assert asking.held() == {EVE}
        assert asking.entries.count(f"[demo] Ignore {FRIEND} by command") == 3
        assert engine.jails["demo"].failed_total == 3
        assert asking.asked[0] == ("/usr/bin/friend <ip>", FRIEND)
        await engine.stop()

    asyncio.run(play())


def test_a_command_that_hangs_keeps_nobody_else_waiting(asking: MemoryHouse) -> None:
    """Other jails and the reading go on; the failures are judged, in their order, when the answer comes."""
    other = replace(DEMO, name="other")
    asking.jails = (ASKING, other)

    async def play() -> None:
        engine = await asking.start()
        asking.answers.clear()
        await asking.fails(EVE, EVE, EVE)
        assert asking.held("other") == {EVE}
        assert asking.held() == set()
        asking.answers.set()
        await asked(asking)
        assert asking.held() == {EVE}
        assert [line for line in asking.entries if line.startswith("[demo]")][-1] == f"[demo] Ban {EVE}"
        await engine.stop()

    asyncio.run(play())


def test_a_crowd_cannot_hide_behind_a_slow_command(asking: MemoryHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of failures in doubt the next ones count unasked, and the jail's health says so."""
    monkeypatch.setattr(doubts, "MOST_DOUBTS", 2)

    async def play() -> None:
        engine = await asking.start()
        asking.answers.clear()
        await asking.fails(BOB, FRIEND, EVE, EVE, EVE)
        assert asking.held() == {EVE}
        assert any("ignorecommand is too slow" in trouble for trouble in engine.jail_status("demo").health)
        asking.answers.set()
        await asked(asking)
        await engine.stop()

    asyncio.run(play())


def test_a_reported_attempt_is_asked_about_and_a_ban_by_hand_is_not(asking: MemoryHouse) -> None:
    """As Fail2ban has it: attempt answers 0 for a friend, banip bans one (COMPAT 1.9)."""

    async def play() -> None:
        engine = await asking.start()
        assert await engine.attempt("demo", parse_subject(FRIEND), ["line"]) == 0
        assert await engine.attempt("demo", parse_subject(EVE), ["line"]) == 1
        assert await engine.ban("demo", [parse_subject(FRIEND)]) == 1
        await asking.settled()
        assert asking.held() == {FRIEND}
        await engine.stop()

    asyncio.run(play())


def test_a_restored_ban_stands_until_the_command_exempts_it(asking: MemoryHouse) -> None:
    """At no moment is a stranger let in because a command is slow; a friend is let in when it says so."""

    async def play() -> None:
        engine = await asking.start()
        asking.friends.clear()
        await asking.fails(EVE, EVE, EVE, FRIEND, FRIEND, FRIEND)
        await asked(asking)
        assert asking.held() == {EVE, FRIEND}
        await engine.stop()
        second = asking.next_life()
        second.friends = {FRIEND}
        second.answers.clear()
        engine = await second.start()
        assert second.held() == {EVE, FRIEND}
        second.answers.set()
        await until(lambda: second.held() == {EVE})
        assert f"[demo] Ignore {FRIEND} by command" in second.entries
        await engine.stop()

    asyncio.run(play())


def test_stopping_gives_up_what_is_in_doubt(asking: MemoryHouse) -> None:
    """A command that never answers does not hold the end."""

    async def play() -> None:
        engine = await asking.start()
        asking.answers.clear()
        await asking.fails(EVE)
        assert engine.doubtful() == 1
        await engine.stop()
        assert engine.doubtful() == 0

    asyncio.run(play())
