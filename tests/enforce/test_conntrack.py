"""Tests of enforce.conntrack: bytes as a kernel writes them; tests/enforce/test_cutter_packets.py has a real one."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest

from sekisho.enforce.conntrack import Entry, find_entries, make_listings, parse_entry
from sekisho.enforce.disconnect import Cut, Means, Packet, Quarry
from sekisho.enforce.ruleset import Reach
from sekisho.enforce.wire import pack_attribute, parse_replies
from sekisho.model.address import parse_subject
from sekisho.model.ports import PortRange

NESTED = 0x8000
BAD, GOOD, SERVER = "198.51.100.66", "198.51.100.7", "192.0.2.1"
BEHIND = "192.0.2.200"


def pack_tuple(direction: int, source: str, target: str, protocol: int, *ports: int) -> bytes:
    """One tuple; ICMP has number, type and code where others have ports."""
    first = 3 if ":" in source else 1
    addresses = pack_attribute(first, ip_address(source).packed) + pack_attribute(first + 1, ip_address(target).packed)
    carried = pack_attribute(1, bytes([protocol]))
    if len(ports) == 2:
        carried += b"".join(
            pack_attribute(kind, struct.pack("!H", port)) for kind, port in zip((2, 3), ports, strict=True)
        )
    else:
        carried += pack_attribute(4, b"\0\7") + pack_attribute(5, b"\x08") + pack_attribute(6, b"\0")
    parts = pack_attribute(NESTED | 1, addresses) + pack_attribute(NESTED | 2, carried)
    return pack_attribute(NESTED | direction, parts)


def entry(forth: bytes, back: bytes, *, zone: int | None = None) -> bytes:
    """One entry as a listing shows it: tuples, status, timeout, number, and a zone where it is in one."""
    body = forth + back + pack_attribute(3, b"\0\0\0\x0e") + pack_attribute(7, b"\0\0\0\x3c")
    return (
        body + pack_attribute(12, b"\1\2\3\4") + (b"" if zone is None else pack_attribute(18, struct.pack("!H", zone)))
    )


def ssh(source: str, *, target: str = SERVER, zone: int | None = None) -> bytes:
    """A connection to port 22."""
    return entry(pack_tuple(1, source, target, 6, 4000, 22), pack_tuple(2, target, source, 6, 22, 4000), zone=zone)


def quarry(*who: str, port: int | None = 22) -> Quarry:
    """What bans of one jail ask for; None: all protocols and ports."""
    reach = Reach(()) if port is None else Reach(("tcp",), (PortRange(port, port),))
    return Quarry([Cut("sshd", Means.CONNTRACK, reach, tuple(map(parse_subject, who)))])


def doomed(wanted: Quarry, *listing: bytes) -> list[Entry]:
    """The entries of a listing that end."""
    found = find_entries(wanted, listing)
    return [entry for entry in found if any(wanted.jail_of(packet) for packet in entry.packets)]


def test_an_entry_is_read_and_named_by_what_the_kernel_wrote() -> None:
    """Both directions are told; the removal bears the first tuple, the number and the zone, and nothing else."""
    forth = pack_tuple(1, BAD, SERVER, 6, 4000, 22)
    read = parse_entry(ssh(BAD, zone=7))
    assert read.packets == (Packet(ip_address(BAD).packed, 6, 22), Packet(ip_address(SERVER).packed, 6, 4000))
    request = read.pack_removal(99)
    length, kind, flags, sequence = struct.unpack_from("=IHHI", request)
    assert (length, kind, flags, sequence) == (len(request), (1 << 8) | 2, 0x5, 99)
    assert request[16] == 2  # AF_INET
    assert request[20:] == forth + pack_attribute(12, b"\1\2\3\4") + pack_attribute(18, b"\0\7")


def test_an_entry_of_ipv6_is_removed_as_one() -> None:
    """The kernel has a table for both families, and wants to be told which."""
    assert parse_entry(ssh("2001:db8::66", target="2001:db8::1")).pack_removal(1)[16] == 10  # AF_INET6


def test_what_comes_from_the_banned_is_found_among_all() -> None:
    """Those of others, and to other ports, are left; ports need not be where they usually are in the message."""
    web = entry(pack_tuple(1, BAD, SERVER, 6, 4000, 80), pack_tuple(2, SERVER, BAD, 6, 80, 4000))
    ping = entry(pack_tuple(1, BAD, SERVER, 1), pack_tuple(2, SERVER, BAD, 1))
    listing = [ssh(GOOD), web, ssh(BAD), ping, ssh("2001:db8::66", target="2001:db8::1")]
    assert [found.packets[0] for found in doomed(quarry(BAD), *listing)] == [Packet(ip_address(BAD).packed, 6, 22)]
    assert len(doomed(quarry(BAD, port=None), *listing)) == 3
    assert len(doomed(quarry(BAD, "198.51.100.0/28", "2001:db8::/64"), *listing)) == 3


def test_the_port_is_the_one_that_was_dialled() -> None:
    """A published port leads to a container's 8080 behind NAT: the entry falls under a ban of 80, not of 8080."""
    published = entry(pack_tuple(1, BAD, SERVER, 6, 4000, 80), pack_tuple(2, BEHIND, BAD, 6, 8080, 4000))
    assert len(doomed(quarry(BAD, port=80), published)) == 1
    assert doomed(quarry(BAD, port=8080), published) == []


def test_what_this_host_began_goes_where_the_answers_are_barred() -> None:
    """A letter sent to the banned: its answers come to a port that only a ban of all ports bars."""
    letter = entry(pack_tuple(1, SERVER, BAD, 6, 4000, 25), pack_tuple(2, BAD, SERVER, 6, 25, 4000))
    assert doomed(quarry(BAD, port=25), letter) == []
    assert len(doomed(quarry(BAD, port=None), letter)) == 1


def test_one_address_is_asked_for_by_name() -> None:
    """Then there are two questions, for each direction one; else one for each version of IP, about everybody."""
    forth, back = (request(1) for request in make_listings(quarry(BAD)))
    assert ip_address(BAD).packed in forth
    assert ip_address(BAD).packed in back
    assert forth != back
    assert [request(5) for request in make_listings(quarry(BAD, GOOD))] == [
        struct.pack("=IHHIIBBH", 20, (1 << 8) | 1, 0x301, 5, 0, 2, 0, 0)
    ]
    assert [request(5)[16] for request in make_listings(quarry(BAD, "2001:db8::/64"))] == [2, 10]


def test_a_message_that_is_no_entry_is_refused() -> None:
    """Half an entry, and bytes that are no attributes: an error, not an entry of nobody."""
    with pytest.raises(ValueError, match="1 tuples: expected 2"):
        parse_entry(pack_tuple(1, BAD, SERVER, 6, 4000, 22))
    with pytest.raises(ValueError, match="attribute"):
        list(find_entries(quarry(BAD), [b"\xff\xff\1\x80" + bytes(20)]))


RECORDED = """
d40000000001220007000000471d000002000000340001801400018008000100c633644208000200c00002011c000280050001000600000006000200
9c4000000600030000160000340002801400018008000100c000020108000200c63364421c0002800500010006000000060002000016000006000300
9c400000080003000000000e080008000000000008000c004ec8d85808000b0000000001080007000006977f300004802c0001800500010003000000
050002000a000000050003000a00000006000400230000000600050023000000
"""


def test_an_answer_recorded_from_a_kernel_is_understood() -> None:
    """What Linux 6.18 told of a connection from port 40000 to port 22: a glance and a full reading find the same."""
    (reply,) = parse_replies(bytes.fromhex(RECORDED))
    read = parse_entry(reply.body)
    assert read.packets == (Packet(ip_address(BAD).packed, 6, 22), Packet(ip_address(SERVER).packed, 6, 40000))
    assert list(find_entries(quarry(BAD), [reply.body])) == [read]
    assert list(find_entries(quarry(GOOD), [reply.body])) == []
    assert list(find_entries(quarry(SERVER, port=40000), [reply.body])) == [read]
