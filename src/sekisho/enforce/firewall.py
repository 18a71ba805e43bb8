"""The native firewall: one jail's bans as elements of its sets in `inet sekisho`.

An element leaves the kernel by itself when its ban ends, so nobody stays barred because the daemon died, and expiry
costs nothing. Addresses map one to one to elements of a hash set; networks, which may overlap, are another matter
(`networks`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import TypeVar

from sekisho.enforce.evidence import count, explain, hold, read_held
from sekisho.enforce.native import NativeAction
from sekisho.enforce.networks import Networks, end_of, timeout_until
from sekisho.enforce.plan import plan
from sekisho.enforce.ruleset import JailRules
from sekisho.enforce.table import NftTable, Sets
from sekisho.enforce.targets import WIDTH, pack_address
from sekisho.enforce.wire import Element
from sekisho.model.action import ActionError, Failed
from sekisho.model.address import Family, Subject
from sekisho.model.proof import Barrier, Tally
from sekisho.model.verdict import Ban

T = TypeVar("T")

_LOG = logging.getLogger("fail2ban.actions")


class NftablesAction(NativeAction):
    """Bars the subjects of one jail by nftables."""

    firewall = "nftables"

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
        """Make the action; see `NativeAction`."""
        super().__init__(jail=jail, actname=actname, clock=clock, cut=cut)
        self._table = table
        self._rules = rules
        self._networks = Networks(table, rules)
        self._trouble: int | None = None  # the errno of which the log has been told
        self._listed_at: int | None = None  # `others_changes` before the kernel's sets were listed last

    async def listed(self) -> frozenset[Subject] | None:
        """Return whom the kernel holds barred; None where it cannot be asked, or has nothing new to tell.

        Listing 100,000 elements takes a second, so it is done beside the loop, and only where another program has
        changed any rule of the host since the last time.
        """
        try:
            mark = self._table.sets.others_changes()
            if mark == self._listed_at:
                return None
            listed = await asyncio.to_thread(self._read_barred)
            self._listed_at = mark
        except FileNotFoundError:
            self._listed_at = None
            return frozenset()
        except OSError as error:
            self._listed_at = None
            if error.errno != self._trouble:
                _LOG.warning("[%s] nftables cannot be asked: %s", self._jail, error)
            self._trouble = error.errno
            return None
        self._trouble = None
        return listed

    async def is_whole(self) -> bool:
        """Return whether the jail's chain and sets stand, and are reached; what cannot be asked counts as whole."""
        try:
            return await self._table.is_whole(self._rules)
        except OSError:
            return True

    async def counted(self) -> Tally:
        """Return what the jail's elements have stopped, each since it was last written."""
        networks = {family: self._networks.of(family) for family in WIDTH}
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

    def _forget(self, now: float) -> None:
        del now
        self._networks.clear()
        self._listed_at = None

    async def _set_up(self) -> None:
        await self._table.set_up(self._rules, self)
        self._listed_at = self._table.sets.others_changes()

    async def _take_down(self) -> None:
        await self._table.take_down(self._rules, self)

    async def _add_or_set_up(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        try:
            return self._add(family, bans, now)
        except FileNotFoundError:
            await self._table.set_up(self._rules, self)
            _LOG.info("[%s] the firewall's rules were gone; they are set up again", self._jail)
            return self._add(family, bans, now)

    def _failed(self, bans: Sequence[Ban], error: Exception) -> list[Failed]:
        """Let the kernel be asked what it holds, and nothing be said again of what the failed bans tell of."""
        self._listed_at = None
        self._trouble = error.errno if isinstance(error, OSError) else None
        return super()._failed(bans, error)

    def _note(self, ban: Ban) -> None:
        super()._note(ban)
        if not ban.target.is_single:
            self._networks.note(ban.target, self._holders.end_of(ban))

    def _add(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        singles = {pack_address(ban.target): ban for ban in bans if ban.target.is_single}
        elements = [Element(key, None, timeout_until(self._holders.end_of(ban), now)) for key, ban in singles.items()]
        refused = self._table.sets.add(self._rules.addresses(family), elements) if elements else []
        if len(singles) < len(bans):
            self._networks.bar(family, [ban.target for ban in bans if not ban.target.is_single], now)
        return [Failed(singles[refusal.element.key], f"nftables: {refusal}") for refusal in refused]

    def _remove(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        released, kept = self._holders.release(bans)
        gone = {pack_address(ban.target): ban for ban in released if ban.target.is_single}
        wide = [ban.target for ban in released if not ban.target.is_single]
        name = self._rules.addresses(family)
        refused = self._table.sets.delete(name, [Element(key) for key in gone]) if gone else []
        if wide:
            self._networks.free(family, wide, now)
        failed = [Failed(gone[refusal.element.key], f"nftables: {refusal}") for refusal in refused]
        return failed + (self._add(family, kept, now) if kept else [])

    def _project(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        wanted = {pack_address(ban.target): self._holders.end_of(ban) for ban in bans if ban.target.is_single}
        name = self._rules.addresses(family)
        actual = {element.key: end_of(element, now) for element in self._table.sets.addresses(name)}
        change = plan(wanted, actual)
        elements = [Element(key, None, timeout_until(wanted[key], now)) for key in change.add]
        refused = self._table.sets.add(name, elements) if elements else []
        if change.remove:
            self._table.sets.delete(name, [Element(key) for key in change.remove])
        self._networks.project(family, now)
        if not refused:
            return []
        singles = {pack_address(ban.target): ban for ban in bans if ban.target.is_single}
        return [Failed(singles[refusal.element.key], f"nftables: {refusal}") for refusal in refused]

    def _read_barred(self) -> frozenset[Subject]:
        """Return whom the sets hold, over a connection of its own. Raises OSError."""
        barred: set[Subject] = set()
        with contextlib.closing(self._table.another()) as sets:
            for family in WIDTH:
                addresses = sets.addresses(self._rules.addresses(family))
                barred.update(Subject(str(ip_address(each.key)), family, is_single=True) for each in addresses)
                barred.update(self._networks.listed(family, sets))
        return frozenset(barred)
