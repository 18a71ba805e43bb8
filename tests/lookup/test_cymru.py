"""Whose network an address is in, asked of a name server on loopback that speaks the real protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from sekisho.lookup.cymru import ABSENT, ERROR, UNKNOWN, find_origins, name_of, parse_origin
from sekisho.model.address import parse_subject
from sekisho.model.origin import Origin

ZONE = {
    "1.2.0.192.origin.asn.cymru.com.": ["64500 | 192.0.2.0/24 | US | arin | 1998-09-25"],
    "5.100.51.198.origin.asn.cymru.com.": [
        "64496 64497 | 198.51.100.0/24 | DE | ripencc | 2001-01-01",
        "64498 | 198.51.0.0/16 | FR | ripencc | 2001-01-01",
    ],
    "7.100.51.198.origin.asn.cymru.com.": ["out of order"],
}


class NameServer(asyncio.DatagramProtocol):
    """Answers for `ZONE`; every other name does not exist."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport = cast("asyncio.DatagramTransport", transport)  # by duck typing before Python 3.12

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question."""
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        name = query.question[0].name
        if texts := ZONE.get(str(name)):
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *(f'"{text}"' for text in texts)))
        else:
            response.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(response.to_wire(), addr)


def ask(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[Origin]:
    """Ask the server about these."""

    async def play() -> list[Origin]:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            NameServer, local_addr=("127.0.0.1", 0)
        )
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = transport.get_extra_info("sockname")[1]
        monkeypatch.setattr(dns.asyncresolver, "default_resolver", resolver)
        try:
            return await find_origins([parse_subject(address) for address in addresses])
        finally:
            transport.close()

    return asyncio.run(play())


def test_the_origins_of_the_banned_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """One each, in their order: several values beside each other, and a word where there is none."""
    told = ask(monkeypatch, "192.0.2.1", "198.51.100.5", "203.0.113.9", "mallory", "198.51.100.7")
    assert told == [
        Origin("64500", "US", "arin"),
        Origin("64496 64497, 64498", "DE, FR", "ripencc"),
        ABSENT,
        UNKNOWN,
        ERROR,
    ]


def test_the_name_that_is_asked_for() -> None:
    """Octets or nibbles in reverse; of a network its first address."""
    assert name_of(parse_subject("198.51.100.0/24")) == "0.100.51.198.origin.asn.cymru.com"
    nibbles = ["0"] * 23 + list("8bd01002")
    assert name_of(parse_subject("2001:db8::1")) == ".".join(["1", *nibbles, "origin6", "asn", "cymru", "com"])


def test_one_that_cannot_be_asked_about_costs_nobody_else() -> None:
    """A name server that does not answer is an error for its address; without a resolver all are."""

    async def records(name: str) -> Sequence[str]:
        if name.startswith("1."):
            raise OSError("timed out")
        if name.startswith("2."):
            raise ImportError("no dnspython")
        return ["1 | x | JP | apnic"]

    subjects = [parse_subject(f"192.0.2.{last}") for last in (1, 2, 3)]
    told = asyncio.run(find_origins(subjects, records=records))
    assert told == [ERROR, ERROR, parse_origin(["1 | x | JP | apnic"])]
    assert asyncio.run(find_origins([])) == []
