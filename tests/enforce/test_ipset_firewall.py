"""What ipset has beside the contract of native firewalls (`test_native`); `test_ipset_firewall_packets` has packets."""

from __future__ import annotations

import errno
import logging

import pytest
from tests.support.walls import NOW, IpsetWall, ban, do

from sekisho.enforce.ipset_wire import LONGEST, Entry
from sekisho.model.action import ActionError
from sekisho.model.address import parse_subject
from sekisho.model.ports import PortRange
from sekisho.model.proof import Count, Witness
from sekisho.model.specs import PERMANENT

DAY = 86400


@pytest.fixture
def wall() -> IpsetWall:
    """An action that has started with nobody."""
    built = IpsetWall()
    do(built.action.start([]))
    return built


def test_a_ban_of_a_year_is_renewed_every_day_until_its_end_can_be_counted(wall: IpsetWall) -> None:
    """The kernel holds it for 24.8 days; after each day it is written again, in the end with what is left."""
    do(wall.action.ban([ban("192.0.2.1", seconds=365 * DAY), ban("192.0.2.2", seconds=365 * DAY)]))
    assert wall.left("192.0.2.1") == LONGEST
    do(wall.action.unban([ban("192.0.2.2")]))
    key = bytes([192, 0, 2, 1]), 32
    for now, held, wanted in ((DAY - 1, 7, 7), (DAY, 7, LONGEST), (350 * DAY, 7, 15 * DAY), (352 * DAY, 7, 7)):
        wall.host.held["sekisho4-sshd"][key] = Entry(*key, held)
        wall.now = NOW + now
        assert wall.listed() == {"192.0.2.1"}
        assert wall.left("192.0.2.1") == wanted


def test_what_cannot_be_barred_fails_alone_and_for_good(wall: IpsetWall) -> None:
    """A name is no address, and a set holds no network of everybody; the others are barred."""
    failed = do(wall.action.ban([ban("192.0.2.1"), ban("alice"), ban("0.0.0.0/0"), ban("::/0")]))
    assert [(each.reason, each.is_final) for each in failed] == [
        ("it is no address, so no firewall can bar it", True),
        ("ipset: a set holds no network as wide as 0.0.0.0/0; bar its two halves", True),
        ("ipset: a set holds no network as wide as ::/0; bar its two halves", True),
    ]
    assert wall.listed() == {"192.0.2.1"}


def test_a_full_set_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """Room for two: two are barred, each further one fails, and one line says what is wrong and how to mend it."""
    wall = IpsetWall(maxelem="2")
    action = wall.action
    do(action.start([]))
    people = [ban(f"192.0.2.{number}") for number in range(1, 6)]
    with caplog.at_level(logging.WARNING):
        assert [each.ban.subject.text for each in do(action.ban(people))] == ["192.0.2.3", "192.0.2.4", "192.0.2.5"]
        assert do(action.ban([ban("192.0.2.1", seconds=900)])) == []
        assert len(do(action.ban(people[2:]))) == 3
    (told,) = [record.getMessage() for record in caplog.records]
    assert told == (
        "[sshd] the set sekisho4-sshd is full with its 2 elements: nobody more is barred until one of them ends "
        "(set maxelem = of the action higher)"
    )
    assert wall.listed() == {"192.0.2.1", "192.0.2.2"}
    do(action.unban(people[:1]))
    assert do(action.ban(people[2:3])) == []


def test_a_full_set_has_room_for_who_comes_when_others_have_gone() -> None:
    """At the start those who are over leave first."""
    wall = IpsetWall(maxelem="2")
    do(wall.action.start([ban("192.0.2.1"), ban("192.0.2.2")]))
    assert do(wall.successor().start([ban("192.0.2.3"), ban("192.0.2.4")])) == []


def test_who_takes_the_rules_away_leaves_no_whole_wall(wall: IpsetWall) -> None:
    """Though the sets hold everybody; the next start makes it whole."""
    do(wall.action.ban([ban("192.0.2.1")]))
    wall.host.rules.clear()
    assert not do(wall.action.is_whole())
    assert wall.listed() == {"192.0.2.1"}
    do(wall.action.start([]))
    assert do(wall.action.is_whole())


def test_a_set_is_listed_only_when_its_number_is_not_ours(wall: IpsetWall) -> None:
    """What we did ourselves is known; whom another program took out, or an end, changes the number."""
    do(wall.action.ban([ban("192.0.2.1"), ban("192.0.2.2")]))
    wall.host.listings.clear()
    do(wall.action.unban([ban("192.0.2.2")]))
    do(wall.action.ban([ban("192.0.2.3"), ban("192.0.2.3", seconds=900)]))
    assert wall.listed() == {"192.0.2.1", "192.0.2.3"}
    assert wall.host.listings == []
    del wall.host.held["sekisho4-sshd"][bytes([192, 0, 2, 1]), 32]
    assert wall.listed() == {"192.0.2.3"}
    wall.host.add("sekisho6-sshd", [Entry(bytes(16), 100)])
    assert wall.listed() == {"192.0.2.3", "::/100"}
    assert wall.host.listings == ["sekisho4-sshd", "sekisho6-sshd"]


def test_a_family_without_iptables_is_no_hope_for_its_bans() -> None:
    """IPv6 cannot be barred here: such a ban fails for good, the others do not notice."""
    wall = IpsetWall()
    wall.host.broken = {"ip6tables", "ip6tables-legacy", "ip6tables-nft"}
    (failed,) = do(wall.action.start([ban("192.0.2.1"), ban("2001:db8::1")]))
    assert (failed.ban.subject.text, failed.is_final) == ("2001:db8::1", True)
    assert failed.reason == "ipset: ip6tables-save returned 3: it does not work"
    assert do(wall.action.is_whole())
    assert wall.listed() == {"192.0.2.1"}


def test_a_kernel_that_refuses_everything_is_not_taken_for_broken(
    wall: IpsetWall, caplog: pytest.LogCaptureFixture
) -> None:
    """EPERM on the socket: the list and the proofs are unknown, and say why."""
    wall.refuse(errno.EPERM)
    assert do(wall.action.listed()) is None
    assert do(wall.action.is_whole())
    assert "[sshd] ipset cannot be asked" in caplog.text
    for ask in (wall.action.counted(), wall.action.barrier([])):
        with pytest.raises(ActionError, match="ipset cannot be asked for jail 'sshd'"):
            do(ask)


def test_each_ban_counts_for_itself(wall: IpsetWall) -> None:
    """A network and an address in it are two elements, and the sum is theirs; both families are in it."""
    do(wall.action.ban([ban("10.0.0.0/8"), ban("10.1.2.3"), ban("2001:db8::1")]))
    held = wall.host.held["sekisho4-sshd"]
    held[bytes([10, 0, 0, 0]), 8] = Entry(bytes([10, 0, 0, 0]), 8, 600, packets=3, octets=180)
    held[bytes([10, 1, 2, 3]), 32] = Entry(bytes([10, 1, 2, 3]), 32, 600, packets=1, octets=60)
    tally = do(wall.action.counted())
    assert tally.total == Count(4, 240)
    assert {subject.text: count.packets for subject, count in tally.of.items()} == {
        "10.0.0.0/8": 3,
        "10.1.2.3": 1,
        "2001:db8::1": 0,
    }


def test_who_is_held_and_until_when_is_told(wall: IpsetWall) -> None:
    """An address is held by its own element and by any network around it, until the last of them ends."""
    do(wall.action.ban([ban("10.0.0.0/8", seconds=900), ban("10.1.2.3"), ban("11.0.0.0/8", seconds=PERMANENT)]))
    asked = [parse_subject(who) for who in ("10.1.2.3", "10.9.0.0/16", "11.0.0.1", "12.0.0.1", "alice")]
    barrier = do(wall.action.barrier(asked))
    assert [(holding.is_held, holding.until) for holding in barrier.holdings] == [
        (True, NOW + 900),
        (True, NOW + 900),
        (True, None),
        (False, None),
        (False, None),
    ]
    assert (barrier.chain, barrier.fault, barrier.protocols, barrier.ports) == (
        "raw PREROUTING",
        "",
        ("tcp",),
        (PortRange(22, 22),),
    )
    assert barrier.witness is Witness.COUNTER
    wall.host.rules.clear()
    wall.host.held.clear()
    barrier = do(wall.action.barrier(asked))
    assert barrier.fault == "the set sekisho4-sshd is gone"
    assert not any(holding.is_held for holding in barrier.holdings)
