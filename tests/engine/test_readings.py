"""Which sources are read, and for whom."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.house import DEMO, NOW, MemoryHouse, until
from tests.support.sources import MemorySources

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


def test_a_log_that_appears_under_a_tail_glob_is_read_from_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`tail` passes over what was there before the jail, not over the first lines of tomorrow's log."""
    names = ["/memory.log"]

    def expand(sources: MemorySources, pattern: str) -> list[str]:
        del sources
        return names if "*" in pattern else [pattern]

    monkeypatch.setattr(MemorySources, "expand", expand)

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        house.jails = (replace(DEMO, logpaths=(LogPath("/*.log", tail=True),)),)
        house.log.write(*[f"{int(NOW)} fail user=x from 192.0.2.1"] * 3)
        engine = await house.start()
        assert engine.jail_status("demo").failed_total == 0
        house.later.write(*[f"{int(NOW)} fail user=x from 192.0.2.66"] * 3)
        names.append(house.later.key)
        for _ in range(2):  # and only once, however often is looked
            await engine.housekeeping.look_for_logs()
        await until(lambda: house.held() == {"192.0.2.66"})
        assert engine.jail_status("demo").failed_total == 3
        await engine.stop()

    asyncio.run(play())
