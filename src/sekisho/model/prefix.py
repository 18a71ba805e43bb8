"""How much of an address a jail counts and bars: the options `ipv4_prefix` and `ipv6_prefix`.

One who is given a /64 of IPv6 has 2**64 addresses, and fails from another one each time. With `ipv6_prefix = 64` they
are one. By default each address is for itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.model.address import Family, Subject, widened

LONGEST = {Family.INET4: 32, Family.INET6: 128}
"""Bits of an address: the length that leaves it alone."""

_NAMES = {Family.INET4: "IPv4", Family.INET6: "IPv6"}


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The lengths of one jail, in bits."""

    ipv4: int = LONGEST[Family.INET4]
    ipv6: int = LONGEST[Family.INET6]

    def around(self, subject: Subject) -> Subject:
        """Return the prefix in which a subject lies; the subject itself where it is no narrower, or no address."""
        match subject.family:
            case Family.INET4:
                return subject if self.ipv4 == LONGEST[Family.INET4] else widened(subject, self.ipv4)
            case Family.INET6:
                return subject if self.ipv6 == LONGEST[Family.INET6] else widened(subject, self.ipv6)
            case Family.OTHER:
                return subject


SINGLE = Prefixes()
"""Each address for itself."""


def prefixes_of(ipv4: int, ipv6: int) -> Prefixes:
    """Return the lengths; `SINGLE` itself where each address is for itself."""
    found = Prefixes(ipv4, ipv6)
    return SINGLE if found == SINGLE else found


def parse_prefix(text: str, family: Family) -> int:
    """Return the length that `text` is; raises ValueError where a prefix of the family cannot have it."""
    bare = text.strip()
    most = LONGEST[family]
    if not (bare.isascii() and bare.isdecimal()) or len(bare) > 3 or not 0 < int(bare) <= most:
        raise ValueError(f"a prefix of {_NAMES[family]} has 1 to {most} bits, not {text!r}")
    return int(bare)
