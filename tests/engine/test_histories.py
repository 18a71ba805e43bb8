"""Who comes back is held longer and known sooner, in an engine that really bans."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.house import DEMO, NOW, MemoryHouse

from sekisho.engine import histories
from sekisho.engine.api import Refused
from sekisho.engine.report import local_time
from sekisho.model.address import parse_subject
from sekisho.model.specs import EscalationSpec

EVE = "192.0.2.66"
LONGER = replace(DEMO, bantime=7, maxretry=2, escalation=EscalationSpec(increment=True))
"""Whoever comes back is held longer."""


def test_who_comes_back_is_held_twice_as_long_for_one_failure(tmp_path: Path) -> None:
    """COMPAT case 43, but one ban with the right length from the first moment; the log says both as Fail2ban does."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"), jails=(LONGER,))
        engine = await house.start()
        await house.fails(EVE, EVE)
        house.clock.time += 8
        await engine.housekeeping.end_bans()
        house.entries.clear()
        await house.fails(EVE)
        when = local_time(NOW + 8)
        assert house.entries == [
            f"[demo] Found {EVE} - {when}",
            f"[demo] Found {EVE}, bad - {when}, 1 # -> 2.0, Ban",
            f"[demo] Ban {EVE}",
            f"[demo] IP {EVE} is bad: 1 # last {local_time(NOW)} - incr 7s to 14s",
            f"[demo] Increase Ban {EVE} (2 # 14s -> {local_time(NOW + 22)})",
        ]
        (ban,) = engine.jail_status("demo").bans
        assert (ban.duration, ban.count, ban.failures) == (14, 2, 2)
        assert house.actions["demo"].calls[-1] == ("ban", [EVE])
        assert engine.jail_status("demo").failed_total == 4
        await engine.stop()

    asyncio.run(play())


def test_a_known_offenders_failures_weigh_more_and_are_refilled_so(tmp_path: Path) -> None:
    """With maxretry 5 three lines ban who was banned once, also when the daemon dies after the first two."""

    async def play(*, dies: bool) -> None:
        jails = (replace(LONGER, maxretry=5),)
        house = MemoryHouse(str(tmp_path / f"ledger {dies}"), jails=jails)
        engine = await house.start()
        await house.fails(*[EVE] * 5)
        house.clock.time += 8
        await engine.housekeeping.end_bans()
        await house.fails(EVE, EVE)
        if dies:
            house.die()
            house = house.next_life()
            engine = await house.start()
        assert house.held() == set()
        await house.fails(EVE)
        assert house.held() == {EVE}
        (ban,) = engine.jail_status("demo").bans
        assert (ban.count, ban.duration) == (2, 14)
        await engine.stop()

    asyncio.run(play(dies=False))
    asyncio.run(play(dies=True))


def test_the_same_failures_without_increment_count_as_ever(tmp_path: Path) -> None:
    """The history is kept all the same, so that it can be turned on later."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"), jails=(replace(LONGER, escalation=EscalationSpec()),))
        engine = await house.start()
        await house.fails(EVE, EVE)
        house.clock.time += 8
        await engine.housekeeping.end_bans()
        await house.fails(EVE)
        assert house.held() == set()
        await house.fails(EVE)
        assert [(ban.count, ban.duration) for ban in engine.jail_status("demo").bans] == [(2, 7)]
        assert not [text for text in house.entries if "bad" in text or "Increase" in text]
        await engine.stop()

    asyncio.run(play())


def test_an_unban_by_hand_forgives_also_who_is_free_already(tmp_path: Path) -> None:
    """The next ban is a first one again (COMPAT 3.3)."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"), jails=(LONGER,))
        engine = await house.start()
        for who in ([parse_subject(EVE)], None):
            await house.fails(EVE, EVE)
            house.clock.time += 8
            await engine.housekeeping.end_bans()
            assert await engine.unban(None, who) == []
            await house.fails(EVE)
            assert house.held() == set()
            await house.fails(EVE)
            assert [(ban.count, ban.duration) for ban in engine.jail_status("demo").bans] == [(1, 7)]
            await engine.unban("demo", None)
        await engine.stop()

    asyncio.run(play())


def test_the_bans_of_all_jails_add_up_where_a_jail_asks_for_that(tmp_path: Path) -> None:
    """Two bans elsewhere make a first one here last four times as long, and be the third."""

    async def play() -> None:
        other = replace(LONGER, name="other", escalation=EscalationSpec(increment=True, overalljails=True))
        house = MemoryHouse(str(tmp_path / "ledger"), jails=(LONGER, replace(other, logpaths=())))
        engine = await house.start()
        for wait in (8, 15):
            await engine.ban("demo", [parse_subject(EVE)])
            house.clock.time += wait
            await engine.housekeeping.end_bans()
        await engine.ban("other", [parse_subject(EVE)])
        assert [(ban.count, ban.duration) for ban in engine.jail_status("other").bans] == [(3, 28)]
        await engine.stop()

    asyncio.run(play())


def test_a_ban_by_hand_grows_unless_its_length_was_said(tmp_path: Path) -> None:
    """As in Fail2ban, `banip` follows the jail's rules; `--for` is a person's word."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"), jails=(LONGER,))
        engine = await house.start()
        eve = [parse_subject(EVE)]
        lengths = []
        for duration in (None, None, 7):
            await engine.ban("demo", eve, duration=duration)
            lengths.append(next(iter(engine.jail_status("demo").bans)).duration)
            house.clock.time += 30
            await engine.housekeeping.end_bans()
        assert lengths == [7, 14, 7]
        await engine.stop()

    asyncio.run(play())


def test_a_formula_that_does_not_hold_is_refused_by_command(tmp_path: Path) -> None:
    """The jail goes on by the one it had."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"), jails=(LONGER,))
        engine = await house.start()
        with pytest.raises(Refused, match="nosuch"):
            await engine.change("demo", replace(LONGER, escalation=replace(LONGER.escalation, formula="nosuch(1)")))
        assert engine.jail_spec("demo") == LONGER
        await engine.change("demo", replace(LONGER, escalation=replace(LONGER.escalation, formula="ban.Time * 9")))
        for _ in range(2):
            await engine.ban("demo", [parse_subject(EVE)])
            house.clock.time += 8
            await engine.housekeeping.end_bans()
        assert [ban.duration for ban in engine.jail_status("demo").bans] == [63]
        await engine.stop()

    asyncio.run(play())


def test_a_crowd_of_strangers_is_remembered_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the ledger is asked again, and knows who is who all the same."""
    monkeypatch.setattr(histories, "MOST_HISTORIES", 3)

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"), jails=(LONGER,))
        engine = await house.start()
        await house.fails(EVE, EVE)
        house.clock.time += 8
        await engine.housekeeping.end_bans()
        await house.fails(*(f"192.0.2.{host}" for host in range(10, 20)))
        assert len(engine.jails["demo"].histories) <= 3
        await house.fails(EVE)
        assert house.held() == {EVE}
        await engine.stop()

    asyncio.run(play())
