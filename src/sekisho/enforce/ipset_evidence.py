"""What the kernel's sets say about one jail: how many packets each element has stopped, and who is in them.

To list 100,000 elements takes a second, so it is done in a thread, over a connection of its own (see `evidence`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sekisho.enforce.fence import Sets
from sekisho.enforce.ipset_elements import Key, end_of, key_of, subject_in
from sekisho.enforce.ipset_rules import IpsetRules
from sekisho.enforce.ipset_wire import Entry
from sekisho.enforce.targets import WIDTH
from sekisho.model.address import Network, Subject
from sekisho.model.proof import Count, Holding, Tally


def read_entries(sets: Sets, rules: IpsetRules) -> list[Entry]:
    """Return what the kernel holds for a jail; a set that is gone holds nobody. Raises OSError."""
    found: list[Entry] = []
    for family in WIDTH:
        with contextlib.suppress(FileNotFoundError):
            found += sets.entries(rules.set_name(family))
    return found


def count(entries: Iterable[Entry]) -> Tally:
    """Return what the elements have counted; a packet counts for the narrowest that holds it, and for no other."""
    of = {subject_in(entry): Count(entry.packets, entry.octets) for entry in entries}
    return Tally(sum(of.values(), Count()), of)


def hold(subjects: Sequence[Subject], entries: Iterable[Entry], now: float) -> Iterator[Holding]:
    """Yield whether one element holds each of the subjects, and until when the last of these does."""
    held = {key_of(entry): entry for entry in entries}
    for subject in subjects:
        found = [] if subject.network is None else list(around(subject.network, held))
        ends = [end_of(entry, now) for entry in found]
        until = None if None in ends else max((end for end in ends if end is not None), default=None)
        yield Holding(subject, bool(found), until)


def around(network: Network, held: Mapping[Key, Entry]) -> Iterator[Entry]:
    """Yield the elements that hold the whole of a network, the narrowest first."""
    for length in range(network.prefixlen, 0, -1):
        wider = network.supernet(new_prefix=length)
        if (entry := held.get((wider.network_address.packed, length))) is not None:
            yield entry
