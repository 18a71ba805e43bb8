"""Banned networks as an interval set wants them: ranges that do not overlap, each with one end in time.

The kernel's interval sets refuse an element that overlaps another, while bans overlap as they please: 10.0.0.0/8 until
noon and 10.1.0.0/16 until midnight. So the address space is cut at every border, each piece is barred until the last
of the bans that cover it ends, and neighbours with the same end are joined. That is exact: at any moment an address is
barred if and only if a ban that stands covers it.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, summarize_address_range

from sekisho.model.address import Network


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """Addresses from `first` to `last`, both included, as numbers."""

    first: int
    last: int


def flatten(networks: Mapping[Network, float | None]) -> dict[Range, float | None]:
    """Return the ranges, with their ends, that bar what `networks` (of one family) bar until their ends."""
    spans = sorted((int(net.network_address), int(net.broadcast_address), end) for net, end in _ends(networks))
    borders = sorted({border for first, last, _ in spans for border in (first, last + 1)})
    flat: list[tuple[int, int, float]] = []
    standing: list[tuple[float, int]] = []  # a heap of (-end in time, last address) of the spans that began
    begun = 0
    for first, after in itertools.pairwise(borders):
        while begun < len(spans) and spans[begun][0] <= first:
            heapq.heappush(standing, (-spans[begun][2], spans[begun][1]))
            begun += 1
        while standing and standing[0][1] < first:
            heapq.heappop(standing)
        if not standing:
            continue
        end = -standing[0][0]
        joins = flat and flat[-1][1] == first - 1 and flat[-1][2] == end
        flat.append((flat.pop()[0] if joins else first, after - 1, end))
    return {Range(first, last): None if end == math.inf else end for first, last, end in flat}


def covers(ranges: Sequence[Range], network: Network) -> bool:
    """Return whether every address of `network` lies in `ranges`, which ascend and do not overlap."""
    missing, last = int(network.network_address), int(network.broadcast_address)
    place = bisect.bisect_right(ranges, missing, key=lambda each: each.first) - 1
    while 0 <= place < len(ranges) and ranges[place].first <= missing <= ranges[place].last:
        missing = ranges[place].last + 1
        if missing > last:
            return True
        place += 1
    return False


def stand_apart(networks: Iterable[Network], standing: Collection[Network]) -> bool:
    """Return whether none of `networks` shares an address with another of those that stand (of one family).

    False also where narrower ones stand, since to look for them among thousands would take too long.
    """
    lengths = sorted({network.prefixlen for network in standing})
    return not any(
        lengths[-1] > network.prefixlen
        or any(network.supernet(new_prefix=length) in standing for length in lengths if length < network.prefixlen)
        for network in networks
        if lengths
    )


def summarize(span: Range, version: int) -> list[Network]:
    """Return the networks that together are `span`."""
    make = IPv4Address if version == 4 else IPv6Address
    return list(summarize_address_range(make(span.first), make(span.last)))


def _ends(networks: Mapping[Network, float | None]) -> Iterable[tuple[Network, float]]:
    return ((network, math.inf if end is None else end) for network, end in networks.items())
