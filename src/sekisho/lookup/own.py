"""Who we are ourselves: our names and addresses, which `ignoreself` never lets be banned (COMPAT 1.9).

Interface addresses come from the kernel over rtnetlink (rtnetlink(7)), since no name needs to point to them.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from sekisho.lookup.dns import Resolver
from sekisho.model.address import Subject, parse_subject

_RTM_NEWADDR, _RTM_GETADDR, _NLMSG_ERROR, _NLMSG_DONE = 20, 22, 2, 3
_NLM_F_REQUEST_DUMP = 0x1 | 0x300
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_IFADDRMSG = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_LOOPBACK = frozenset(map(parse_subject, ("127.0.0.0/8", "::1")))


@dataclass(frozen=True, slots=True)
class OwnHost:
    """The host we run on: short name, full name, and the subjects that are itself (loopback, interfaces, names)."""

    short: str
    full: str
    subjects: frozenset[Subject]


async def read_own_host(resolver: Resolver) -> OwnHost:
    """Return this host as it is now; without its interfaces or names where they cannot be read. Never raises."""
    short = socket.gethostname() or "localhost"
    full = await resolver.canonical(short) or short
    named: frozenset[Subject] = frozenset()
    for name in {short, full, "localhost"}:
        named |= await resolver.resolve(name)
    try:
        interfaces = read_interface_addresses()
    except OSError:
        interfaces = frozenset()
    return OwnHost(short, full, _LOOPBACK | interfaces | named)


def has_ipv6() -> bool:
    """Return whether the kernel knows IPv6 at all (`allowipv6 = auto`)."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()
    except OSError:
        return False
    return True


def read_interface_addresses() -> frozenset[Subject]:
    """Return the addresses of all interfaces.

    Raises:
        OSError: the kernel does not tell.

    """
    found: set[Subject] = set()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as channel:
        channel.settimeout(2)
        request = _IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        channel.sendto(
            _HEADER.pack(_HEADER.size + len(request), _RTM_GETADDR, _NLM_F_REQUEST_DUMP, 1, 0) + request, (0, 0)
        )
        while True:
            data = channel.recv(65536)
            if not parse_addresses(data, found):
                return frozenset(found)


def parse_addresses(data: bytes, into: set[Subject]) -> bool:
    """Add the addresses of one datagram of an RTM_GETADDR dump to `into`; True when more datagrams follow.

    Raises:
        OSError: the kernel reports an error.

    """
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if kind == _NLMSG_DONE:
            return False
        body = data[at + _HEADER.size : at + length]
        if kind == _NLMSG_ERROR:
            code = -struct.unpack_from("=i", body)[0]
            raise OSError(code, os.strerror(code))
        if kind == _RTM_NEWADDR:
            attributes = _parse_attributes(body[_IFADDRMSG.size :])
            # IFA_ADDRESS is the peer's on a point-to-point link; IFA_LOCAL, where present, is always ours
            raw = attributes.get(_IFA_LOCAL) or attributes.get(_IFA_ADDRESS, b"")
            if len(raw) in (4, 16):
                into.add(parse_subject(str(IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw))))
        at += max(_HEADER.size, (length + 3) & ~3)
    return True


def _parse_attributes(data: bytes) -> dict[int, bytes]:
    attributes: dict[int, bytes] = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        attributes[kind] = data[at + _ATTRIBUTE.size : at + length]
        at += max(_ATTRIBUTE.size, (length + 3) & ~3)
    return attributes
