"""Who we are ourselves."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct

import pytest

from sekisho.lookup import own
from sekisho.lookup.dns import Resolver
from sekisho.lookup.own import has_ipv6, parse_addresses, read_interface_addresses, read_own_host
from sekisho.model.address import Subject, parse_subject


def _message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


def _address(*attributes: tuple[int, bytes]) -> bytes:
    body = struct.pack("=BBBBI", 0, 0, 0, 0, 1)
    for kind, value in attributes:
        body += struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)
    return _message(20, body)


def _subjects(*texts: str) -> set[Subject]:
    return set(map(parse_subject, texts))


def test_the_local_end_of_a_link_is_ours() -> None:
    """On a point-to-point link IFA_ADDRESS is the other side, and IFA_LOCAL is ours; labels are skipped."""
    found: set[Subject] = set()
    label = (3, b"ppp0\0")
    data = _address(label, (1, bytes([192, 0, 2, 9])), (2, bytes([192, 0, 2, 1])))
    data += _address((1, parse_bytes("2001:db8::1")))
    assert parse_addresses(data, found)
    assert not parse_addresses(_message(3, b"\0\0\0\0"), found)
    assert found == _subjects("192.0.2.1", "2001:db8::1")


def parse_bytes(address: str) -> bytes:
    """The address as the kernel has it."""
    return socket.inet_pton(socket.AF_INET6, address)


def test_an_error_of_the_kernel_is_raised() -> None:
    """With its text."""
    with pytest.raises(PermissionError):
        parse_addresses(_message(2, struct.pack("=i", -1) + b"\0" * 16), set())


def test_a_torn_datagram_ends() -> None:
    """Lengths that make no sense do not loop."""
    assert parse_addresses(struct.pack("=IHHII", 0, 20, 0, 1, 0) * 3, set())


def test_the_kernel_names_loopback() -> None:
    """The real netlink, once."""
    assert parse_subject("127.0.0.1") in read_interface_addresses()


def test_names_and_interfaces_and_loopback_are_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host is found by its short name; where interfaces cannot be read, the rest remains."""

    def forward(name: str, ipv6: bool) -> tuple[str | None, tuple[str, ...]]:  # noqa: FBT001
        if name == "localhost":
            return name, ("127.0.0.1",)
        return "gate.example.org", ("192.0.2.1",)

    def refuse() -> frozenset[Subject]:
        raise PermissionError

    monkeypatch.setattr(socket, "gethostname", lambda: "gate")
    monkeypatch.setattr(own, "read_interface_addresses", lambda: frozenset(_subjects("198.51.100.1")))
    host = asyncio.run(read_own_host(Resolver(getaddrinfo=forward)))
    assert (host.short, host.full) == ("gate", "gate.example.org")
    expected = _subjects("127.0.0.0/8", "127.0.0.1", "::1", "192.0.2.1", "198.51.100.1")
    assert host.subjects == expected
    monkeypatch.setattr(own, "read_interface_addresses", refuse)
    assert asyncio.run(read_own_host(Resolver(getaddrinfo=forward))).subjects == expected - _subjects("198.51.100.1")


def test_a_kernel_without_ipv6_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses the family of the socket, and so `allowipv6 = auto` is no."""

    def refuse(family: int, kind: int) -> None:
        raise OSError(errno.EAFNOSUPPORT, f"family {family} of kind {kind}")

    monkeypatch.setattr(socket, "socket", refuse)
    assert not has_ipv6()
