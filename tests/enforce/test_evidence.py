"""Tests of enforce.evidence: what the elements of a jail's sets are worth as evidence."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from tests.support.memory_sets import MemorySets

from sekisho.enforce.evidence import Held, count, explain, hold, read_held
from sekisho.enforce.ruleset import JailRules, Reach, render_statements
from sekisho.enforce.structure import Structure
from sekisho.enforce.wire import Element
from sekisho.model.address import Family, parse_subject
from sekisho.model.proof import Count

NOW = 1_800_000_000.0
SSHD = JailRules("sshd", Reach())
SETS = frozenset({"addr-set-sshd", "addr6-set-sshd", "net-set-sshd", "net6-set-sshd"})
WHOLE = Structure(Counter({"prerouting": 1, "jail-sshd": len(render_statements(SSHD))}), SETS)
NOBODY = Held((), ())


def span(first: str, last: str, *, timeout: int | None = None, packets: int = 0) -> Element:
    """An element of an interval set; each of its packets was 60 bytes long."""
    return Element(ip_address(first).packed, ip_address(last).packed, timeout, packets, 60 * packets)


def held(*ranges: Element) -> dict[Family, Held]:
    """Two addresses, and these ranges of IPv4."""
    four = (Element(b"\xc0\x00\x02\x01", None, 60_000, 3, 180), Element(b"\xc0\x00\x02\x02"))
    six = (Element(ip_address("2001:db8::66").packed, None, None, 2, 160),)
    return {Family.INET4: Held(four, ranges), Family.INET6: Held(six, ())}


def test_each_address_has_its_own_count_and_the_sum_is_of_all() -> None:
    """Addresses of both families are told by name; who was never stopped has nothing counted."""
    tally = count(held(), {Family.INET4: (), Family.INET6: ()})
    assert tally.total == Count(5, 340)
    assert {subject.text: each.packets for subject, each in tally.of.items()} == {
        "192.0.2.1": 3,
        "192.0.2.2": 0,
        "2001:db8::66": 2,
    }


def test_a_range_is_told_of_each_network_that_it_stands_for_and_summed_once() -> None:
    """A network inside another shares its range: both have stopped its packets, which were stopped once."""
    found = held(
        span("198.51.100.0", "198.51.100.63", packets=1),
        span("198.51.100.64", "198.51.100.127", packets=4),
        span("203.0.113.0", "203.0.113.255", packets=9),
    )
    wide, narrow = ip_network("198.51.100.0/25"), ip_network("198.51.100.64/26")
    tally = count(found, {Family.INET4: (wide, narrow), Family.INET6: ()})
    assert tally.total.packets == 5 + 14
    assert [tally.of[parse_subject(str(net))].packets for net in (wide, narrow)] == [5, 4]


@pytest.mark.parametrize(
    ("who", "is_held", "seconds"),
    [
        ("192.0.2.1", True, 60.0),
        ("192.0.2.2", True, None),
        ("192.0.2.3", False, None),
        ("198.51.100.70", True, 5.0),
        ("198.51.100.0/25", True, 5.0),
        ("198.51.100.0/24", False, None),
        ("2001:db8::66", True, None),
        ("2001:db8::67", False, None),
        ("not an address", False, None),
    ],
)
def test_who_is_held_and_until_when(who: str, is_held: bool, seconds: float | None) -> None:  # noqa: FBT001
    """An address by itself or in a range; a network only whole, and no longer than the first of its parts."""
    found = held(
        span("198.51.100.0", "198.51.100.63", timeout=9000), span("198.51.100.64", "198.51.100.127", timeout=5000)
    )
    (holding,) = hold([parse_subject(who)], found, NOW)
    assert (holding.is_held, holding.until) == (is_held, None if seconds is None else NOW + seconds)


def test_sets_that_are_gone_hold_nobody() -> None:
    """After another program's flush there is no set to read, which is no error but the answer."""
    assert read_held(MemorySets(), SSHD) == {Family.INET4: NOBODY, Family.INET6: NOBODY}


@pytest.mark.parametrize(
    ("structure", "fault"),
    [
        (WHOLE, ""),
        (Structure(Counter()), "the table is gone"),
        (replace(WHOLE, is_dormant=True), "the table is dormant"),
        (replace(WHOLE, rules=Counter({"jail-sshd": 4})), "the base chain prerouting is gone"),
        (replace(WHOLE, rules=Counter({"prerouting": 0})), "the chain jail-sshd is gone"),
        (replace(WHOLE, sets=frozenset()), "not as they were written"),
    ],
)
def test_what_keeps_packets_from_the_chain_is_named(structure: Structure, fault: str) -> None:
    """Nothing where all stands; else the outermost thing that is missing."""
    found = explain(structure, SSHD)
    assert fault in found
    assert bool(fault) == bool(found)
