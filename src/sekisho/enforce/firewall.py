"""The native firewall: one jail's bans as elements of its sets in `inet sekisho`.

An element leaves the kernel by itself when its ban ends, so nobody stays barred because the daemon died, and expiry
costs nothing. Addresses map one to one to elements of a hash set. Networks are few and may overlap: the action keeps
those that stand and makes the interval set hold their flattened ranges (see `ranges`).

Where a filter's identifier is not itself an address (COMPAT 2.3), two bans may have one address as their target; the
address stays barred until the last of them is lifted.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import TypeVar

from sekisho.enforce.evidence import count, explain, hold, read_held
from sekisho.enforce.plan import plan
from sekisho.enforce.ranges import Range, covers, flatten, summarize
from sekisho.enforce.ruleset import JailRules
from sekisho.enforce.table import NftError, NftTable, Sets
from sekisho.enforce.wire import Element
from sekisho.model.action import ActionError, Failed, Kind
from sekisho.model.address import Family, Network, Subject, subject_of
from sekisho.model.proof import Barrier, Tally
from sekisho.model.verdict import Ban

T = TypeVar("T")

_LOG = logging.getLogger("fail2ban.actions")
_FAMILIES = (Family.INET4, Family.INET6)
_WIDTH = {Family.INET4: 4, Family.INET6: 16}
_LONGEST = 10**13  # milliseconds, some 300 years; the kernel refuses what its 64-bit nanoseconds cannot count


class NftablesAction:
    """Bars the subjects of one jail by nftables."""

    kind = Kind.ENFORCER
    survives_stop = True

    def __init__(
        self,
        *,
        table: NftTable,
        jail: str,
        actname: str,
        rules: JailRules,
        clock: Callable[[], float],
        cut: Callable[[Sequence[Subject]], None] = lambda _: None,
    ) -> None:
        """Make the action; `cut` is told whom a ban has just barred, and returns at once."""
        self.name = actname
        self._table = table
        self._jail = jail
        self._rules = rules
        self._clock = clock
        self._cut = cut
        self._networks: dict[Family, dict[Network, float | None]] = {family: {} for family in _FAMILIES}
        self._shared: dict[Subject, dict[Subject, float | None]] = {}  # target: the identifiers that bar it
        self._listing: set[Subject] = set()  # what the kernel listed last, and what was changed since
        self._listed_at: int | None = None  # `others_changes` before that listing

    def __repr__(self) -> str:
        return f"<NftablesAction {self.name} of jail {self._jail}>"

    async def start(self, standing: Sequence[Ban]) -> Sequence[Failed]:
        """Set the jail's rules up and make its sets hold `standing`, without a moment in which less is barred."""
        now = self._clock()
        failed, bans = _sort_out(standing, now)
        self._networks = {family: {} for family in _FAMILIES}
        self._shared = {}
        self._listed_at = None
        for ban in bans:
            self._note(ban)
        try:
            await self._table.set_up(self._rules, self)
            for family in _FAMILIES:
                failed += self._project(family, [ban for ban in bans if ban.target.family is family], now)
        except (NftError, OSError) as error:
            raise ActionError(f"action {self.name!r} of jail {self._jail!r} cannot start: {error}") from error
        return failed

    async def ban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Put the bans into the kernel's sets."""
        now = self._clock()
        failed, good = _sort_out(bans, now)
        for ban in good:
            self._note(ban)
        for family in _FAMILIES:
            chosen = [ban for ban in good if ban.target.family is family]
            if not chosen:
                continue
            try:
                failed += await self._with_table(functools.partial(self._add, family, chosen, now))
            except (NftError, OSError) as error:
                failed += [Failed(ban, f"nftables: {error}") for ban in chosen]
        lost = {failure.ban.subject for failure in failed}
        self._cut([ban.target for ban in good if ban.subject not in lost])
        return failed

    async def unban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Take the bans out of the kernel's sets."""
        now = self._clock()
        failed: list[Failed] = []
        for family in _FAMILIES:
            chosen = [ban for ban in bans if ban.target.family is family]
            if not chosen:
                continue
            try:
                failed += self._remove(family, chosen, now)
            except FileNotFoundError:
                continue  # the sets are gone, and the bans with them
            except OSError as error:
                failed += [Failed(ban, f"nftables: {error}") for ban in chosen]
        return failed

    async def listed(self) -> frozenset[Subject] | None:
        """Return whom the kernel holds barred; None where it cannot be asked.

        Listing 100,000 elements takes a second, so it is done beside the loop, and only where another program has
        changed any rule of the host since the last time. An element that ended by itself meanwhile is then still named
        until it is unbanned.
        """
        try:
            mark = self._table.sets.others_changes()
            if mark != self._listed_at:
                self._listing = await asyncio.to_thread(self._read_barred)
                self._listed_at = mark
        except FileNotFoundError:
            self._listed_at = None
            return frozenset()
        except OSError as error:
            self._listed_at = None
            _LOG.warning("[%s] nftables cannot be asked: %s", self._jail, error)
            return None
        return frozenset(self._listing)

    async def is_whole(self) -> bool:
        """Return whether the jail's chain and sets stand, and are reached; what cannot be asked counts as whole."""
        try:
            return await self._table.is_whole(self._rules)
        except OSError:
            return True

    async def counted(self) -> Tally:
        """Return what the jail's elements have stopped, each since it was last written."""
        networks = {family: tuple(nets) for family, nets in self._networks.items()}
        return await asyncio.to_thread(self._ask, lambda sets: count(read_held(sets, self._rules), networks))

    async def barrier(self, subjects: Sequence[Subject]) -> Barrier:
        """Return how the chains and the sets stand, and against each of the subjects."""
        rules, now = self._rules, self._clock()

        def look(sets: Sets) -> Barrier:
            fault = explain(sets.structure(), rules)
            holdings = tuple(hold(subjects, read_held(sets, rules), now))
            reach = rules.reach
            return Barrier(rules.chain, fault, reach.protocols, reach.ports, reach.match, holdings)

        return await asyncio.to_thread(self._ask, look)

    def _ask(self, look: Callable[[Sets], T]) -> T:
        """Return what is seen over a connection of its own, in the thread that calls."""
        try:
            with contextlib.closing(self._table.another()) as sets:
                return look(sets)
        except OSError as error:
            raise ActionError(f"nftables cannot be asked for jail {self._jail!r}: {error}") from error

    async def stop(self, standing: Sequence[Ban]) -> None:
        """Remove the jail's chain and sets, and with the last jail the table."""
        del standing  # they go with their sets
        try:
            await self._table.take_down(self._rules, self)
        except (NftError, OSError) as error:
            raise ActionError(f"action {self.name!r} of jail {self._jail!r} is not gone: {error}") from error

    async def _with_table(self, change: Callable[[], list[Failed]]) -> list[Failed]:
        """Make the change, setting the rules up again first where another program has removed them."""
        try:
            return change()
        except FileNotFoundError:
            _LOG.warning("[%s] the firewall's rules were gone; setting them up again", self._jail)
            await self._table.set_up(self._rules, self)
            return change()

    def _note(self, ban: Ban) -> None:
        """Remember what the sets alone cannot tell: networks, and identifiers that share an address."""
        target = ban.target
        if ban.address is not None or target in self._shared:
            self._shared.setdefault(target, {})[ban.subject] = ban.until
        if not target.is_single and target.network is not None:
            self._networks[target.family][target.network] = self._end_of(ban)

    def _end_of(self, ban: Ban) -> float | None:
        """Return the end of the last ban that bars this ban's target."""
        ends = self._shared.get(ban.target, {}).values() or [ban.until]
        return None if None in ends else max(end for end in ends if end is not None)

    def _add(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        singles = {_key(ban.target): ban for ban in bans if ban.target.is_single}
        elements = [Element(key, None, _timeout(self._end_of(ban), now)) for key, ban in singles.items()]
        refused = self._table.sets.add(self._rules.addresses(family), elements) if elements else []
        if len(singles) < len(bans):
            self._project_networks(family, now)
        self._listing.update(ban.target for ban in bans)
        self._listing.difference_update(singles[refusal.element.key].target for refusal in refused)
        return [Failed(singles[refusal.element.key], f"nftables: {refusal}") for refusal in refused]

    def _remove(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        gone: dict[bytes, Ban] = {}
        kept: list[Ban] = []
        wide = False
        for ban in bans:
            target = ban.target
            holders = self._shared.get(target)
            if holders is not None:
                holders.pop(ban.subject, None)
                if holders:
                    kept.append(ban)
                    continue
                del self._shared[target]
            if target.is_single:
                gone[_key(target)] = ban
            elif target.network is not None:
                self._networks[family].pop(target.network, None)
                wide = True
        name = self._rules.addresses(family)
        refused = self._table.sets.delete(name, [Element(key) for key in gone]) if gone else []
        if wide:
            self._project_networks(family, now)
        self._listing.difference_update(ban.target for ban in bans if ban.target not in self._shared)
        failed = [Failed(gone[refusal.element.key], f"nftables: {refusal}") for refusal in refused]
        return failed + (self._add(family, kept, now) if kept else [])

    def _project(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        """Make the sets of one family hold exactly these bans."""
        singles = {_key(ban.target): ban for ban in bans if ban.target.is_single}
        name = self._rules.addresses(family)
        actual = {element.key: _end(element, now) for element in self._table.sets.addresses(name)}
        wanted = {key: self._end_of(ban) for key, ban in singles.items()}
        change = plan(wanted, actual)
        elements = [Element(key, None, _timeout(wanted[key], now)) for key in change.add]
        refused = self._table.sets.add(name, elements) if elements else []
        if change.remove:
            self._table.sets.delete(name, [Element(key) for key in change.remove])
        self._project_networks(family, now)
        return [Failed(singles[refusal.element.key], f"nftables: {refusal}") for refusal in refused]

    def _project_networks(self, family: Family, now: float) -> None:
        """Make the interval set bar exactly the networks that stand. Raises OSError, with nothing changed."""
        nets, width = self._networks[family], _WIDTH[family]
        for network in [net for net, end in nets.items() if end is not None and end <= now]:
            del nets[network]
        name = self._rules.networks(family)
        actual = {_span(element): _end(element, now) for element in self._table.sets.ranges(name, width)}
        wanted = flatten(nets)
        change = plan(wanted, actual)
        if not change:
            return
        stale = [*change.remove, *(span for span in change.add if span in actual)]
        fresh = [_range_element(span, width, _timeout(wanted[span], now)) for span in change.add]
        try:
            self._table.sets.exchange(name, remove=[_range_element(span, width) for span in stale], add=fresh)
        except OSError:  # an element has just expired, or a range in the set is not ours: write the set anew
            everything = [_range_element(span, width, _timeout(end, now)) for span, end in wanted.items()]
            self._table.sets.refill(name, everything)

    def _read_barred(self) -> set[Subject]:
        """Return whom the sets hold, over a connection of its own. Raises OSError."""
        barred: set[Subject] = set()
        with contextlib.closing(self._table.another()) as sets:
            for family in _FAMILIES:
                addresses = sets.addresses(self._rules.addresses(family))
                barred.update(Subject(str(ip_address(each.key)), family, is_single=True) for each in addresses)
                barred.update(self._list_networks(family, sets.ranges(self._rules.networks(family), _WIDTH[family])))
        return barred

    def _list_networks(self, family: Family, ranges: Sequence[Element]) -> Iterable[Subject]:
        """Return the networks that we barred and that are barred, and whatever else is in the set."""
        spans = sorted(map(_span, ranges))
        barred = [net for net in self._networks[family] if covers(spans, net)]
        yield from map(subject_of, barred)
        ours = flatten(dict.fromkeys(barred))
        for span in spans:
            for net in summarize(span, 4 if family is Family.INET4 else 6):
                if not covers(ours, net):
                    yield subject_of(net)


def _sort_out(bans: Sequence[Ban], now: float) -> tuple[list[Failed], list[Ban]]:
    """Return the bans that no firewall can hold as failed, and those that are not over yet."""
    failed = [
        Failed(ban, f"{ban.target.text!r} is no address, so no firewall can bar it", is_final=True)
        for ban in bans
        if ban.target.family is Family.OTHER
    ]
    good = [ban for ban in bans if ban.target.family is not Family.OTHER and (ban.until is None or ban.until > now)]
    return failed, good


def _key(subject: Subject) -> bytes:
    if subject.family is Family.INET4:
        return bytes(map(int, subject.text.split(".")))  # a third of the price, and a start pays it for every ban
    return ip_address(subject.text).packed


def _timeout(end: float | None, now: float) -> int | None:
    return None if end is None else min(max(1, round((end - now) * 1000)), _LONGEST)


def _end(element: Element, now: float) -> float | None:
    return None if element.timeout is None else now + element.timeout / 1000


def _span(element: Element) -> Range:
    last = element.key if element.last is None else element.last
    return Range(int.from_bytes(element.key, "big"), int.from_bytes(last, "big"))


def _range_element(span: Range, width: int, timeout: int | None = None) -> Element:
    return Element(span.first.to_bytes(width, "big"), span.last.to_bytes(width, "big"), timeout)
