"""Tests of enforce.disconnect: which connections end with a ban."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.enforce import ruleset
from sekisho.enforce.disconnect import PROTOCOLS, Cut, Means, Packet, Quarry, parse_means
from sekisho.enforce.ruleset import Reach, parse_reach
from sekisho.model.address import parse_subject
from sekisho.model.ports import PortRange

SSH = Reach(("tcp",), (PortRange(22, 22),))
BAD, GOOD, BAD6 = (ip_address(text).packed for text in ("192.0.2.66", "192.0.2.7", "2001:db8::66"))


def quarry(reach: Reach, *who: str) -> Quarry:
    """What one jail's bans ask for."""
    return Quarry([Cut("sshd", Means.SOCKETS, reach, tuple(map(parse_subject, who)))])


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("no", Means.NONE),
        ("", Means.NONE),
        ("sockets", Means.SOCKETS),
        ("Conntrack ", Means.CONNTRACK),
        ("yes", Means.SOCKETS | Means.CONNTRACK),
    ],
)
def test_the_parameter_says_by_what_connections_end(word: str, means: Means) -> None:
    """Four words, and nothing is as good as no."""
    assert parse_means(word) is means


def test_another_word_is_refused_with_those_that_are_known() -> None:
    """A typing error is named; it does not pass for yes or no."""
    with pytest.raises(ValueError, match="disconnect 'socket': expected no, conntrack, sockets or yes"):
        parse_means("socket")


@pytest.mark.parametrize(
    ("packet", "is_stopped"),
    [
        (Packet(BAD, 6, 22), True),
        (Packet(BAD, 6, 80), False),
        (Packet(BAD, 17, 22), False),
        (Packet(BAD, 1), False),
        (Packet(GOOD, 6, 22), False),
        (Packet(BAD6, 6, 22), True),
        (Packet(b"", 6, 22), False),
    ],
)
def test_a_packet_is_stopped_within_the_reach_of_the_ban(packet: Packet, *, is_stopped: bool) -> None:
    """From the banned, by the jail's protocol, to its port: all three, or the connection stays."""
    assert (quarry(SSH, "192.0.2.66", "2001:db8::66").jail_of(packet) == "sshd") is is_stopped


def test_a_ban_of_all_ports_stops_what_has_none_too() -> None:
    """With type allports and protocol all there is nothing that passes; with a list, what is not in it."""
    everything = quarry(parse_reach("all", None), "192.0.2.66")
    assert everything.jail_of(Packet(BAD, 47)) == "sshd"
    assert everything.jail_of(Packet(BAD, 6, 65535)) == "sshd"
    some = quarry(parse_reach("icmp,esp", None), "192.0.2.66")
    assert [some.jail_of(Packet(BAD, number)) for number in (1, 50, 6)] == ["sshd", "sshd", None]


def test_two_jails_do_not_lend_each_other_their_ports() -> None:
    """Whom sshd banned keeps the web, whom recidive banned keeps nothing; one look serves both."""
    both = Quarry(
        [
            Cut("sshd", Means.SOCKETS, SSH, (parse_subject("192.0.2.66"),)),
            Cut("recidive", Means.SOCKETS, Reach(("tcp",)), (parse_subject("192.0.2.7"),)),
        ]
    )
    found = [both.jail_of(Packet(who, 6, port)) for who in (BAD, GOOD) for port in (22, 80)]
    assert found == ["sshd", None, "recidive", "recidive"]
    assert not both.has_protocol(17)
    assert both.only is None


def test_one_network_is_known_to_be_the_only_one() -> None:
    """Then the kernel can be asked for it by name; text that is no address is nobody."""
    assert quarry(SSH, "192.0.2.66", "alice").only == ip_network("192.0.2.66/32")
    assert quarry(SSH, "2001:db8::/64").only == ip_network("2001:db8::/64")
    assert quarry(SSH, "2001:db8::/64", "192.0.2.66").versions == [4, 6]
    assert not quarry(SSH, "alice")


def test_every_protocol_that_rules_may_name_has_its_number() -> None:
    """A jail for whatever protocol can be asked whether it stops a packet."""
    assert {*ruleset._WITH_PORTS, *ruleset._WITHOUT_PORTS} == set(PROTOCOLS)


NETWORKS = st.integers(24, 32).flatmap(
    lambda length: st.integers(0, 255).map(lambda last: ip_network(f"192.0.2.{last}/{length}", strict=False))
)


@given(st.lists(NETWORKS, max_size=8), st.integers(0, 255))
def test_who_lies_in_a_banned_network_is_found(networks: list[object], last: int) -> None:
    """Networks may overlap and touch; an address is looked for exactly where one of them holds it."""
    address = ip_address(f"192.0.2.{last}")
    wanted = any(address in ip_network(str(network)) for network in networks)
    assert (quarry(SSH, *map(str, networks)).jail_of(Packet(address.packed, 6, 22)) == "sshd") is wanted
