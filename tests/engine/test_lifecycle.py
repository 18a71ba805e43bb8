"""How a jail begins, changes and ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.house import DEMO, RECIDIVE, MemoryHouse

from sekisho.engine.api import Reload
from sekisho.engine.lifecycle import feeds_on_bans
from sekisho.model.specs import ActionSpec, BackendSpec, FilterSpec, JailSpec, LogPath, ServerSpec

EVE = "192.0.2.66"


@pytest.mark.parametrize(
    ("spec", "feeds"),
    [
        (RECIDIVE, True),
        (replace(RECIDIVE, logpaths=(), backend=BackendSpec("systemd")), True),
        (replace(RECIDIVE, logpaths=(LogPath("/var/log/other.log"),)), False),
        (replace(DEMO, logpaths=RECIDIVE.logpaths), False),
        (replace(RECIDIVE, filter=FilterSpec("mine", ("x",))), False),
    ],
)
def test_recidive_feeds_on_bans_where_it_would_read_our_own_log(spec: JailSpec, feeds: bool) -> None:  # noqa: FBT001
    """Another program's log is read as any log, and another filter reads what it names."""
    assert feeds_on_bans(spec, ServerSpec()) is feeds


def test_a_restored_ban_obeys_todays_configuration(tmp_path: Path) -> None:
    """Who is ignored since is free; a shorter bantime shortens what is left (COMPAT 3.4)."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        engine = await house.start()
        await house.fails(*[EVE] * 3, *["192.0.2.7"] * 3)
        await engine.stop()
        second = house.next_life()
        second.jails = (replace(DEMO, bantime=600, ignoreip=(EVE,)),)
        engine = await second.start()
        assert [(ban.subject.text, ban.duration) for ban in engine.jail_status("demo").bans] == [("192.0.2.7", 600)]
        assert second.held() == {"192.0.2.7"}
        await engine.stop()

    asyncio.run(play())


def test_an_action_that_cannot_be_made_costs_the_jail_nothing_else(tmp_path: Path) -> None:
    """The jail counts and bans with its other actions, and its health names the one that is wrong."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        house.jails = (replace(DEMO, actions=(ActionSpec("nosuch", "nosuch"), *DEMO.actions)),)
        engine = await house.start()
        await house.fails(EVE, EVE, EVE)
        assert house.held() == {EVE}
        assert "nosuch" in engine.jail_status("demo").health[0]
        await engine.stop()

    asyncio.run(play())


def test_an_exchanged_action_holds_what_stands(tmp_path: Path) -> None:
    """A reload that changes an action's parameters lets nobody through for good."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        engine = await house.start()
        await house.fails(EVE, EVE, EVE)
        house.jails = (replace(DEMO, actions=(ActionSpec("memory", "memory", {"port": "1:2"}),)),)
        await engine.reload(Reload())
        await house.settled()
        assert house.held() == {EVE}
        assert [name for name, _ in house.actions["demo"].calls].count("start") == 2
        await engine.stop()

    asyncio.run(play())
