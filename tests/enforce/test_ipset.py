"""Tests of enforce.ipset with the real kernel, in a network namespace."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable
from ipaddress import ip_network

import pytest
from tests.support.namespace import play_in_namespace, run

from sekisho.enforce.ipset import IpsetSocket
from sekisho.enforce.ipset_wire import BUSY, FULL, LONGEST, Entry

pytestmark = pytest.mark.system(needs=("ipset",))

Play = Callable[[IpsetSocket], None]


def entry(network: str, timeout: int | None = 600) -> Entry:
    """An element."""
    found = ip_network(network)
    return Entry(found.network_address.packed, found.prefixlen, timeout)


def in_namespace(play: Play) -> Callable[[], None]:
    """Make a test of a play with two sets, `four` and `six`."""

    def test() -> None:
        async def live() -> None:
            with contextlib.closing(IpsetSocket()) as sets:
                sets.create("four", width=4, most=1000)
                sets.create("six", width=16, most=1000)
                await asyncio.sleep(0)
                play(sets)

        play_in_namespace(live, empty=["/run"])  # where iptables has its lock

    test.__doc__ = play.__doc__
    return test


@in_namespace
def test_what_is_added_is_listed_by_the_kernel_and_by_ipset(sets: IpsetSocket) -> None:
    """Addresses and overlapping networks of both families, with their times; 24.8 days, and for ever."""
    four = [entry("192.0.2.1"), entry("10.0.0.0/8", LONGEST), entry("10.1.0.0/16", None), entry("128.0.0.0/1")]
    six = [entry("2001:db8::1"), entry("2001:db8::/32", None)]
    assert sets.add("four", four) == sets.add("six", six) == []
    for name, wanted in (("four", four), ("six", six)):
        listed = {(each.key, each.prefix): each.timeout for each in sets.entries(name)}
        assert listed.keys() == {(each.key, each.prefix) for each in wanted}
        for each in wanted:
            left = listed[each.key, each.prefix]
            assert left == each.timeout or (each.timeout is not None and left == each.timeout - 1)
    assert "10.1.0.0/16 timeout 0 packets 0 bytes 0" in run("ipset", "list", "four")
    assert sets.header("four").entries == 4


@in_namespace
def test_to_say_it_twice_is_no_fault(sets: IpsetSocket) -> None:
    """Adding again gives the new time, deleting again does nothing; making a set again leaves it as it is."""
    sets.add("four", [entry("192.0.2.1", 50)])
    assert sets.add("four", [entry("192.0.2.1", 5000)]) == []
    sets.create("four", width=4, most=1000)
    (found,) = sets.entries("four")
    assert found.timeout in {4999, 5000}
    for _ in range(2):
        assert sets.delete("four", [entry("192.0.2.1"), entry("192.0.2.2")]) == []
    assert sets.entries("four") == []


@in_namespace
def test_one_bad_element_never_loses_the_others(sets: IpsetSocket) -> None:
    """An IPv6 address in a set of IPv4, in the midst of 2,500: it alone is refused."""
    sets.create("wide", width=4, most=5000)
    good = [entry(f"10.{number >> 8}.{number & 255}.1") for number in range(2500)]
    (refusal,) = sets.add("wide", [*good[:1200], entry("2001:db8::1"), *good[1200:]])
    assert refusal.entry == entry("2001:db8::1")
    assert not refusal.is_for_room
    assert sets.header("wide").entries == 2500


@in_namespace
def test_a_full_set_takes_what_fits_and_says_what_does_not(sets: IpsetSocket) -> None:
    """Room for three: the fourth is refused, and who is in already still gets a new time."""
    sets.create("small", width=4, most=3)
    people = [entry(f"192.0.2.{number}") for number in range(1, 5)]
    (refusal,) = sets.add("small", people)
    assert (refusal.entry, refusal.error, refusal.is_for_room) == (people[3], FULL, True)
    assert str(refusal) == "the kernel says: the set is full"
    assert sets.add("small", people[:3]) == []


@in_namespace
def test_sets_change_places_and_go(sets: IpsetSocket) -> None:
    """A swap is at one stroke; a set to which a rule refers stays, and who is asked for what is gone says so."""
    sets.create("fresh", width=4, most=7)
    sets.add("fresh", [entry("192.0.2.1")])
    run("iptables", "-t", "raw", "-A", "PREROUTING", "-m", "set", "--match-set", "four", "src", "-j", "DROP")
    sets.swap("four", "fresh")
    assert len(sets.entries("four")) == 1
    assert {header.name: header.references for header in sets.headers()} == {"four": 1, "fresh": 0, "six": 0}
    with pytest.raises(OSError, match="rules refer to the set") as caught:
        sets.destroy("four")
    assert caught.value.errno == BUSY
    for _ in range(2):
        sets.destroy("fresh")
    for ask in (sets.entries, sets.header, lambda name: sets.add(name, [entry("192.0.2.1")])):
        with pytest.raises(FileNotFoundError):
            ask("fresh")


@in_namespace
def test_sets_of_every_kind_have_a_name(sets: IpsetSocket) -> None:
    """What others have made beside ours is passed over without a fault."""
    for kind in (("list:set",), ("bitmap:port", "range", "1-100"), ("hash:ip", "comment")):
        run("ipset", "create", kind[0], *kind)
    assert {header.name for header in sets.headers()} == {
        *("four", "six", "list:set", "bitmap:port", "hash:ip"),
    }


@in_namespace
def test_a_set_of_other_room_is_in_the_way(sets: IpsetSocket) -> None:
    """What stands is not what was asked for."""
    with pytest.raises(FileExistsError):
        sets.create("four", width=4, most=999)


@in_namespace
def test_a_hundred_thousand_go_in_and_come_out(sets: IpsetSocket) -> None:
    """None is lost while the kernel's table grows."""
    sets.create("wide", width=16, most=1 << 20)
    crowd = [Entry((0x20010DB8 << 96 | number * 7).to_bytes(16, "big"), 128, 3600) for number in range(100_000)]
    assert sets.add("wide", crowd) == []
    assert {each.key for each in sets.entries("wide")} == {each.key for each in crowd}
    assert sets.delete("wide", crowd[:60_000]) == []
    assert sets.header("wide").entries == 40_000


def test_a_kernel_without_it_is_known_by_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for a subsystem that no kernel has, it says EINVAL; the socket does not come up."""
    monkeypatch.setattr("sekisho.enforce.ipset_wire._SUBSYSTEM", 60 << 8)
    with pytest.raises(OSError, match="Invalid argument") as caught:
        IpsetSocket()
    assert caught.value.errno == errno.EINVAL
