"""What the kernel's sets say about one jail: how many packets each element has stopped, and who is in them.

To list 100,000 elements takes a second, so it is done in a thread, over a connection of its own: the engine's loop
goes on banning meanwhile.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from sekisho.enforce.ranges import Range, covers
from sekisho.enforce.ruleset import BASE_CHAIN, JailRules
from sekisho.enforce.structure import Structure
from sekisho.enforce.table import Sets
from sekisho.enforce.targets import WIDTH
from sekisho.enforce.wire import Element
from sekisho.model.address import Family, Network, Subject, subject_of
from sekisho.model.proof import Count, Holding, Tally


@dataclass(frozen=True, slots=True)
class Held:
    """The elements of one family's two sets."""

    addresses: Sequence[Element]
    ranges: Sequence[Element]


def read_held(sets: Sets, rules: JailRules) -> Mapping[Family, Held]:
    """Return what the kernel holds for a jail; sets that are gone hold nobody. Raises OSError."""
    try:
        return {
            family: Held(sets.addresses(rules.addresses(family)), sets.ranges(rules.networks(family), width))
            for family, width in WIDTH.items()
        }
    except FileNotFoundError:
        return dict.fromkeys(WIDTH, Held((), ()))


def count(held: Mapping[Family, Held], networks: Mapping[Family, Iterable[Network]]) -> Tally:
    """Return what the elements have counted; a range is told of each of the `networks` that touch it."""
    of: dict[Subject, Count] = {}
    for family, found in held.items():
        for element in found.addresses:
            subject = Subject(str(ip_address(element.key)), family, is_single=True)
            of[subject] = Count(element.packets, element.octets)
        for network in networks[family]:
            of[subject_of(network)] = _sum(_overlapping(network, found.ranges))
    return Tally(_sum(each for found in held.values() for part in (found.addresses, found.ranges) for each in part), of)


def _sum(elements: Iterable[Element]) -> Count:
    packets = octets = 0
    for element in elements:
        packets += element.packets
        octets += element.octets
    return Count(packets, octets)


def hold(subjects: Sequence[Subject], held: Mapping[Family, Held], now: float) -> Iterator[Holding]:
    """Yield whether each of the subjects is held, and until when."""
    keys = {family: {element.key: element for element in found.addresses} for family, found in held.items()}
    for subject in subjects:
        element = None
        if subject.network is not None:
            single = keys[subject.family].get(subject.network.network_address.packed) if subject.is_single else None
            element = single or _covering(subject.network, held[subject.family].ranges)
        left = None if element is None else element.timeout
        yield Holding(subject, element is not None, None if left is None else now + left / 1000)


def explain(structure: Structure, rules: JailRules) -> str:
    """Return why no packet reaches the jail's chain, or why that does not do its work; empty where all stands."""
    if structure.holds(rules):
        return ""
    if not structure.rules:
        return "the table is gone"
    if structure.is_dormant:
        return "the table is dormant"
    if BASE_CHAIN not in structure.rules:
        return f"the base chain {BASE_CHAIN} is gone"
    if rules.chain not in structure.rules:
        return f"the chain {rules.chain} is gone"
    return f"the rules of {BASE_CHAIN}, of {rules.chain} or its sets are not as they were written"


def _covering(network: Network, ranges: Sequence[Element]) -> Element | None:
    """Return the range that holds the whole of a network; where several together do, the one that ends first."""
    found = _overlapping(network, ranges)
    if not covers([Range(_number(each.key), _number(each.last or each.key)) for each in found], network):
        return None
    return min(found, key=lambda each: math.inf if each.timeout is None else each.timeout)


def _overlapping(network: Network, ranges: Sequence[Element]) -> Sequence[Element]:
    """Return those of the ranges, which ascend and do not overlap, that hold any address of the network."""
    begin = bisect.bisect_left(ranges, network.network_address.packed, key=lambda each: each.last or each.key)
    end = bisect.bisect_right(ranges, network.broadcast_address.packed, key=lambda each: each.key)
    return ranges[begin:end]


def _number(key: bytes) -> int:
    return int.from_bytes(key, "big")
