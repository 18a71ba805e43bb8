"""Names to addresses and back."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable

import pytest

from sekisho.lookup.dns import Resolver
from sekisho.model.address import parse_subject


class NameServer:
    """Knows some names, counts questions, and can be made to hang."""

    def __init__(self, names: dict[str, tuple[str, ...]] | None = None) -> None:
        self.names = names or {}
        self.asked: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.now = 0.0
        self.error = socket.EAI_NONAME

    def forward(self, name: str, ipv6: bool) -> tuple[str | None, tuple[str, ...]]:  # noqa: FBT001
        """Answer as getaddrinfo does."""
        self.asked.append(name)
        self.open.wait(30)
        if name not in self.names:
            raise socket.gaierror(self.error, "Name or service not known")
        return f"{name}.", tuple(a for a in self.names[name] if ipv6 or ":" not in a)

    def backward(self, address: str) -> str:
        """Answer as getnameinfo does."""
        self.asked.append(address)
        for name, addresses in self.names.items():
            if address in addresses:
                return name
        raise socket.gaierror(self.error, "Name or service not known")

    def resolver(self, *, ipv6: bool = True, seconds: float = 10) -> Resolver:
        """Make a resolver that asks here."""
        return Resolver(
            ipv6=ipv6,
            seconds=seconds,
            clock=lambda: self.now,
            getaddrinfo=self.forward,
            getnameinfo=self.backward,
        )


def _texts(resolver: Resolver, name: str) -> Callable[[], set[str]]:
    return lambda: {subject.text for subject in asyncio.run(resolver.resolve(name))}


def test_a_name_has_the_addresses_of_both_families() -> None:
    """A and AAAA; each once; in canonical form."""
    server = NameServer({"mail.example": ("192.0.2.1", "192.0.2.1", "2001:DB8::1", "fe80::1%eth0")})
    assert _texts(server.resolver(), "Mail.Example.")() == {"192.0.2.1", "2001:db8::1"}
    assert _texts(server.resolver(ipv6=False), "mail.example")() == {"192.0.2.1"}
    assert server.asked == ["mail.example"] * 2


def test_answers_are_kept_for_five_minutes() -> None:
    """Also that a name does not exist; but that nobody answered, only for half a minute."""

    async def play() -> None:
        server = NameServer({"a.example": ("192.0.2.1",)})
        resolver = server.resolver()
        for now in (0, 299, 301):
            server.now = now
            await resolver.resolve("a.example")
            assert await resolver.resolve("no.example") == frozenset()
        assert server.asked == ["a.example", "no.example"] * 2
        server.error = socket.EAI_AGAIN
        for server.now in (1000, 1029, 1031):
            await resolver.resolve("gone.example")
        assert server.asked.count("gone.example") == 2
        assert resolver.statistics()[0].asked == 6

    asyncio.run(play())


@pytest.mark.parametrize(
    "name",
    ["127.1", "0x7f.1", "0x7f000001", "1.2.3.400", "a..b", "", "a b", "x" * 64, "é.example", "a\0b", "-a.example"],
)
def test_what_is_no_name_is_not_asked_for(name: str) -> None:
    """Forms that a resolver would take for an address, and forms that no name has."""
    server = NameServer()
    assert _texts(server.resolver(), name)() == set()
    assert server.asked == []


def test_an_address_is_its_own_answer() -> None:
    """Nobody is asked."""
    server = NameServer()
    assert _texts(server.resolver(), "192.0.2.1")() == {"192.0.2.1"}
    assert server.asked == []


def test_a_name_server_that_hangs_is_given_up() -> None:
    """Each question ends in time, though all threads hang; once they are free, names resolve again."""

    async def play() -> None:
        server = NameServer({"a.example": ("192.0.2.1",)})
        server.open.clear()
        resolver = server.resolver(seconds=0.1)
        names = [f"{i}.example" for i in range(8)]
        assert set(await asyncio.gather(*map(resolver.resolve, names))) == {frozenset()}
        assert len(server.asked) == 4  # as many as may hang
        server.open.set()
        while not await resolver.resolve("a.example"):
            server.now += 60  # forget that nobody answered
        await resolver.close()

    asyncio.run(play())


def test_an_address_has_a_name_or_none() -> None:
    """A network has none, and a name that is no name (its owner may write anything) is none."""

    async def play() -> None:
        server = NameServer({"mail.example": ("192.0.2.1",), "<b>evil": ("192.0.2.2",)})
        resolver = server.resolver()
        assert await resolver.reverse(parse_subject("192.0.2.1")) == "mail.example"
        assert await resolver.reverse(parse_subject("192.0.2.2")) is None
        assert await resolver.reverse(parse_subject("192.0.2.3")) is None
        assert await resolver.reverse(parse_subject("192.0.2.0/24")) is None
        assert await resolver.reverse(parse_subject("nobody")) is None

    asyncio.run(play())


def test_the_real_resolver_knows_localhost() -> None:
    """The system's own resolver, once."""

    async def play() -> None:
        resolver = Resolver()
        assert parse_subject("127.0.0.1") in await resolver.resolve("localhost")
        await resolver.close()

    asyncio.run(play())
