"""Tests of enforce.sockdiag: bytes as a kernel writes them; tests/enforce/test_cutter_packets.py has a real one."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest

from sekisho.enforce.disconnect import Cut, Means, Packet, Quarry
from sekisho.enforce.ruleset import Reach
from sekisho.enforce.sockdiag import Listing, make_listings
from sekisho.enforce.wire import parse_replies
from sekisho.model.address import parse_subject

BAD, GOOD = "198.51.100.66", "198.51.100.7"
RECORDED = """
7c0000001400020007000000471d00000a01000000169c4000000000000000000000ffffc000020100000000000000000000ffffc633644200000000
912f00000000000000000000000000000000000000000000264ad700050008000000000008000f00000000000c001500010000000000000006001600
12000000
"""


def quarry(*who: str) -> Quarry:
    """Everything of some people."""
    return Quarry([Cut("sshd", Means.SOCKETS, Reach(()), tuple(map(parse_subject, who)))])


def test_an_answer_recorded_from_a_kernel_is_understood() -> None:
    """What Linux 6.18 told of an IPv4 client at a service of both families: the client is known by its own address."""
    (reply,) = parse_replies(bytes.fromhex(RECORDED))
    found = Listing(10, 6, None).parse_connection(reply.body)
    assert found.packet == Packet(ip_address(BAD).packed, 6, 22)


def test_a_socket_is_ended_by_its_whole_identity() -> None:
    """Ports, addresses and the cookie go back as they came, so that a later socket of the same ports is not meant."""
    (reply,) = parse_replies(bytes.fromhex(RECORDED))
    request = Listing(10, 6, None).parse_connection(reply.body).pack_end(9)
    assert struct.unpack_from("=IHHI", request) == (72, 21, 0x5, 9)
    assert request[16:18] == bytes([10, 6])
    assert request[24:] == bytes.fromhex(RECORDED)[20:68]


@pytest.mark.parametrize("protocol", [6, 17])
def test_nobody_is_asked_about_sockets_that_only_listen(protocol: int) -> None:
    """A network of everybody would hold them too; what is closed or waits out its time is not asked for either."""
    (v4, v6) = make_listings(quarry("0.0.0.0/0"), protocol)
    for family, listing in ((2, v4), (10, v6)):
        request = listing.pack(3)
        assert request[16:18] == bytes([family, protocol])
        (states,) = struct.unpack_from("=I", request, 20)
        assert [state for state in range(32) if states & 1 << state] == [1, 2, 3, 4, 5, 8, 9, 11, 12]


def test_ipv6_is_asked_for_alone() -> None:
    """An address of IPv6 has no sockets of IPv4; one of IPv4 may have those of both."""
    assert [listing.family for listing in make_listings(quarry("2001:db8::66"), 6)] == [10]
    assert [listing.family for listing in make_listings(quarry(BAD), 6)] == [2, 10]


def test_one_network_is_asked_for_by_name() -> None:
    """Its address and length are in the program that the kernel runs; several are picked here."""
    alone = make_listings(quarry("198.51.100.0/24"), 6)[0].pack(1)
    assert alone[72:] == struct.pack("=HHBBHBBxxi", 20, 1, 8, 16, 20, 2, 24, -1) + ip_address("198.51.100.0").packed
    assert [len(listing.pack(1)) for listing in make_listings(quarry(BAD, GOOD), 6)] == [72, 72]


def test_a_description_cut_short_is_refused() -> None:
    """An error, not a socket of nobody."""
    with pytest.raises(ValueError, match="47 bytes: expected at least 48"):
        Listing(2, 6, None).parse_connection(bytes(47))
