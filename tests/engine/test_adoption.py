"""A running daemon takes over from a Fail2ban: its jails go on as if they had made those bans themselves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.fail2ban_file import make_database, row
from tests.support.house import DEMO, NOW, RECIDIVE, MemoryHouse

from sekisho.engine.api import Adopted, Refused
from sekisho.model.specs import EscalationSpec


def test_bans_are_in_force_at_once_and_after_a_restart(tmp_path: Path) -> None:
    """The firewall, the standing bans and the log have them; those that are over count only as history."""
    path = make_database(tmp_path / "f", bans=[row("192.0.2.1", NOW - 10), row("192.0.2.2", NOW - 9000, 60)])

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        engine = await house.start()
        assert await engine.adopt(str(path)) == Adopted({"demo": 1}, {"demo": 1}, {})
        assert house.held() == {"192.0.2.1"}
        (ban,) = engine.jail_status("demo").bans
        assert (ban.time, ban.duration, ban.failures) == (NOW - 10, 3600, 3)
        assert "[demo] Restore Ban 192.0.2.1" in house.entries
        assert await engine.adopt(str(path)) == Adopted({}, {}, {"demo": 2})
        house.die()
        after = house.next_life()
        await after.start()
        assert after.held() == {"192.0.2.1"}
        after.die()

    asyncio.run(play())


def test_whom_the_jail_ignores_is_not_barred(tmp_path: Path) -> None:
    """As after a restart: an ignored address is let go, and a ban longer than the jail's is cut (COMPAT 3.4)."""
    path = make_database(tmp_path / "f", bans=[row("192.0.2.1", NOW - 10), row("192.0.2.2", NOW - 10, -1)])

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"), jails=(replace(DEMO, ignoreip=("192.0.2.1",)),))
        engine = await house.start()
        await engine.adopt(str(path))
        assert house.held() == {"192.0.2.2"}
        (ban,) = engine.jail_status("demo").bans
        assert ban.until == NOW - 10 + 3600
        house.die()

    asyncio.run(play())


def test_a_ban_of_a_jail_that_is_not_enabled_waits_for_it(tmp_path: Path) -> None:
    """It is in the ledger, and in force when the jail comes."""
    path = make_database(tmp_path / "f", bans=[row("192.0.2.1", NOW, jail="later")])

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        engine = await house.start()
        assert (await engine.adopt(str(path))).standing == {"later": 1}
        assert house.held() == set()
        house.die()
        after = house.next_life()
        after.jails = (DEMO, replace(DEMO, name="later"))
        await after.start()
        assert after.held("later") == {"192.0.2.1"}
        after.die()

    asyncio.run(play())


def test_history_lengthens_the_next_ban(tmp_path: Path) -> None:
    """With bantime.increment, an address that Fail2ban banned twice is banned for four times as long."""
    bans = [row("192.0.2.1", NOW - 9000, 60, 1), row("192.0.2.1", NOW - 5000, 60, 2)]
    path = make_database(tmp_path / "f", bans=bans, present=bans[1:])

    async def play() -> None:
        jail = replace(DEMO, escalation=EscalationSpec(increment=True))
        house = MemoryHouse(str(tmp_path / "ledger"), jails=(jail,))
        engine = await house.start()
        await engine.adopt(str(path))
        await house.fails("192.0.2.1", "192.0.2.1", "192.0.2.1")
        (ban,) = engine.jail_status("demo").bans
        assert (ban.count, ban.duration) == (3, 4 * 3600)
        house.die()

    asyncio.run(play())


def test_recidive_counts_what_fail2ban_banned(tmp_path: Path) -> None:
    """One ban taken over and one of our own make two, which is recidive's limit here."""
    path = make_database(tmp_path / "f", bans=[row("192.0.2.1", NOW - 5000, 60)])

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"), jails=(DEMO, RECIDIVE))
        engine = await house.start()
        await engine.adopt(str(path))
        assert engine.jail_status("recidive").bans == ()
        await house.fails("192.0.2.1", "192.0.2.1", "192.0.2.1")
        assert [ban.subject.text for ban in engine.jail_status("recidive").bans] == ["192.0.2.1"]
        house.die()

    asyncio.run(play())


def test_more_bans_than_a_portion(tmp_path: Path) -> None:
    """Several thousand are taken over, all of them."""
    bans = [row(f"10.0.{number // 250}.{number % 250}", NOW - number % 600) for number in range(5001)]
    path = make_database(tmp_path / "f", bans=bans)

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        engine = await house.start()
        assert (await engine.adopt(str(path))).standing == {"demo": 5001}
        await house.settled()
        assert len(house.held()) == 5001
        house.die()

    asyncio.run(play())


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """No such file, and a name that is no whole path: nothing changes."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        engine = await house.start()
        with pytest.raises(Refused, match="there is no database"):
            await engine.adopt(str(tmp_path / "none"))
        with pytest.raises(Refused, match="whole path"):
            await engine.adopt("f")
        house.die()

    asyncio.run(play())
