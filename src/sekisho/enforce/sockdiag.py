"""Open sockets as bytes: messages to and from the kernel's socket monitor (sock_diag(7), `uapi/linux/inet_diag.h`).

A message is a netlink header, four bytes (family, protocol, two that mean nothing here) and a mask of states; then the
socket's identity: ports, addresses, interface, and a cookie that no later socket of the same ports has.

One address or network alone is asked for by name: the kernel runs a program of one instruction over its sockets (as
`ss dst ...` has it) and lists those only. A socket that serves both families shows an IPv4 peer as ::ffff:a.b.c.d, and
the kernel compares it rightly.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sekisho.enforce.disconnect import Packet, Quarry
from sekisho.enforce.wire import pack_attribute
from sekisho.model.address import Network

ABORTABLE = {"TCP": 6, "UDP": 17}
"""The protocols whose sockets the kernel can destroy: of UDP those that are connected to one peer."""

_LIST, _DESTROY = 20, 21  # SOCK_DIAG_BY_FAMILY, SOCK_DESTROY
_REQUEST_DUMP, _REQUEST_ACK = 0x301, 0x5
_INET, _INET6 = 2, 10
_STATES = 0x1FFE & ~(1 << 6 | 1 << 7 | 1 << 10)  # all but TIME_WAIT, which nobody holds open, CLOSE and LISTEN
_BYTECODE, _COMPARE_PEER = 1, 8  # INET_DIAG_REQ_BYTECODE, INET_DIAG_BC_D_COND
_HEAD = struct.Struct("=IHHIIBBHI")
_IDENTITY = 48  # bytes: sport, dport, src, dst, if, cookie
_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291, section 2.5.5.2


@dataclass(frozen=True, slots=True)
class Listing:
    """A request for the connected sockets of a family; `parse_connection` reads its answers."""

    family: int
    protocol: int
    only: Network | None

    def pack(self, sequence: int) -> bytes:
        """Return the request."""
        wanted = b"" if self.only is None else pack_attribute(_BYTECODE, _pack_comparison(self.only))
        return _pack(_LIST, _REQUEST_DUMP, sequence, self.family, self.protocol, bytes(_IDENTITY) + wanted)

    def parse_connection(self, body: bytes) -> Connection:
        """Return the socket that one message of the answer describes. Raises ValueError where it is none."""
        if len(body) < _IDENTITY:
            raise ValueError(f"a socket's description of {len(body)} bytes: expected at least {_IDENTITY}")
        peer = body[20:24] if self.family == _INET else body[20:36].removeprefix(_MAPPED)
        packet = Packet(peer, self.protocol, int.from_bytes(body[:2], "big"))
        return Connection(packet, self.family, body[:_IDENTITY])


@dataclass(frozen=True, slots=True)
class Connection:
    """A connected socket: what packets to it look like, and its identity for the kernel."""

    packet: Packet
    family: int
    identity: bytes

    def pack_end(self, sequence: int) -> bytes:
        """Return the request to end exactly this connection: its owner reads ECONNABORTED, the peer of TCP a reset."""
        return _pack(_DESTROY, _REQUEST_ACK, sequence, self.family, self.packet.protocol, self.identity)


def make_listings(quarry: Quarry, protocol: int) -> list[Listing]:
    """Return the requests whose answers hold all sockets of a protocol that are looked for, and maybe others."""
    families = (_INET, _INET6) if 4 in quarry.versions else (_INET6,)
    return [Listing(family, protocol, quarry.only) for family in families]


def _pack(kind: int, flags: int, sequence: int, family: int, protocol: int, rest: bytes) -> bytes:
    return _HEAD.pack(_HEAD.size + len(rest), kind, flags, sequence, 0, family, protocol, 0, _STATES) + rest


def _pack_comparison(network: Network) -> bytes:
    """Return the program that lets sockets pass whose peer is in a network, whatever its port."""
    family = _INET if network.version == 4 else _INET6
    condition = struct.pack("=BBxxi", family, network.prefixlen, -1) + network.network_address.packed
    size = 4 + len(condition)
    return struct.pack("=BBH", _COMPARE_PEER, size, size + 4) + condition  # beyond the end means: not this one
