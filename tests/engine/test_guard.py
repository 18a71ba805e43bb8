"""Nobody is locked out by a machine: who is guarded, when that is asked, and who may insist."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.house import ACTION, DEMO, NOW, RECIDIVE, FakeClock, MemoryHouse, run

from sekisho.engine.api import Refused, Reload
from sekisho.engine.guard import FRESH, QUIET, SLACK, Guard
from sekisho.model.address import Subject, parse_subject
from sekisho.model.specs import FilterSpec, ServerSpec

ANN, EVE = "192.0.2.10", "192.0.2.66"
LIVE = {parse_subject(ANN): "live session"}
NETWORKS = replace(DEMO, filter=FilterSpec("demo", (r"^ fail user=\S+ from <SUBNET>$",)), maxretry=1)


@pytest.fixture
def house(tmp_path: Path) -> MemoryHouse:
    """A house in which Ann has a live session."""
    return MemoryHouse(str(tmp_path / "ledger.sqlite"), guarded=dict(LIVE))


def test_a_live_session_is_never_cut_and_bars_nobody_else_from_being_barred(house: MemoryHouse) -> None:
    """Whoever fails from Ann's address is not barred before she has left; then it takes as many failures as ever."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(ANN, ANN, ANN, EVE, EVE, EVE)
        assert house.held() == {EVE}
        assert f"[demo] Ignore {ANN} by live session" in house.entries
        house.guarded.clear()
        house.clock.time += FRESH
        await house.fails(ANN, ANN)
        assert house.held() == {EVE}, "what failed beside the session is used up"
        await house.fails(ANN)
        assert house.held() == {EVE, ANN}
        await engine.stop()

    run(play())


def test_a_session_that_has_just_begun_is_known(house: MemoryHouse) -> None:
    """The guard is asked when it comes to a ban, not when somebody thinks of it."""

    async def play() -> None:
        house.guarded.clear()
        engine = await house.start()
        await house.fails(EVE, EVE, EVE, ANN, ANN)
        house.guarded.update(LIVE)
        house.clock.time += FRESH
        await house.fails(ANN)
        assert house.held() == {EVE}
        await engine.stop()

    run(play())


def test_a_session_that_begins_in_the_moment_of_a_ban_is_free_a_beat_later(house: MemoryHouse) -> None:
    """One look serves many bans, so those are looked at once more; a ban by hand is left alone."""

    async def play() -> None:
        house.guarded.clear()
        engine = await house.start()
        await engine.ban("demo", [parse_subject("192.0.2.11")])
        await house.fails(ANN, ANN, ANN, EVE, EVE, EVE)
        house.guarded.update(LIVE | {parse_subject("192.0.2.11"): "live session"})
        await engine.housekeeping.look_back()
        await house.settled()
        assert house.held() == {EVE, "192.0.2.11"}
        assert house.entries[-2:] == [f"[demo] Ignore {ANN} by live session", f"[demo] Unban {ANN}"]
        await engine.stop()

    run(play())


def test_who_counts_by_prefix_asks_seldom_and_who_bans_often() -> None:
    """A look serves the counting for a second, in prefixes of whatever length; a ban wants a fresh one."""
    clock, looks = FakeClock(), []
    guarded = {parse_subject("2001:db8::77"): "live session", parse_subject(ANN): "gateway"}

    def look() -> dict[Subject, str]:
        looks.append(clock.time)
        return guarded

    guard = Guard(look, clock, lambda: True)
    for text, within in (("2001:db8::/64", True), ("2001:db8::/48", True), ("2001:db8:0:1::/64", False),
                         ("192.0.2.0/24", True), ("192.0.2.128/25", False)):  # fmt: skip
        assert guard.is_within(parse_subject(text)) is within
    clock.time += FRESH
    guard.is_within(parse_subject("2001:db8::/64"))
    assert len(looks) == 1
    assert guard.reason(parse_subject("2001:db8::/64")) == "live session"
    assert len(looks) == 2
    guarded = {}
    clock.time += SLACK
    assert not guard.is_within(parse_subject("2001:db8::/64"))
    assert not Guard(look, clock, lambda: False).is_within(parse_subject("2001:db8::/64"))
    assert len(looks) == 3


def test_the_log_tells_it_once_a_minute(house: MemoryHouse) -> None:
    """Who shares an operator's address cannot fill the log."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(*[ANN] * 9)
        assert house.entries.count(f"[demo] Ignore {ANN} by live session") == 1
        house.clock.time += QUIET
        await house.fails(ANN, ANN, ANN)
        assert house.entries.count(f"[demo] Ignore {ANN} by live session") == 2
        await engine.stop()

    run(play())


def test_a_network_is_not_barred_that_holds_a_guarded_or_an_ignored_address(house: MemoryHouse) -> None:
    """A log may name networks; one that covers Ann, or a friend, is left alone whatever was logged."""

    async def play() -> None:
        house.jails = (replace(NETWORKS, ignoreip=("198.51.100.7",)),)
        engine = await house.start()
        await house.fails("192.0.2.0/24", "198.51.100.0/24", "203.0.113.128/25")
        assert house.held() == {"203.0.113.128/25"}
        assert "[demo] Ignore 192.0.2.0/24 by live session" in house.entries
        assert "[demo] Ignore 198.51.100.0/24 by ip" in house.entries
        await engine.stop()

    run(play())


def test_a_stored_ban_of_who_is_guarded_now_is_not_restored(house: MemoryHouse) -> None:
    """Ann was banned yesterday, and sits at the console of the restarted host by another way today."""

    async def play() -> None:
        house.guarded.clear()
        await house.start()
        await house.fails(ANN, ANN, ANN)
        house.die()
        later = house.next_life()
        later.guarded = dict(LIVE)
        engine = await later.start()
        assert later.held() == set()
        assert f"[demo] Ignore {ANN} by live session" in later.entries
        await engine.stop()

    run(play())


def test_what_recidive_decides_is_a_machines_decision_too(house: MemoryHouse) -> None:
    """Bans by hand make a recidivist of others, but not of whoever has a live session."""

    async def play() -> None:
        house.jails = (DEMO, RECIDIVE)
        engine = await house.start()
        for _ in range(RECIDIVE.maxretry):
            await engine.ban("demo", list(map(parse_subject, (ANN, EVE))), force=True)
            await engine.unban("demo", None)
        await house.settled()
        assert house.held("recidive") == {EVE}
        await engine.stop()

    run(play())


def test_who_is_guarded_is_banned_by_hand_only_by_force(house: MemoryHouse) -> None:
    """The refusal names the reason and the way; nobody else of the same request is banned either."""

    async def play() -> None:
        engine = await house.start()
        for text, why in (
            (ANN, "live session"),
            ("192.0.2.0/24", "live session"),
            ("203.0.113.1", "this host's own address"),
            ("203.0.113.0/24", "this host's own address"),
        ):
            with pytest.raises(Refused, match=rf"{text} is guarded \({why}\).*sekisho ban --force demo {text}"):
                await engine.ban("demo", [parse_subject(EVE), parse_subject(text)])
        assert house.held() == set()
        assert await engine.ban("demo", [parse_subject(ANN)], force=True) == 1
        await house.settled()
        await engine.housekeeping.look_back()
        assert house.held() == {ANN}
        await engine.stop()

    run(play())


def test_an_ignored_address_is_banned_by_hand_and_a_network_around_it_is_not(house: MemoryHouse) -> None:
    """Who names it means it, as with Fail2ban; who names a network may not have known."""

    async def play() -> None:
        house.jails = (replace(DEMO, ignoreip=("198.51.100.7", "2001:db8:1::/48")),)
        engine = await house.start()
        with pytest.raises(Refused, match=r"198\.51\.100\.7 in it is ignored"):
            await engine.ban("demo", [parse_subject("198.51.100.0/24")])
        assert await engine.ban("demo", [parse_subject("198.51.100.7"), parse_subject("2001:db8:1::/48")]) == 2
        await engine.stop()

    run(play())


def test_an_administrator_may_do_without(house: MemoryHouse) -> None:
    """With `guard = off`, from a reload on, whoever fails is banned; `ignoreself = false` frees the host's own."""

    async def play() -> None:
        house.jails = (replace(DEMO, ignoreself=False),)
        engine = await house.start()
        assert await engine.ban("demo", [parse_subject("203.0.113.1")]) == 1
        house.server = ServerSpec(guard="off")
        await engine.reload(Reload())
        await house.fails(ANN, ANN, ANN)
        assert house.held() == {ANN, "203.0.113.1"}
        await engine.stop()

    run(play())


def test_a_jail_that_lets_in_lets_in(house: MemoryHouse) -> None:
    """Who knocks at pass2allow is to get in, all the more where he has a session already."""

    async def play() -> None:
        house.jails = (replace(DEMO, actions=(replace(ACTION, properties={"blocktype": "RETURN"}),)),)
        engine = await house.start()
        await house.fails(ANN, ANN, ANN)
        assert await engine.ban("demo", [parse_subject("203.0.113.1")]) == 1
        assert house.held() == {ANN, "203.0.113.1"}
        await engine.stop()

    run(play())


def test_a_clock_that_is_set_back_makes_no_look_last(house: MemoryHouse) -> None:
    """What was learned an hour ahead of now is not fresh."""

    async def play() -> None:
        house.clock = FakeClock(NOW + 3600)
        engine = await house.start()
        await house.fails(ANN, ANN, ANN)
        house.clock.time = NOW
        house.guarded.clear()
        await house.fails(ANN, ANN, ANN)
        assert house.held() == {ANN}
        await engine.stop()

    run(play())
