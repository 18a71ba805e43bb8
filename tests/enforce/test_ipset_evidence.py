"""Tests of enforce.ipset_evidence."""

from __future__ import annotations

from tests.support.memory_ipset import MemoryIpset

from sekisho.enforce.ipset_evidence import count, hold, read_entries
from sekisho.enforce.ipset_rules import parse_ipset_rules
from sekisho.enforce.ipset_wire import Entry
from sekisho.model.address import parse_subject
from sekisho.model.proof import Count, Holding

NOW = 1_800_000_000.0
WIDE = Entry(bytes([10, 0, 0, 0]), 8, 900, packets=3, octets=180)
ONE = Entry(bytes([10, 1, 2, 3]), 32, 600, packets=1, octets=60)


def test_a_set_that_is_gone_holds_nobody() -> None:
    """The other family's is read all the same."""
    host, rules = MemoryIpset(), parse_ipset_rules("sshd", "ipset", {})
    host.create("sekisho4-sshd", width=4, most=10)
    host.add("sekisho4-sshd", [ONE])
    assert read_entries(host, rules) == [ONE]


def test_each_element_counts_for_itself() -> None:
    """The sum is exact: no packet is counted twice."""
    tally = count([WIDE, ONE])
    assert tally.total == Count(4, 240)
    assert tally.of == {parse_subject("10.0.0.0/8"): Count(3, 180), parse_subject("10.1.2.3"): Count(1, 60)}


def test_who_is_held_stays_until_the_last_element_around_him_goes() -> None:
    """An address by the network around it, a network by a wider one; a wider one than is held is not."""
    asked = [parse_subject(who) for who in ("10.1.2.3", "10.1.0.0/16", "10.0.0.0/7", "2001:db8::1", "alice")]
    found = list(hold(asked, [WIDE, ONE], NOW))
    assert found[:2] == [Holding(asked[0], True, NOW + 900), Holding(asked[1], True, NOW + 900)]
    assert [each.is_held for each in found[2:]] == [False] * 3


def test_who_is_held_for_ever_has_no_end() -> None:
    """Whatever else holds him."""
    one = parse_subject("10.1.2.3")
    assert list(hold([one], [WIDE, Entry(ONE.key, 32)], NOW)) == [Holding(one, True, None)]
