"""How a jail begins, changes and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.actions import MemoryAction
from tests.support.house import DEMO, RECIDIVE, MemoryHouse

from sekisho.engine.api import Reload
from sekisho.engine.lifecycle import feeds_on_bans
from sekisho.model.address import parse_subject
from sekisho.model.specs import (
    PERMANENT,
    ActionSpec,
    BackendSpec,
    EscalationSpec,
    FilterSpec,
    JailSpec,
    LogPath,
    ServerSpec,
)
from sekisho.model.verdict import Ban, Cause

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


def test_who_is_exempt_by_a_name_or_a_file_is_not_restored(tmp_path: Path) -> None:
    """What a name stands for and what a file says is known before the bans are restored (COMPAT 3.4)."""
    friends = tmp_path / "friends"
    friends.write_text("192.0.2.0/28")

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        engine = await house.start()
        await house.fails(*[EVE] * 3, *["192.0.2.7"] * 3, *["192.0.2.99"] * 3)
        await engine.stop()
        second = house.next_life()
        second.jails = (replace(DEMO, ignoreip=("eve.example", f"file:{friends}")),)
        second.names = {"eve.example": frozenset({parse_subject(EVE)})}
        engine = await second.start()
        assert second.held() == {"192.0.2.99"}
        await engine.stop()

    asyncio.run(play())


def test_an_escalated_ban_outlives_a_restart_as_far_as_maxtime_allows(tmp_path: Path) -> None:
    """The plain bantime does not shorten it; a maxtime that was lowered since does (COMPAT 3.4)."""

    async def play() -> None:
        longer = replace(DEMO, escalation=EscalationSpec(increment=True))
        house = MemoryHouse(str(tmp_path / "ledger"), jails=(longer,))
        engine = await house.start()
        await house.fails(*[EVE] * 3)
        house.clock.time += 3601
        await engine.housekeeping.end_bans()
        await house.fails(*[EVE] * 3)
        await engine.stop()
        lengths = []
        for escalation in (longer.escalation, replace(longer.escalation, maxtime=5000)):
            house = house.next_life()
            house.jails = (replace(DEMO, escalation=escalation),)
            engine = await house.start()
            lengths += [ban.duration for ban in engine.jail_status("demo").bans]
            await engine.stop()
        assert lengths == [7200, 5000]

    asyncio.run(play())


def test_a_ban_for_ever_is_restored_as_it_is(tmp_path: Path) -> None:
    """Restored, marked so, and in the ledger as it was (COMPAT case 45)."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"), jails=(replace(DEMO, bantime=PERMANENT),))
        engine = await house.start()
        await house.fails(*[EVE] * 3)
        stored = engine.housekeeping.ledger.recent(since=0)
        await engine.stop()
        second = house.next_life()
        engine = await second.start()
        assert f"[demo] Restore Ban {EVE}" in second.entries
        (ban,) = engine.jail_status("demo").bans
        assert (ban.cause, ban.until, ban.count) == (Cause.RESTORED, None, 1)
        assert engine.housekeeping.ledger.recent(since=0) == stored
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


@pytest.mark.parametrize(("native", "stops"), [("nftables", 0), ("ipset", 1), (None, 1)])
def test_only_a_native_action_of_the_same_kind_inherits_what_stands(
    native: str | None, stops: int, tmp_path: Path
) -> None:
    """What nftables left ipset does not know of: it must go before the heir comes."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        house.jails = (replace(DEMO, actions=(ActionSpec("memory", "memory", {}, "nftables"),)),)
        engine = await house.start()
        house.jails = (replace(DEMO, actions=(ActionSpec("memory", "memory", {"port": "1:2"}, native),)),)
        await engine.reload(Reload())
        await house.settled()
        assert [name for name, _ in house.actions["demo"].calls].count("stop") == stops
        await engine.stop()

    asyncio.run(play())


def test_case_46_all_bans_are_lifted_before_any_action_goes(tmp_path: Path) -> None:
    """COMPAT 9, case 46: unbans in the order of the actions, then the stops, the last action first."""
    said: list[str] = []

    class Plain(MemoryAction):
        """An action that lifts its bans by itself."""

        survives_stop = False

        async def lift(self) -> None:
            said.extend(f"{self.name} unban {subject}" for subject in self.held)
            self.held.clear()

        async def stop(self, standing: Sequence[Ban]) -> None:
            assert not self.held
            said.append(f"{self.name} stop")

    class PlainHouse(MemoryHouse):
        def _make_action(self, jail: JailSpec, spec: ActionSpec) -> MemoryAction:
            return self.actions.setdefault(spec.name, Plain(spec.name))

    async def play() -> None:
        actions = tuple(ActionSpec(name, name) for name in ("foo", "bar", "plain"))
        house = PlainHouse(str(tmp_path / "ledger.sqlite"), jails=(replace(DEMO, actions=actions),))
        engine = await house.start()
        await house.fails(EVE, EVE, EVE)
        await engine.stop()

    asyncio.run(play())
    lifted = [f"{name} unban {EVE}" for name in ("foo", "bar", "plain")]
    assert said == [*lifted, "plain stop", "bar stop", "foo stop"]
