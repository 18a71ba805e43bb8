"""Which connections end with a ban (`disconnect`): those whose packets the ban stops from now on.

The firewall alone leaves the two ends of an open connection waiting for each other: the service keeps a slot for whom
it will never hear again, often for hours. What is decided here is decided by packets, as the firewall decides: a
connection goes when packets of one of its directions come from whom was banned, to a port and by a protocol that the
jail's rules bar. So a connection to another port stays, and one that this host opened goes only where its answers are
barred.
"""

from __future__ import annotations

import bisect
import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sekisho.enforce.ranges import flatten
from sekisho.enforce.ruleset import Reach
from sekisho.model.address import Network, Subject

PROTOCOLS = {
    "icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58,
    "ipv6-icmp": 58, "ospf": 89, "vrrp": 112, "sctp": 132, "udplite": 136,
}  # fmt: skip
"""Protocols' numbers (IANA), for every name that a jail's rules may bear."""


class Means(enum.Flag):
    """By what a connection ends."""

    NONE = 0
    CONNTRACK = enum.auto()
    SOCKETS = enum.auto()


_WORDS = {
    "": Means.NONE,
    "no": Means.NONE,
    "conntrack": Means.CONNTRACK,
    "sockets": Means.SOCKETS,
    "yes": Means.CONNTRACK | Means.SOCKETS,
}


class Packet(NamedTuple):
    """What of a packet decides whether a ban stops it; `port` is where it goes, None where the protocol has none."""

    source: bytes
    protocol: int
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """All connections of `subjects` within `reach` are to end, by `means`, since `jail` has banned them.

    A reach of the administrator's own words (`match`) has no place here: what it matches, only nft can tell.
    """

    jail: str
    means: Means
    reach: Reach
    subjects: tuple[Subject, ...]


def parse_means(word: str) -> Means:
    """Return what `disconnect` asks for. Raises ValueError."""
    means = _WORDS.get(word.strip().lower())
    if means is None:
        raise ValueError(f"disconnect {word!r}: expected no, conntrack, sockets or yes")
    return means


class Quarry:
    """All that is to end by one of the means, laid out so that each of many connections costs one look."""

    def __init__(self, cuts: Iterable[Cut]) -> None:
        networks: dict[tuple[str, Reach], set[Network]] = {}
        for cut in cuts:
            found = networks.setdefault((cut.jail, cut.reach), set())
            found.update(filter(None, (subject.network for subject in cut.subjects)))
        self._parts = [_Part(jail, reach, whom) for (jail, reach), whom in networks.items() if whom]
        self._networks: set[Network] = set().union(*networks.values())

    def __bool__(self) -> bool:
        return bool(self._parts)

    @property
    def versions(self) -> Sequence[int]:
        """The versions of IP that are looked for, ascending."""
        return sorted({network.version for network in self._networks})

    @property
    def only(self) -> Network | None:
        """The network that is the only one looked for, None where there are several."""
        return next(iter(self._networks)) if len(self._networks) == 1 else None

    def has_protocol(self, number: int) -> bool:
        """Return whether connections of a protocol can be among them."""
        return any(part.has_protocol(number) for part in self._parts)

    def has_source(self, source: bytes) -> bool:
        """Return whether it is looked for what comes from an address, whatever that is."""
        return any(part.has_source(source) for part in self._parts)

    def jail_of(self, packet: Packet) -> str | None:
        """Return a jail whose bans stop a packet, None where none does."""
        return next((part.jail for part in self._parts if part.stops(packet)), None)


class _Part:
    """Whom a jail's rules of one reach bar."""

    def __init__(self, jail: str, reach: Reach, networks: Iterable[Network]) -> None:
        self.jail = jail
        self._protocols = frozenset(PROTOCOLS[name] for name in reach.protocols)
        self._ports = reach.ports
        self._addresses: set[bytes] = set()
        wide: dict[int, dict[Network, None]] = {4: {}, 16: {}}
        for network in networks:
            first = network.network_address.packed
            if network.prefixlen == network.max_prefixlen:
                self._addresses.add(first)
            else:
                wide[len(first)][network] = None
        self._ranges = {width: sorted(flatten(found)) for width, found in wide.items()}

    def has_protocol(self, number: int) -> bool:
        return not self._protocols or number in self._protocols

    def has_source(self, source: bytes) -> bool:
        ranges = self._ranges.get(len(source))
        if not ranges:
            return source in self._addresses
        number = int.from_bytes(source, "big")
        at = bisect.bisect_right(ranges, number, key=lambda each: each.first) - 1
        return (at >= 0 and number <= ranges[at].last) or source in self._addresses

    def stops(self, packet: Packet) -> bool:
        if not (self.has_source(packet.source) and self.has_protocol(packet.protocol)):
            return False
        port = packet.port
        return not self._ports or (port is not None and any(each.first <= port <= each.last for each in self._ports))
