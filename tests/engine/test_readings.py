"""Which sources are read, and for whom."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from tests.support.house import DEMO, MemoryHouse

from sekisho.engine.api import Reload
from sekisho.model.specs import BackendSpec, LogPath


def test_two_jails_share_one_reading_of_their_log(tmp_path: Path) -> None:
    """However many jails watch a log, it is read once; a second log is a second reading."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        elsewhere = replace(DEMO, name="elsewhere", logpaths=(LogPath("/other.log"),))
        house.jails = (DEMO, replace(DEMO, name="twin"), elsewhere)
        engine = await house.start()
        shared, alone = sorted(engine.readings, key=lambda reading: -len(reading.jails))
        assert [jail.name for jail in shared.jails] == ["demo", "twin"]
        assert [jail.name for jail in alone.jails] == ["elsewhere"]
        await house.fails("192.0.2.66")
        assert [engine.jail_status(name).failed_total for name in ("demo", "twin", "elsewhere")] == [1, 1, 0]
        await engine.stop()

    asyncio.run(play())


def test_a_jail_that_joins_or_leaves_a_log_costs_the_other_no_line(tmp_path: Path) -> None:
    """The reading is exchanged under a running jail, which counts each failure exactly once."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        engine = await house.start()
        for jails in ((DEMO, replace(DEMO, name="twin")), (DEMO,), (replace(DEMO, name="twin"), DEMO)):
            await house.fails("192.0.2.66")
            house.jails = jails
            await engine.reload(Reload())
            await house.settled()
        assert engine.jail_status("demo").failed_total == 3
        assert house.held() == {"192.0.2.66"}
        await engine.stop()

    asyncio.run(play())


def test_a_jail_whose_journal_options_are_wrong_costs_nobody_else_anything(tmp_path: Path) -> None:
    """Its health says what is wrong; the other jail reads and bans."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        house.jails = (replace(DEMO, name="wrong", backend=BackendSpec("systemd"), journalmatch=("+",)), DEMO)
        engine = await house.start()
        await house.fails(*["192.0.2.66"] * 3)
        assert house.held() == {"192.0.2.66"}
        assert "no journal with" in engine.jail_status("wrong").health[0]
        await engine.stop()

    asyncio.run(play())
