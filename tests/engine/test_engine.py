"""The engine over many minutes of fake time: failures, bans, words of people, reloads, deaths."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.support.actions import MemoryAction
from tests.support.house import DEMO, NOW, RECIDIVE, MemoryHouse, run, until
from tests.support.sources import MemoryLog

from sekisho.engine.api import DuplicateJail, Refused, Reload, UnknownJail
from sekisho.model.action import Action
from sekisho.model.address import parse_subject
from sekisho.model.specs import ActionSpec, FilterSpec, JailSpec, LogPath
from sekisho.model.verdict import Cause

EVE, BOB = "192.0.2.66", "192.0.2.7"
Play = Callable[[MemoryHouse], Awaitable[None]]


def test_the_third_failure_bans_and_the_end_unbans(house: MemoryHouse) -> None:
    """Two failures leave Eve alone; the third bars her, and an hour later she is free again."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVE, EVE, BOB)
        assert house.held() == set()
        await house.fails(EVE)
        assert house.held() == {EVE}
        assert house.entries[-1] == f"[demo] Ban {EVE}"
        house.clock.time += 3601
        await engine.housekeeping.end_bans()
        await house.settled()
        assert house.held() == set()
        assert house.entries[-1] == f"[demo] Unban {EVE}"
        status = engine.jail_status("demo")
        assert (status.failed_total, status.banned_total, status.bans) == (4, 1, ())
        await engine.stop()

    run(play())


def test_the_ignored_are_never_banned_except_by_hand(house: MemoryHouse) -> None:
    """Addresses, networks, names and our own never count; a person may ban them all the same (COMPAT 1.9)."""
    house.jails = (replace(DEMO, maxretry=1, ignoreip=("10.0.0.0/8", "friend.example")),)
    house.names = {"friend.example": frozenset({parse_subject("198.51.100.7")})}

    async def play() -> None:
        engine = await house.start()
        await house.fails("10.1.2.3", "198.51.100.7", "203.0.113.1")
        assert house.held() == set()
        assert [line.rsplit(" by ")[1] for line in house.entries] == ["ip", "dns", "ignoreself rule"]
        assert await engine.ban("demo", [parse_subject("10.1.2.3")]) == 1
        assert house.held() == {"10.1.2.3"}
        await engine.stop()

    run(play())


def test_a_stop_lifts_the_firewall_and_a_start_restores_it(house: MemoryHouse) -> None:
    """The ledger keeps what the firewall let go, and a restored ban is announced as one."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVE, EVE, EVE)
        await engine.stop()
        assert house.held() == set()
        assert house.entries[-1] == f"[demo] Repeal Ban {EVE}"
        second = house.next_life()
        engine = await second.start()
        assert second.held() == {EVE}
        assert second.entries == [f"[demo] Restore Ban {EVE}"]
        assert engine.jail_status("demo").bans[0].cause is Cause.RESTORED
        await engine.stop()

    run(play())


@pytest.mark.parametrize("reason", ["onstop", "restart", "by hand"])
def test_a_firewall_that_can_hold_bans_by_itself_keeps_them(house: MemoryHouse, reason: str) -> None:
    """Where a next life begins at once, or the administrator wants it, nothing is lifted and nothing logged as such."""

    async def play() -> None:
        if reason == "onstop":
            house.server = replace(house.server, onstop="keep")
        house.restarts = reason == "restart"
        engine = await house.start()
        await house.fails(EVE, EVE, EVE)
        await engine.shut_down(keeps_bans=reason == "by hand")
        await engine.stop()
        assert house.held() == {EVE}
        assert house.entries[-1] == f"[demo] Ban {EVE}"
        second = house.next_life()
        await second.start()
        assert second.held() == {EVE}

    run(play())


def test_an_action_that_cannot_hold_bans_by_itself_lifts_them(
    house: MemoryHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands would leave them in force for ever: they are lifted, whatever `onstop` says."""
    monkeypatch.setattr(MemoryAction, "survives_stop", False)
    house.server = replace(house.server, onstop="keep")

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVE, EVE, EVE)
        await engine.stop()
        assert house.held() == set()
        assert house.entries[-1] == f"[demo] Repeal Ban {EVE}"

    run(play())


@pytest.mark.parametrize("before", range(8))
def test_a_death_between_any_two_failures_counts_each_once(house: MemoryHouse, before: int) -> None:
    """However many failures came before the kill, Eve's third and sixth ban her, and Bob's second does not ban him."""

    async def play() -> None:
        hosts = [EVE, BOB, EVE, EVE, EVE, BOB, EVE, EVE]
        await house.start()
        await house.fails(*hosts[:before])
        house.die()
        second = house.next_life()
        await second.start()
        assert second.held() == house.held(), "the ledger and the firewall agree after the start"
        await second.fails(*hosts[before:])
        bans = [line for line in house.entries + second.entries if line == f"[demo] Ban {EVE}"]
        again = [line for line in house.entries + second.entries if line == f"[demo] {EVE} already banned"]
        assert (len(bans), len(again)) == (1, 1)
        assert second.held() == {EVE}
        found = [line for line in house.entries + second.entries if " Found " in line]
        assert len(found) == len(hosts), "no failure is reported twice, none is lost"
        await second.engine.stop()

    run(play())


def test_lines_written_while_nobody_ran_are_caught_up_with(house: MemoryHouse) -> None:
    """An attack during the restart bans; one from before findtime does not."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVE)
        await engine.stop()
        house.log.write(*[f"{int(NOW)} fail user=x from {EVE}"] * 2)
        house.log.write(*[f"{int(NOW) - 700} fail user=x from {BOB}"] * 3)
        second = house.next_life()
        engine = await second.start()
        assert second.held() == {EVE}
        await engine.stop()

    run(play())


def test_recidive_is_fed_by_bans_and_by_the_ledger(house: MemoryHouse) -> None:
    """Two bans in a day bar every port for a week, also when the daemon was restarted between them."""
    house.jails = (replace(DEMO, maxretry=1, bantime=60), RECIDIVE)

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVE)
        assert house.held("recidive") == set()
        await engine.stop()
        house.clock.time += 3600
        second = house.next_life()
        engine = await second.start()
        await second.fails(EVE)
        assert second.held("recidive") == {EVE}
        (ban,) = engine.jail_status("recidive").bans
        assert ban.duration == 604800
        assert all(f"[demo] Ban {EVE}" in line for line in ban.matches)
        await engine.stop()

    run(play())


def test_what_an_idle_jails_log_says_waits(house: MemoryHouse) -> None:
    """Nobody is judged while the jail is idle, and nobody is let off: it wakes, and Eve is barred."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVE)
        await engine.set_idle("demo", is_idle=True)
        await house.fails(EVE, EVE)
        status = engine.jail_status("demo")
        assert (status.failed_total, status.bans) == (1, ())
        assert status.health == ("it is idle: what its logs say waits",)
        await engine.set_idle("demo", is_idle=False)
        await house.settled()
        assert house.held() == {EVE}
        assert engine.jail_status("demo").health == ()
        await engine.stop()

    run(play())


def test_a_jail_is_added_filled_and_started(house: MemoryHouse) -> None:
    """Before its start it reads nothing and brings nothing up; afterwards it is a jail like any other."""

    async def play() -> None:
        engine = await house.start()
        house.later.write(f"{int(NOW)} fail user=x from {EVE}")
        await engine.add_jail(JailSpec("web", FilterSpec("web", ()), maxretry=1))
        with pytest.raises(DuplicateJail):
            await engine.add_jail(JailSpec("web", FilterSpec("web", ())))
        await engine.add_action("web", ActionSpec("memory", "memory"))
        paths = (LogPath("/later.log"),)
        await engine.change("web", replace(engine.jail_spec("web"), logpaths=paths))
        await engine.change("web", replace(engine.jail_spec("web"), filter=DEMO.filter))
        status = engine.jail_status("web")
        assert (status.files, status.health) == (("/later.log",), ("it was added, and waits to be started",))
        assert "web" not in house.actions
        await engine.start_jail("web")
        await until(lambda: house.held("web") == {EVE})
        await engine.start_jail("web")
        await engine.reload(Reload())
        assert set(engine.status().jails) == {"demo"}, "nobody has configured it"
        with pytest.raises(UnknownJail):
            await engine.start_jail("web")
        await engine.start_jail("demo")
        await engine.stop()

    run(play())


def test_an_action_that_cannot_be_is_not_added(house: MemoryHouse) -> None:
    """The jail has the actions that it had, and the reason is told."""

    async def play() -> None:
        engine = await house.start()
        with pytest.raises(Refused, match="no action is built in"):
            await engine.add_action("demo", ActionSpec("nosuch", "other"))
        with pytest.raises(Refused, match="Action memory already exists"):
            await engine.add_action("demo", ActionSpec("memory", "memory"))
        assert engine.jail_spec("demo").actions == DEMO.actions
        assert engine.jail_status("demo").health == ()
        await engine.set_property("demo", "memory", "port", "smtp")
        assert await engine.get_property("demo", "memory", "port") == "smtp"
        assert "port" in (await engine.action_members("demo", "memory")).properties
        assert await engine.call_action("demo", "memory", "reload", {}) is True
        await engine.stop()

    run(play())


def test_the_servers_settings_are_changed_by_hand(house: MemoryHouse) -> None:
    """They hold until the end, and whoever works by them is told."""

    async def play() -> None:
        engine = await house.start()
        await engine.set_server("allowipv6", "no")
        assert (engine.server.allowipv6, house.ipv6) == ("no", ["no"])
        await engine.stop()

    run(play())


def test_tail_starts_at_the_end_of_the_log(house: MemoryHouse) -> None:
    """`logpath = FILE tail` judges nothing that was written before the first start."""
    house.jails = (replace(DEMO, logpaths=(LogPath("/memory.log", tail=True),)),)
    house.log = MemoryLog()
    house.log.write(*[f"{int(NOW)} fail user=x from {EVE}"] * 3)

    async def play() -> None:
        engine = await house.start()
        assert house.held() == set()
        await engine.stop()

    run(play())


def test_a_new_action_that_cannot_be_leaves_the_old_one_at_work(
    house: MemoryHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload with a blocktype that means nothing: who is barred stays barred, who attacks is barred, status tells."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVE, EVE, EVE)
        wrong = replace(DEMO.actions[0], properties={"blocktype": "dorp"})
        house.jails = (replace(DEMO, actions=(wrong,)),)
        make = engine._lifecycle.make_action

        def refuse(jail: JailSpec, spec: ActionSpec) -> Action:
            if spec.properties:
                raise ValueError("blocktype 'dorp': expected drop or reject")
            return make(jail, spec)

        monkeypatch.setattr(engine._lifecycle, "make_action", refuse)
        await engine.reload(Reload())
        await house.fails(BOB, BOB, BOB)
        assert house.held() == {EVE, BOB}
        assert "dorp" in engine.jail_status("demo").health[0]
        house.jails = (DEMO,)
        await engine.reload(Reload())
        await house.settled()
        assert house.held() == {EVE, BOB}
        assert engine.jail_status("demo").health == ()
        await engine.stop()

    run(play())


def test_an_end_cuts_off_a_change_that_hangs(house: MemoryHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload waits for an action that never answers; the stop does not wait for the reload."""
    monkeypatch.setattr("sekisho.engine.engine.PATIENCE", 0.01)

    async def play() -> None:
        engine = await house.start()
        house.jails = (DEMO, replace(DEMO, name="second"))
        house.actions["second"] = MemoryAction()
        house.actions["second"].gate.clear()
        reload = asyncio.create_task(engine.reload(Reload()))
        await until(lambda: bool(house.actions["second"].calls))
        await engine.shut_down()
        await engine.stop()
        assert reload.cancelled()
        with pytest.raises(Refused):
            await engine.reload(Reload())

    run(play())
