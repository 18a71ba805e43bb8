"""What has to be done now and then."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.house import DEMO, NOW, MemoryHouse, until

from sekisho.engine.api import Reload
from sekisho.engine.housekeeping import Duty
from sekisho.model.address import parse_subject
from sekisho.model.specs import ServerSpec

EVE, FRIEND = "192.0.2.66", parse_subject("198.51.100.7")


async def nothing() -> None:
    """Do nothing."""


@pytest.mark.parametrize(("now", "due"), [(1009.0, False), (1010.0, True), (2000.0, True), (500.0, True)])
def test_a_duty_is_due_after_its_interval_or_when_the_clock_went_back(now: float, due: bool) -> None:  # noqa: FBT001
    """A clock that was set back by hours must not stop the housekeeping for hours."""
    assert Duty(10, nothing, 1000.0).due(now) is due


def test_what_another_program_erased_is_put_back(tmp_path: Path) -> None:
    """The firewall lost its set; the next repair restores every ban that stands."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        engine = await house.start()
        await house.fails(EVE, EVE, EVE)
        house.actions["demo"].held.clear()
        await engine.housekeeping.repair()
        await house.settled()
        assert house.held() == {EVE}
        await engine.stop()

    asyncio.run(play())


def test_an_alarm_is_answered_before_the_next_beat(tmp_path: Path) -> None:
    """The firewall says that it has lost something: the repair comes at once, and once for a burst of alarms."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        engine = await house.start()
        await house.fails(EVE, EVE, EVE)
        house.actions["demo"].held.clear()
        for _ in range(3):
            engine.housekeeping.alarm()
        await until(lambda: house.held() == {EVE})
        assert house.clock.time == NOW, "no time has passed that a duty would wait for"
        await engine.stop()

    asyncio.run(play())


def test_a_name_that_cannot_be_resolved_keeps_what_it_stood_for(tmp_path: Path) -> None:
    """A name server that is down for a moment does not get a friend banned."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        house.jails = (replace(DEMO, maxretry=1, ignoreip=("friend.example",)),)
        house.names = {"friend.example": frozenset({FRIEND})}
        engine = await house.start()
        house.names.clear()
        await engine.housekeeping.look_around()
        await house.fails(FRIEND.text)
        assert house.held() == set()
        await engine.stop()

    asyncio.run(play())


def test_counters_fade_and_long_ended_bans_are_forgotten(tmp_path: Path) -> None:
    """After findtime the counter is gone; after the purge age (or what a jail still counts) so is the ended ban."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        engine = await house.start()
        await house.fails(EVE, EVE, EVE, EVE)
        house.clock.time += 3700
        await engine.housekeeping.fade()
        assert engine.jail_status("demo").failed == 0
        await engine.housekeeping.end_bans()
        ledger = engine.housekeeping.ledger
        house.clock.time += 80_000
        await engine.housekeeping.purge()
        assert len(ledger.recent(since=0)) == 1
        house.clock.time += 20_000
        await engine.housekeeping.purge()
        assert ledger.recent(since=0) == []
        await engine.stop()

    asyncio.run(play())


def test_a_list_in_a_file_exempts_from_the_next_second_and_unbans_nobody(tmp_path: Path) -> None:
    """Who is added while a ban stands stays banned, as in Fail2ban; names in the file are resolved."""
    friends = tmp_path / "friends"

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        house.jails = (replace(DEMO, maxretry=1, ignoreip=(f"file:{friends}",)),)
        house.names = {"friend.example": frozenset({FRIEND})}
        friends.write_text("192.0.2.1 # the gate\n")
        engine = await house.start()
        await house.fails(EVE, "192.0.2.1")
        assert house.held() == {EVE}
        friends.write_text(f"192.0.2.1 {EVE}, friend.example 192.0.2.128/25")
        house.clock.time += 1
        await engine.housekeeping.look_at_lists()
        await house.fails(EVE, FRIEND.text, "192.0.2.200")
        assert house.held() == {EVE}
        assert house.entries[-1] == f"[demo] Ignore 192.0.2.200 by file:{friends}"
        await engine.stop()

    asyncio.run(play())


def test_the_ledgers_limits_follow_a_reload(tmp_path: Path) -> None:
    """`dbmaxmatches` and `dbpurgeage` need no restart (COMPAT 1.8, 3.7)."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"), server=ServerSpec(dbmaxmatches=2, dbpurgeage=10**6))
        engine = await house.start()
        house.server = ServerSpec(dbmaxmatches=1, dbpurgeage=60)
        await engine.reload(Reload())
        await house.fails(EVE, EVE, EVE)
        ledger = engine.housekeeping.ledger
        assert [len(ban.matches) for ban in ledger.recent(since=0)] == [1]
        await engine.unban(None, None)
        house.clock.time += 4 * 3600
        await engine.housekeeping.purge()
        assert ledger.recent(since=0) == []
        await engine.stop()

    asyncio.run(play())
