"""Bans that people make and lift, and failures that they report."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.house import NOW, MemoryHouse, run

from sekisho.engine.api import UnknownJail
from sekisho.model.address import parse_subject

EVE, BOB = "192.0.2.66", "192.0.2.7"


def test_unbanning_by_hand_lifts_and_forgives(house: MemoryHouse) -> None:
    """By address, by network, by name, in one jail or all; who is unbanned needs three new failures."""
    house.names = {"eve.example": frozenset({parse_subject(EVE)})}

    async def play() -> None:
        engine = await house.start()
        for words in ("192.0.2.0/24", EVE, "eve.example"):
            await house.fails(EVE, EVE, EVE)
            assert house.held() == {EVE}
            assert len(await engine.unban(None, [parse_subject(words)])) == 1
            assert house.held() == set()
        assert await engine.unban("demo", [parse_subject(BOB)]) == []
        with pytest.raises(UnknownJail, match="nosuch"):
            await engine.unban("nosuch", None)
        await engine.stop()
        second = house.next_life()
        engine = await second.start()
        assert second.held() == set(), "a restart does not bring back what a person lifted"
        await engine.stop()

    run(play())


def test_a_ban_by_hand_keeps_its_own_length_through_a_restart(house: MemoryHouse) -> None:
    """`--for` two days stays two days although the jail's bantime is an hour."""

    async def play() -> None:
        engine = await house.start()
        assert await engine.ban("demo", [parse_subject(EVE), parse_subject(BOB)], duration=172800, reason="asked") == 2
        assert await engine.ban("demo", [parse_subject(EVE)]) == 0
        await engine.stop()
        second = house.next_life()
        engine = await second.start()
        assert {ban.duration for ban in engine.jail_status("demo").bans} == {172800}
        await engine.stop()

    run(play())


def test_a_ban_by_hand_again_prolongs_and_never_shortens(house: MemoryHouse) -> None:
    """The later of the two ends holds, in the ledger and in the firewall; nobody is newly banned."""

    async def play() -> None:
        engine, eve = await house.start(), parse_subject(EVE)
        assert await engine.ban("demo", [eve]) == 1
        house.clock.time += 100
        assert await engine.ban("demo", [eve]) == 0
        assert await engine.ban("demo", [eve], duration=60) == 0
        (ban,) = engine.jail_status("demo").bans
        assert (ban.time, ban.duration) == (NOW, 3700)
        await house.settled()
        assert house.actions["demo"].held[eve].duration == 3700
        assert engine.jail_status("demo").banned_total == 1
        await engine.stop()

    run(play())


def test_an_attempt_by_hand_weighs_its_lines(house: MemoryHouse) -> None:
    """`attempt` with two lines counts twice towards maxretry and once as a failure (COMPAT case 41)."""

    async def play() -> None:
        engine = await house.start()
        assert await engine.attempt("demo", parse_subject(EVE), []) == 1
        assert await engine.attempt("demo", parse_subject(EVE), ["line a", "line b"]) == 1
        (ban,) = engine.jail_status("demo").bans
        assert (ban.failures, ban.matches) == (2, ("line a", "line b"))
        assert await engine.attempt("demo", parse_subject("203.0.113.1"), []) == 0
        await engine.stop()

    run(play())


def test_lifting_thousands_of_bans_holds_nobody_up(house: MemoryHouse) -> None:
    """They are lifted in portions; in between others have their turn, and whoever is banned meanwhile stays banned."""

    async def play() -> None:
        engine = await house.start()
        crowd = [parse_subject(f"198.51.{number >> 8}.{number & 255}") for number in range(3000)]
        await engine.ban("demo", crowd)
        lifting = asyncio.create_task(engine.unban(None, None))
        await asyncio.sleep(0)
        assert 0 < len(engine.jail_status("demo").bans) < len(crowd)
        await engine.ban("demo", [parse_subject(EVE)])
        await engine.unban("demo", crowd[-1:])
        lifted = await lifting
        assert len(lifted) == len(crowd) - 1
        assert [ban.subject.text for ban in engine.jail_status("demo").bans] == [EVE]
        await engine.stop()

    run(play())
