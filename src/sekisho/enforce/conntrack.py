"""Entries of connection tracking as bytes: messages to and from ctnetlink.

The kernel's `uapi/linux/netfilter/nfnetlink_conntrack.h` names their attributes (CTA_...). An entry has two tuples: how
packets of its first direction came in, and how those of the other do; between them lies what NAT changes. Both are what
a packet bears before any chain has touched it, as our own chain sees it. A removal names the entry by its first tuple,
number and zone, all as the kernel wrote them.

Tables of a hundred thousand entries are usual. So one address alone is asked for by name: from Linux 5.8 on the kernel
then lists its entries only, and an older one takes no notice, and lists all. Of a whole listing, entries are read only
as far as is needed to see that they are nobody's who is looked for.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address

from sekisho.enforce.disconnect import Packet, Quarry
from sekisho.enforce.wire import pack_attribute, pack_message, read_attributes

_SUBSYSTEM = 1 << 8  # NFNL_SUBSYS_CTNETLINK
_GET, _DELETE = _SUBSYSTEM | 1, _SUBSYSTEM | 2  # IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_DELETE
_REQUEST_DUMP, _REQUEST_ACK = 0x301, 0x5
_NESTED = 0x8000
_FORTH, _BACK, _NUMBER, _ZONE, _FILTER = 1, 2, 12, 18, 25  # CTA_TUPLE_ORIG, _TUPLE_REPLY, _ID, _ZONE, _FILTER
_ADDRESSES, _PROTOCOL = 1, 2  # CTA_TUPLE_IP, CTA_TUPLE_PROTO
_SOURCES = (1, 3)  # CTA_IP_V4_SRC, CTA_IP_V6_SRC
_PROTOCOL_NUMBER, _DESTINATION_PORT = 1, 3  # CTA_PROTO_NUM, CTA_PROTO_DST_PORT
_BY_SOURCE = struct.pack("=I", 1)  # which parts of a tuple the kernel is to compare: CTA_IP_SRC
_INET, _INET6 = 2, 10

Request = Callable[[int], bytes]
"""A message that lacks its sequence number only."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One connection that is tracked: what its packets look like in each direction, and its name for the kernel."""

    packets: tuple[Packet, ...]
    name: bytes

    def pack_removal(self, sequence: int) -> bytes:
        """Return the request to remove exactly this entry."""
        family = _INET if len(self.packets[0].source) == 4 else _INET6
        return pack_message(_DELETE, _REQUEST_ACK, sequence, self.name, family=family)


def make_listings(quarry: Quarry) -> list[Request]:
    """Return the requests whose answers hold all entries that are looked for, and maybe others."""
    only = quarry.only
    wanted = [b""]
    if only is not None and only.prefixlen == only.max_prefixlen:
        wanted = [_pack_filter(only.network_address, direction) for direction in (_FORTH, _BACK)]
    families = [_INET if version == 4 else _INET6 for version in quarry.versions]
    return [partial(_pack_listing, family, body) for family in families for body in wanted]


def find_entries(quarry: Quarry, bodies: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries of a listing that may be looked for. Raises ValueError where a message is no entry."""
    for body in bodies:
        sources = _glance(body)
        if sources is None or any(map(quarry.has_source, sources)):
            yield parse_entry(body)


def parse_entry(body: bytes) -> Entry:
    """Return the entry that one message of a listing describes. Raises ValueError where it is none."""
    packets: list[Packet] = []
    name = b""
    for kind, start, end in read_attributes(body, 0, len(body)):
        if kind in {_FORTH, _BACK}:
            packets.append(_parse_tuple(body, start, end))
        if kind in {_FORTH, _NUMBER, _ZONE}:
            name += body[start - 4 : end] + bytes(-(end - start) % 4)
    if len(packets) != 2:
        raise ValueError(f"a conntrack entry with {len(packets)} tuples: expected 2")
    return Entry(tuple(packets), name)


def _glance(body: bytes) -> tuple[bytes, bytes] | None:
    """Return the sources of both tuples, None where the kernel did not lay them out as for a protocol with ports.

    That is two comparisons instead of a walk over twenty attributes, and a tenth of the price.
    """
    for width, length, forth, back in _LAYOUTS:
        if body.startswith(forth) and body.startswith(back, length):
            return body[12 : 12 + width], body[length + 12 : length + 12 + width]
    return None


def _lay_out(width: int) -> tuple[int, int, bytes, bytes]:
    """Return the width of an address, the length of a tuple with two of them, and what stands before each source."""
    addresses = 4 + 2 * (4 + width)
    length = 4 + addresses + 28  # number and two ports, of eight bytes each, in an attribute of their own
    forth, back = (
        struct.pack("=HHHHHH", length, _NESTED | tuple_, addresses, _NESTED | _ADDRESSES, 4 + width, source)
        for tuple_, source in ((_FORTH, _SOURCES[width == 16]), (_BACK, _SOURCES[width == 16]))
    )
    return width, length, forth, back


_LAYOUTS = (_lay_out(4), _lay_out(16))


def _pack_listing(family: int, body: bytes, sequence: int) -> bytes:
    return pack_message(_GET, _REQUEST_DUMP, sequence, body, family=family)


def _pack_filter(source: IPv4Address | IPv6Address, direction: int) -> bytes:
    """Return the attributes that let the kernel list only entries of which one tuple has that source."""
    address = pack_attribute(_SOURCES[source.version == 6], source.packed)
    wanted = pack_attribute(_NESTED | direction, pack_attribute(_NESTED | _ADDRESSES, address))
    return wanted + pack_attribute(_NESTED | _FILTER, pack_attribute(direction, _BY_SOURCE))


def _parse_tuple(data: bytes, start: int, end: int) -> Packet:
    source, protocol = b"", 0
    port: int | None = None
    for kind, first, last in read_attributes(data, start, end):
        if kind == _ADDRESSES:
            for field, low, high in read_attributes(data, first, last):
                if field in _SOURCES:
                    source = data[low:high]
        elif kind == _PROTOCOL:
            for field, low, high in read_attributes(data, first, last):
                if field == _PROTOCOL_NUMBER:
                    protocol = data[low]
                elif field == _DESTINATION_PORT:
                    port = int.from_bytes(data[low:high], "big")
    return Packet(source, protocol, port)
