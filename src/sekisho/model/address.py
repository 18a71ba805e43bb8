"""Who is meant: an address, a network, or any text that a filter took for an identifier (COMPAT 2.3).

Two subjects are equal when their canonical texts are. `::ffff:192.0.2.1` is `192.0.2.1`, `[2001:DB8::1]` is
`2001:db8::1`, `192.0.2.7/24` is `192.0.2.0/24`. What only looks like an address (`192.030.0.6`, `1.2.3.400`) stays the
text that it is: no firewall can hold it, but a jail can still count and list it.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


class Family(enum.Enum):
    """The address family of a subject; `OTHER` is text that no firewall can hold."""

    INET4 = "inet4"
    INET6 = "inet6"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a failure or a ban concerns. Made by `parse_subject`.

    `is_single` is True for one address, False for a wider network or for other text. A jail under attack holds a
    hundred thousand of these, so what can be derived from the text is not kept.
    """

    text: str
    family: Family = field(compare=False)
    is_single: bool = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.text

    @property
    def network(self) -> Network | None:
        """The network that the text names, of one address or more; None for other text."""
        return None if self.family is Family.OTHER else ip_network(self.text)

    def covers(self, other: Subject) -> bool:
        """True when every address of `other` lies in this subject; other text covers only its equal."""
        if self.is_single or self.family is not other.family or self.family is Family.OTHER:
            return self.text == other.text
        inner, outer = other.network, self.network
        return inner is not None and outer is not None and _within(inner, outer)


def widened(subject: Subject, length: int) -> Subject:
    """Return the network of `length` bits around a subject; the subject itself where it is as wide, or other text."""
    network = subject.network if not subject.is_single else None
    if network is not None:
        return subject if network.prefixlen <= length else subject_of(network.supernet(new_prefix=length))
    if not subject.is_single:
        return subject
    address = ip_address(subject.text)  # nearly always; a network made of it would take three times as long
    rest = address.max_prefixlen - length
    if rest <= 0:
        return subject
    first = type(address)(int(address) >> rest << rest)
    return Subject(f"{first}/{length}", subject.family, is_single=False)


def _is_single(network: Network) -> bool:
    # Prefix lengths are known; `num_addresses` and `subnet_of` make, and keep, further objects of every network.
    return network.prefixlen == network.max_prefixlen


def _within(inner: Network, outer: Network) -> bool:
    return outer.prefixlen <= inner.prefixlen and inner.network_address in outer


_MAPPED = IPv6Network("::ffff:0:0/96")

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_CANONICAL4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")


_LONGEST_REMEMBERED = 64  # characters; an address with a prefix has at most 43 + 4, other text may be a whole line


def parse_subject(text: str) -> Subject:
    """Return the subject that `text` names; never fails, since any text can be an identifier."""
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _parse(text)


def _parse(text: str) -> Subject:
    if _CANONICAL4.fullmatch(text):
        return Subject(text, Family.INET4, is_single=True)  # nearly always, at a tenth of the price
    bare = text.strip()
    inner = bare[1:-1] if bare.startswith("[") and bare.endswith("]") else bare
    try:
        network = ip_network(inner, strict=False)
    except ValueError:
        return Subject(bare, Family.OTHER, is_single=False)
    if isinstance(network, IPv6Network):
        if "%" in inner:  # a zone names an interface of this host, not an address of another
            return Subject(bare, Family.OTHER, is_single=False)
        if _within(network, _MAPPED):
            network = IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return subject_of(network)


def subject_of(network: Network) -> Subject:
    """Return the subject that a network is; one of a single address is that address."""
    family = Family.INET4 if network.version == 4 else Family.INET6
    is_single = _is_single(network)
    return Subject(str(network.network_address) if is_single else str(network), family, is_single)


_remembered = lru_cache(maxsize=16384)(_parse)  # some four megabytes
