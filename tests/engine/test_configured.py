"""A reload over a running engine: what changes, what stays, what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.house import DEMO, MemoryHouse, run

from sekisho.engine.api import Refused, Reload, UnknownJail
from sekisho.model.specs import FilterSpec, LogPath

EVE, BOB = "192.0.2.66", "192.0.2.7"


def test_a_reload_changes_what_differs_and_keeps_the_rest(house: MemoryHouse) -> None:
    """Counters and bans stay; a new maxretry holds at once; a jail that is gone lets go; a new one catches up."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVE, EVE, EVE, BOB)
        calls = list(house.actions["demo"].calls)
        other = replace(DEMO, name="other", maxretry=1)
        house.jails = (replace(DEMO, maxretry=2), other)
        await engine.reload(Reload())
        await house.settled()
        assert house.actions["demo"].calls == calls, "the firewall of an unchanged action is not touched"
        assert house.held("other") == {EVE, BOB}
        await house.fails(BOB)
        assert house.held() == {EVE, BOB}
        house.jails = (other,)
        await engine.reload(Reload())
        assert house.held() == set()
        with pytest.raises(UnknownJail):
            engine.jail_status("demo")
        await engine.stop()

    run(play())


def test_a_broken_tree_or_jail_leaves_what_runs_as_it_is(house: MemoryHouse) -> None:
    """A reload of nonsense is refused by name; rules that do not compile are refused for their jail alone."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVE, EVE)
        house.broken = True
        with pytest.raises(Refused, match="Failed during configuration"):
            await engine.reload(Reload())
        house.broken = False
        good = replace(DEMO, name="good", logpaths=(LogPath("/other.log"),))
        house.jails = (replace(DEMO, filter=FilterSpec("demo", ("no identifier",))), good)
        await engine.reload(Reload())
        assert set(engine.status().jails) == {"demo", "good"}
        await house.fails(EVE)
        assert house.held() == {EVE}
        with pytest.raises(Refused, match="nosuch"):
            await engine.reload(Reload(jail="nosuch"))
        await engine.reload(Reload(jail="nosuch", if_exists=True))
        await engine.stop()

    run(play())


def test_a_restart_of_a_jail_keeps_bans_unless_asked_to_unban(house: MemoryHouse) -> None:
    """`reload --restart` restores from the ledger; with `--unban` nothing is left to restore."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVE, EVE, EVE)
        await engine.reload(Reload(jail="demo", restart=True))
        await house.settled()
        assert house.held() == {EVE}
        await engine.reload(Reload(jail="demo", restart=True, unban=True))
        assert house.held() == set()
        await engine.stop()

    run(play())
