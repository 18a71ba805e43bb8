"""The networks that stand of one jail, and its interval sets, which hold them.

Networks may overlap, and the kernel's ranges may not: the sets hold the flattened ranges (`ranges`). To read and
compare thousands of them takes its time. So a network that touches no other, as a jail's prefixes do, is put in and
taken out by itself; whatever comes in the way of that (an overlap, a range that is part of a wider one, an element that
has just ended) leads to the thorough way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

from sekisho.enforce.plan import plan
from sekisho.enforce.ranges import Range, covers, flatten, stand_apart, summarize
from sekisho.enforce.ruleset import JailRules
from sekisho.enforce.table import NftTable, Sets
from sekisho.enforce.targets import WIDTH
from sekisho.enforce.wire import Element
from sekisho.model.address import Family, Network, Subject, subject_of

_LONGEST = 10**13  # milliseconds, some 300 years; the kernel refuses what its 64-bit nanoseconds cannot count


class Networks:
    """Keeps them, each with the end of its ban; those that `project` finds over are kept no more."""

    def __init__(self, table: NftTable, rules: JailRules) -> None:
        self._table = table
        self._rules = rules
        self._of: dict[Family, dict[Network, float | None]] = {family: {} for family in WIDTH}
        self._unwritten: set[Network] = set()  # of which no set has been told yet

    def clear(self) -> None:
        """Keep none; the sets stay as they are."""
        self._of = {family: {} for family in WIDTH}
        self._unwritten.clear()

    def of(self, family: Family) -> tuple[Network, ...]:
        """Return those of a family."""
        return tuple(self._of[family])

    def note(self, subject: Subject, end: float | None) -> None:
        """Keep a network until `end`; the set is told by `bar` or `project`."""
        network = subject.network
        if network is not None:
            if network not in self._of[subject.family]:
                self._unwritten.add(network)
            self._of[subject.family][network] = end

    def bar(self, family: Family, subjects: Iterable[Subject], now: float) -> None:
        """Make the set bar these networks, which are kept, until their ends. Raises OSError, with nothing changed."""
        nets, width = self._of[family], WIDTH[family]
        named = [subject.network for subject in subjects]
        chosen = {net: timeout_until(nets[net], now) for net in named if net is not None and net in nets}
        if stand_apart(chosen, nets):
            stale = [_element_of(net, width) for net in chosen if net not in self._unwritten]
            fresh = [_element_of(net, width, timeout) for net, timeout in chosen.items()]
            with contextlib.suppress(OSError):
                self._table.sets.exchange(self._rules.networks(family), remove=stale, add=fresh)
                self._unwritten.difference_update(chosen)
                return
        self.project(family, now)

    def free(self, family: Family, subjects: Iterable[Subject], now: float) -> None:
        """Keep these networks no more, and make the set bar them no more. Raises OSError, and the set stays."""
        nets, name = self._of[family], self._rules.networks(family)
        gone = {net: nets.pop(net) for subject in subjects if (net := subject.network) is not None and net in nets}
        self._unwritten.difference_update(gone)
        is_done = stand_apart(gone, nets)
        for net, end in gone.items() if is_done else ():
            try:
                self._table.sets.exchange(name, remove=[_element_of(net, WIDTH[family])], add=[])
            except OSError:
                is_done &= end is not None and end <= now  # the kernel has ended it by itself
        if not is_done:
            self.project(family, now)

    def project(self, family: Family, now: float) -> None:
        """Make the interval set bar exactly the networks that stand. Raises OSError, with nothing changed."""
        nets, width = self._of[family], WIDTH[family]
        for network in [net for net, end in nets.items() if end is not None and end <= now]:
            del nets[network]
        name = self._rules.networks(family)
        actual = {_span(element): end_of(element, now) for element in self._table.sets.ranges(name, width)}
        wanted = flatten(nets)
        change = plan(wanted, actual)
        if change:
            stale = [*change.remove, *(span for span in change.add if span in actual)]
            fresh = [_range_element(span, width, timeout_until(wanted[span], now)) for span in change.add]
            try:
                self._table.sets.exchange(name, remove=[_range_element(span, width) for span in stale], add=fresh)
            except OSError:  # an element has just expired, or a range in the set is not ours: write the set anew
                everything = [_range_element(span, width, timeout_until(end, now)) for span, end in wanted.items()]
                self._table.sets.refill(name, everything)
        self._unwritten.difference_update(nets)

    def listed(self, family: Family, sets: Sets) -> Iterator[Subject]:
        """Yield the networks that we barred and that are barred, and whatever else is in the set. Raises OSError."""
        spans = sorted(map(_span, sets.ranges(self._rules.networks(family), WIDTH[family])))
        barred: Sequence[Network] = [net for net in self._of[family] if covers(spans, net)]
        yield from map(subject_of, barred)
        ours = list(flatten(dict.fromkeys(barred)))
        for span in spans:
            for net in summarize(span, 4 if family is Family.INET4 else 6):
                if not covers(ours, net):
                    yield subject_of(net)


def timeout_until(end: float | None, now: float) -> int | None:
    """Return the milliseconds that an element has left; None: no end."""
    return None if end is None else min(max(1, round((end - now) * 1000)), _LONGEST)


def end_of(element: Element, now: float) -> float | None:
    """Return when an element ends, in seconds since the epoch; None: never."""
    return None if element.timeout is None else now + element.timeout / 1000


def _span(element: Element) -> Range:
    last = element.key if element.last is None else element.last
    return Range(int.from_bytes(element.key, "big"), int.from_bytes(last, "big"))


def _range_element(span: Range, width: int, timeout: int | None = None) -> Element:
    return Element(span.first.to_bytes(width, "big"), span.last.to_bytes(width, "big"), timeout)


def _element_of(network: Network, width: int, timeout: int | None = None) -> Element:
    span = Range(int(network.network_address), int(network.broadcast_address))
    return _range_element(span, width, timeout)
