"""Tests of enforce.ranges."""

from __future__ import annotations

import itertools
from ipaddress import IPv4Address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from sekisho.enforce.ranges import Range, covers, flatten, stand_apart, summarize
from sekisho.model.address import Network


def net(text: str) -> Network:
    """A network by its text."""
    return ip_network(text)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Networks within one /24, so that they overlap often."""
    length = draw(st.integers(24, 32))
    return ip_network((0xC0000200 + draw(st.integers(0, 255)), length), strict=False)


ends = st.one_of(st.none(), st.integers(1, 4).map(float))


def test_overlapping_bans_are_cut_where_their_ends_differ() -> None:
    """10/8 until 100 and 10.1/16 until 500 give three ranges; the middle one lasts longer."""
    first, last = int(IPv4Address("10.1.0.0")), int(IPv4Address("10.1.255.255"))
    assert flatten({net("10.0.0.0/8"): 100.0, net("10.1.0.0/16"): 500.0}) == {
        Range(10 << 24, first - 1): 100.0,
        Range(first, last): 500.0,
        Range(last + 1, (11 << 24) - 1): 100.0,
    }


def test_a_ban_for_ever_swallows_what_ends() -> None:
    """What lies in a network that is barred for ever needs no range of its own."""
    assert flatten({net("10.0.0.0/8"): None, net("10.1.0.0/16"): 500.0}) == {Range(10 << 24, (11 << 24) - 1): None}


def test_the_last_address_there_is_can_be_barred() -> None:
    """A range may reach the end of the address space."""
    assert flatten({net("0.0.0.0/0"): None}) == {Range(0, (1 << 32) - 1): None}
    assert flatten({net("ffff::/16"): 1.0}) == {Range(0xFFFF << 112, (1 << 128) - 1): 1.0}


@given(st.dictionaries(networks(), ends, max_size=8), st.integers(0, 255))
def test_an_address_is_barred_until_the_last_ban_that_covers_it(bans: dict[Network, float | None], host: int) -> None:
    """At every address the ranges say what the bans say; they ascend and do not overlap."""
    flat = flatten(bans)
    address = 0xC0000200 + host
    until = [end for network, end in bans.items() if int(network[0]) <= address <= int(network[-1])]
    expected = [None if None in until else max(end for end in until if end is not None)] if until else []
    assert [end for span, end in flat.items() if span.first <= address <= span.last] == expected
    spans = list(flat)
    assert spans == sorted(spans)
    assert all(one.last < other.first for one, other in itertools.pairwise(spans))


@given(st.dictionaries(networks(), ends, min_size=1, max_size=8))
def test_every_banned_network_is_covered(bans: dict[Network, float | None]) -> None:
    """The ranges cover each network, and the networks of the ranges are covered by the bans."""
    flat = list(flatten(bans))
    assert all(covers(flat, network) for network in bans)
    assert covers(flat, net("203.0.113.0/24")) is False
    parts = [part for span in flat for part in summarize(span, 4)]
    assert sum(part.num_addresses for part in parts) == sum(span.last - span.first + 1 for span in flat)


def test_a_gap_is_no_cover() -> None:
    """One address missing in the middle, and the network is not covered."""
    assert not covers([Range(0, 9), Range(11, 255)], net("0.0.0.0/24"))
    assert covers([Range(0, 9), Range(10, 255)], net("0.0.0.0/24"))


@given(st.lists(networks(), max_size=8), st.lists(networks(), min_size=1, max_size=3))
def test_networks_that_stand_apart_share_no_address_with_any_other(
    standing: list[Network], chosen: list[Network]
) -> None:
    """What is said to stand apart does; of one length, whatever does is said to."""
    touches = any(one != other and one.overlaps(other) for one in chosen for other in standing)
    assert not (touches and stand_apart(chosen, set(standing)))
    if len({each.prefixlen for each in (*standing, *chosen)}) == 1:
        assert stand_apart(chosen, set(standing))
