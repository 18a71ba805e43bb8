"""Plays of jails that count and bar by prefix: one who owns a /64 has addresses without end, and one ban."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.house import DEMO, RECIDIVE, FakeClock, MemoryHouse, run, until

from sekisho.engine.api import Reload
from sekisho.engine.guard import SLACK
from sekisho.model.address import parse_subject
from sekisho.model.specs import EscalationSpec, FilterSpec, IgnoreCommandSpec

EVES = tuple(f"2001:db8:bad::{number}" for number in range(1, 10))
HERS, ANN = "2001:db8:bad::/64", "2001:db8:bad::77"
WIDE = replace(DEMO, ipv4_prefix=24, ipv6_prefix=64)


@pytest.fixture
def house(tmp_path: Path) -> MemoryHouse:
    """A house whose jail bars a /64 of IPv6 and a /24 of IPv4."""
    return MemoryHouse(str(tmp_path / "ledger.sqlite"), jails=(WIDE,))


def test_who_fails_from_one_address_after_the_other_is_barred_with_all_of_them(house: MemoryHouse) -> None:
    """Each `Found` names the address, the `Ban` its prefix; a mapped address is IPv4; other prefixes are others."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVES[0], EVES[1], "2001:db8:0:1::1", "::ffff:192.0.2.1", "192.0.2.2", "198.51.100.3")
        assert house.held() == set()
        await house.fails(EVES[2], "::ffff:192.0.2.3")
        assert house.held() == {HERS, "192.0.2.0/24"}
        said = [line for line in house.entries if HERS[:-4] in line]
        assert [line.partition(" - ")[0] for line in said] == [
            *(f"[demo] Found {each}" for each in EVES[:3]),
            f"[demo] Ban {HERS}",
        ]
        (ban, _) = engine.jail_status("demo").bans
        assert (ban.failures, len(ban.matches)) == (3, 3)
        await house.fails(*EVES[3:6])
        assert house.entries[-1] == f"[demo] {HERS} already banned"
        house.clock.time += 3601
        await engine.housekeeping.end_bans()
        assert set(house.entries[-2:]) == {f"[demo] Unban {HERS}", "[demo] Unban 192.0.2.0/24"}
        await engine.stop()

    run(play())


def test_an_ignored_address_is_ignored_before_anybody_asks_for_its_prefix(house: MemoryHouse) -> None:
    """Ann's failures are nobody's; her neighbours count each by itself, and no ban covers her."""
    house.jails = (replace(WIDE, ignoreip=(ANN,)),)

    async def play() -> None:
        engine = await house.start()
        await house.fails(ANN, ANN, ANN, *EVES[:6], EVES[7], EVES[7])
        assert house.held() == set()
        assert house.entries.count(f"[demo] Ignore {ANN} by ip") == 3
        await house.fails(EVES[7])
        assert house.held() == {EVES[7]}
        await engine.stop()

    run(play())


def test_a_prefix_with_one_of_our_own_addresses_is_not_barred(house: MemoryHouse) -> None:
    """203.0.113.1 is this host: a neighbour is barred alone, even where the jail may bar the host itself."""
    house.jails = (replace(WIDE, ignoreself=False),)

    async def play() -> None:
        engine = await house.start()
        await house.fails("203.0.113.7", "203.0.113.7", "203.0.113.8", "203.0.113.7")
        assert house.held() == {"203.0.113.7"}
        await engine.stop()

    run(play())


@pytest.mark.parametrize("reason", ["live session", "gateway", "resolver"])
def test_a_prefix_with_somebody_guarded_is_not_barred(house: MemoryHouse, reason: str) -> None:
    """While Ann works from that /64, each of her neighbours counts by himself; afterwards all of it counts again."""
    house.guarded = {parse_subject(ANN): reason}

    async def play() -> None:
        engine = await house.start()
        await house.fails(*EVES[:4], EVES[4], EVES[4], EVES[4])
        assert house.held() == {EVES[4]}
        house.guarded.clear()
        house.clock.time += SLACK
        await house.fails(*EVES[:3])
        assert house.held() == {EVES[4], HERS}
        await engine.stop()

    run(play())


def test_a_session_that_begins_within_a_barred_prefix_frees_it(house: MemoryHouse) -> None:
    """Ann's login and the ban were of one moment: a beat later the prefix is free, and who goes on is barred alone."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(*EVES[:3])
        house.guarded[parse_subject(ANN)] = "live session"
        await engine.housekeeping.look_back()
        await house.settled()
        assert house.held() == set()
        assert house.entries[-2:] == [f"[demo] Ignore {HERS} by live session", f"[demo] Unban {HERS}"]
        await house.fails(*[EVES[3]] * 3)
        assert house.held() == {EVES[3]}
        await engine.stop()

    run(play())


def test_ignorecommand_is_asked_about_the_address(house: MemoryHouse) -> None:
    """The command knows addresses: Ann is spared by it, and what the others did counts together."""
    house.jails = (replace(WIDE, ignorecommand=IgnoreCommandSpec("ask <ip>")),)
    house.friends = {ANN}

    async def play() -> None:
        engine = await house.start()
        await house.fails(ANN, EVES[0], EVES[1])
        await until(lambda: not engine.doubtful())
        assert [asked for _, asked in house.asked] == [ANN, EVES[0], EVES[1]]
        assert house.held() == set()
        await house.fails(EVES[2])
        await until(lambda: not engine.doubtful())
        await house.settled()
        assert house.held() == {HERS}
        await engine.stop()

    run(play())


def test_who_comes_back_from_elsewhere_in_the_prefix_is_known(house: MemoryHouse) -> None:
    """With bantime.increment the prefix has one history: the second ban lasts twice as long, and comes sooner."""
    house.jails = (replace(WIDE, escalation=EscalationSpec(increment=True)),)

    async def play() -> None:
        engine = await house.start()
        await house.fails(*EVES[:3])
        house.clock.time += 3601
        await engine.housekeeping.end_bans()
        await house.fails(EVES[5], EVES[6])
        assert f"[demo] Found {EVES[5]}, bad - " in "\n".join(house.entries)
        (ban,) = engine.jail_status("demo").bans
        assert (ban.subject.text, ban.count, ban.duration) == (HERS, 2, 7200)
        await engine.stop()

    run(play())


def test_recidive_counts_prefixes_and_may_have_a_wider_one(house: MemoryHouse) -> None:
    """Two /64 barred elsewhere are one offender to a recidive jail that counts by /48."""
    house.jails = (WIDE, replace(RECIDIVE, ipv6_prefix=48))

    async def play() -> None:
        engine = await house.start()
        await house.fails(*EVES[:3])
        assert f"[recidive] Found {HERS} - " in "\n".join(house.entries)
        await house.fails(*(f"2001:db8:bad:1::{number}" for number in range(3)))
        assert house.held("recidive") == {"2001:db8:bad::/48"}
        await engine.stop()

    run(play())


def test_a_restart_keeps_the_ban_and_judges_nothing_twice(house: MemoryHouse) -> None:
    """The prefix is barred as before; after it is over, two failures from before the death and a third make a ban."""

    async def play() -> None:
        await house.start()
        await house.fails(*EVES[:3])
        house.die()

    async def live_on() -> None:
        second = house.next_life()
        engine = await second.start()
        assert second.held() == {HERS}
        assert second.entries[:3] == [f"[demo] Restore Ban {HERS}"]
        assert engine.jail_status("demo").failed == 0, "what led to the ban is used up"
        await second.fails(*EVES[3:5])
        second.die()

    async def end() -> None:
        third = house.next_life()
        engine = await third.start()
        assert engine.jail_status("demo").failed == 1
        await engine.unban("demo", [parse_subject(HERS)])
        await third.fails(EVES[8])
        assert third.held() == {HERS}
        await engine.stop()

    run(play())
    run(live_on())
    run(end())


def test_what_led_to_the_ban_of_an_address_is_used_up_for_its_prefix(house: MemoryHouse) -> None:
    """Eve was barred alone, beside Ann's session; Ann is gone at the restart, and Eve's failures ban nobody again."""
    house.guarded = {parse_subject(ANN): "live session"}

    async def play() -> None:
        await house.start()
        await house.fails(*[EVES[0]] * 3)
        house.die()

    async def live_on() -> None:
        second = replace(house, entries=[], guarded={})
        engine = await second.start()
        await second.fails(EVES[1])
        assert second.held() == {EVES[0]}
        await engine.stop()

    run(play())
    run(live_on())


def test_a_start_does_not_restore_a_prefix_that_somebody_ignored_has_moved_into(house: MemoryHouse) -> None:
    """The exemption is newer than the ban."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(*EVES[:3])
        await engine.stop()
        second = replace(house, entries=[], jails=(replace(WIDE, ignoreip=(ANN,)),), clock=FakeClock())
        engine = await second.start()
        assert second.held() == set()
        await engine.stop()

    run(play())


def test_a_reload_and_a_word_change_the_length(house: MemoryHouse) -> None:
    """Bans stay, counters stay; from the next failure on it is the other prefix that counts."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(*EVES[:3], "192.0.2.1", "192.0.2.2")
        house.jails = (replace(WIDE, ipv4_prefix=32),)
        (change,) = (await engine.reload(Reload())).jails
        assert [(each.option, each.old, each.new) for each in change.options] == [("ipv4_prefix", "24", "32")]
        await house.fails("192.0.2.3")
        assert house.held() == {HERS}
        await engine.change("demo", replace(engine.jail_spec("demo"), ipv4_prefix=24))
        await house.fails("192.0.2.3")
        assert house.held() == {HERS, "192.0.2.0/24"}
        await engine.stop()

    run(play())


def test_unbanning_an_address_lifts_the_prefix_that_a_machine_barred_around_it(house: MemoryHouse) -> None:
    """Whoever lets an address in wants it in; its history is forgiven too. What a person barred stays a person's."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(*EVES[:3])
        ann = parse_subject(ANN)
        assert list(engine.bans_of(ann)) == ["demo"]
        assert [ban.subject.text for ban in await engine.unban("demo", [ann])] == [HERS]
        assert (house.held(), engine.bans_of(ann)) == (set(), {})
        await house.fails(*EVES[:3])
        (ban,) = engine.jail_status("demo").bans
        assert ban.count == 1
        await engine.ban("demo", [parse_subject("198.51.100.0/24")])
        bob = parse_subject("198.51.100.7")
        assert list(engine.bans_of(bob)) == ["demo"]
        assert await engine.unban(None, [bob]) == []
        assert house.held() == {HERS, "198.51.100.0/24"}
        await engine.stop()

    run(play())


def test_an_identifier_that_is_no_address_counts_as_itself(house: MemoryHouse) -> None:
    """Where a filter counts by user name, the address beside it is barred and nobody around it."""
    rule = r"^ fail user=\S+ from <F-ID>user\d</F-ID> at <ADDR>$"
    house.jails = (replace(WIDE, filter=FilterSpec("demo", (rule,))),)

    async def play() -> None:
        engine = await house.start()
        await house.fails(*[f"user1 at {EVES[0]}"] * 3, f"user2 at {EVES[1]}")
        assert [ban.subject.text for ban in engine.jail_status("demo").bans] == ["user1"]
        assert [ban.target.text for ban in engine.jail_status("demo").bans] == [EVES[0]]
        await engine.stop()

    run(play())


def test_an_attempt_by_hand_counts_for_the_prefix_and_a_ban_by_hand_is_as_named(house: MemoryHouse) -> None:
    """What a person reports is a failure like any other; whom a person names is whom he means."""

    async def play() -> None:
        engine = await house.start()
        for eve in EVES[:3]:
            await engine.attempt("demo", parse_subject(eve), [])
        await engine.ban("demo", [parse_subject("192.0.2.7")])
        await house.settled()
        assert house.held() == {HERS, "192.0.2.7"}
        await engine.stop()

    run(play())
