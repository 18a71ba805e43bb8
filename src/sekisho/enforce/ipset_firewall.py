"""The native firewall of hosts whose rules are iptables: one jail's bans as elements of its two ipsets.

It keeps the same contract as that of nf_tables (`firewall`): an element leaves the kernel by itself when its ban ends,
bulk is one message, and what another program takes away is found and put back. Three things differ.

ipset counts whole seconds, and no more than 24.8 days of them. A ban ends up to a second late where nobody lifts it
before, and a longer one is held for 24.8 days at a time and renewed every day.

Nobody tells who has changed a set. So the set is asked how many it holds, which costs next to nothing, and is listed
only where that is not the number that we know of.

Networks overlap as they please, so each ban is one element, and the counters are its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sekisho.enforce.fence import Fence, Sets, explain
from sekisho.enforce.ipset import Refusal
from sekisho.enforce.ipset_elements import Key, end_of, entry_of, key_of, subject_in
from sekisho.enforce.ipset_evidence import count, hold, read_entries
from sekisho.enforce.ipset_rules import HOOKS, IpsetRules
from sekisho.enforce.ipset_wire import LONGEST, Entry
from sekisho.enforce.native import NativeAction
from sekisho.enforce.plan import plan
from sekisho.enforce.targets import WIDTH
from sekisho.model.action import ActionError, Failed
from sekisho.model.address import Family, Subject
from sekisho.model.proof import Barrier, Tally, Witness
from sekisho.model.verdict import Ban

T = TypeVar("T")

_LOG = logging.getLogger("fail2ban.actions")
_RENEWAL = 86400.0  # seconds


@dataclass(slots=True)
class _Known:
    """What one family's set is known to hold, and which of these end later than the kernel can count."""

    targets: set[Subject] = field(default_factory=set)
    long: dict[Subject, float] = field(default_factory=dict)
    is_full: bool = False


class IpsetAction(NativeAction):
    """Bars the subjects of one jail by ipset and iptables."""

    firewall = "ipset"

    def __init__(
        self,
        *,
        fence: Fence,
        jail: str,
        actname: str,
        rules: IpsetRules,
        clock: Callable[[], float],
        cut: Callable[[Sequence[Subject]], None] = lambda _: None,
    ) -> None:
        """Make the action; see `NativeAction`."""
        super().__init__(jail=jail, actname=actname, clock=clock, cut=cut)
        self._fence = fence
        self._rules = rules
        self._known = {family: _Known() for family in WIDTH}
        self._renewed = 0.0

    async def listed(self) -> frozenset[Subject] | None:
        """Return whom the kernel holds barred; None where it cannot be asked.

        A set is listed, beside the loop, only where it holds more or less than is known: an element that ended by
        itself, or another program's doing.
        """
        try:
            self._renew(self._clock())
            for family, known in self._known.items():
                name = self._rules.set_name(family)
                if self._fence.sets.header(name).entries != len(known.targets):
                    known.targets = await asyncio.to_thread(self._ask, lambda sets, name=name: _barred(sets, name))
        except FileNotFoundError:
            self._known = {family: _Known() for family in WIDTH}
        except (ActionError, OSError) as error:
            _LOG.warning("[%s] ipset cannot be asked: %s", self._jail, error)
            return None
        return frozenset().union(*(known.targets for known in self._known.values()))

    async def is_whole(self) -> bool:
        """Return whether the jail's sets and rules stand; what cannot be asked counts as whole."""
        try:
            return self._fence.is_whole(self._rules)
        except OSError:
            return True

    async def counted(self) -> Tally:
        """Return what the jail's elements have stopped, each since it was first written."""
        return await asyncio.to_thread(self._ask, lambda sets: count(read_entries(sets, self._rules)))

    async def barrier(self, subjects: Sequence[Subject]) -> Barrier:
        """Return how the rules and the sets stand, and against each of the subjects."""
        rules, now, places = self._rules, self._clock(), self._fence.places(self._rules)
        reach = rules.reach

        def look(sets: Sets) -> Barrier:
            fault = explain(sets, rules, places)
            holdings = tuple(hold(subjects, read_entries(sets, rules), now))
            witness = Witness.NONE if "filter" in places.values() else Witness.COUNTER
            hooks = dict.fromkeys(f"{table} {hook}" for table in places.values() for hook in HOOKS[table])
            return Barrier(", ".join(hooks), fault, reach.protocols, reach.ports, reach.match, holdings, witness)

        return await asyncio.to_thread(self._ask, look)

    def _forget(self, now: float) -> None:
        self._known = {family: _Known() for family in WIDTH}
        self._renewed = now

    async def _set_up(self) -> None:
        await self._fence.set_up(self._rules, self)

    async def _take_down(self) -> None:
        await self._fence.take_down(self._rules, self)

    def _ask(self, look: Callable[[Sets], T]) -> T:
        """Return what is seen over a connection of its own, in the thread that calls."""
        try:
            with contextlib.closing(self._fence.another()) as sets:
                return look(sets)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ActionError(f"ipset cannot be asked for jail {self._jail!r}: {error}") from error

    def _sort_out(self, bans: Sequence[Ban], now: float) -> tuple[list[Failed], list[Ban]]:
        failed, good = super()._sort_out(bans, now)
        lame, possible = self._fence.lame, []
        for ban in good:
            target = ban.target
            if (reason := lame.get(target.family)) is not None:
                failed.append(Failed(ban, f"ipset: {reason}", is_final=True))
            elif not target.is_single and target.text.endswith("/0"):
                reason = f"a set holds no network as wide as {target}; bar its two halves"
                failed.append(Failed(ban, f"ipset: {reason}", is_final=True))
            else:
                possible.append(ban)
        return failed, possible

    async def _add_or_set_up(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        try:
            return self._add(family, bans, now)
        except FileNotFoundError:
            _LOG.warning("[%s] the firewall's sets were gone; setting them up again", self._jail)
            await self._fence.set_up(self._rules, self)
            self._known[family] = _Known()
            return self._add(family, bans, now)

    def _add(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        wanted = {ban.target: ban for ban in bans}
        entries = [self._entry(family, target, self._holders.end_of(ban), now) for target, ban in wanted.items()]
        refused = self._fence.sets.add(self._rules.set_name(family), entries)
        return self._note_added(family, dict(zip(map(key_of, entries), wanted.values(), strict=True)), refused)

    def _note_added(self, family: Family, bans: Mapping[Key, Ban], refused: Sequence[Refusal]) -> list[Failed]:
        """Take note of who is in the set now, and return the bans of those refused."""
        known = self._known[family]
        known.targets.update(ban.target for ban in bans.values())
        lost = [bans[key_of(refusal.entry)] for refusal in refused]
        known.targets.difference_update(ban.target for ban in lost)
        self._note_room(known, self._rules.set_name(family), refused)
        return [Failed(ban, f"ipset: {refusal}") for ban, refusal in zip(lost, refused, strict=True)]

    def _note_room(self, known: _Known, name: str, refused: Sequence[Refusal]) -> None:
        """Say once that a set is full, until there is room again; a new time for who is in it makes none."""
        is_full = any(refusal.is_for_room for refusal in refused)
        if is_full and not known.is_full:
            what = "[%s] the set %s is full with its %d elements: nobody more is barred until one of them ends"
            _LOG.critical(f"{what} (set maxelem = of the action higher)", self._jail, name, self._rules.most)
        known.is_full = is_full or len(known.targets) >= self._rules.most

    def _remove(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        known = self._known[family]
        released, kept = self._holders.release(bans)
        gone = {key_of(entry_of(ban.target)): ban for ban in released}
        for ban in released:
            known.long.pop(ban.target, None)
        entries = [Entry(*key) for key in gone if key[1]]
        refused = self._fence.sets.delete(self._rules.set_name(family), entries) if entries else []
        known.targets.difference_update(ban.target for ban in gone.values())
        failed = [Failed(gone[key_of(refusal.entry)], f"ipset: {refusal}") for refusal in refused]
        return failed + (self._add(family, kept, now) if kept else [])

    def _project(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        """Make the set of one family hold exactly these bans.

        The difference is small: the kernel has kept what the last life left. To fill a set anew and let it take the
        place of the old one would be as good for who is barred, and would forget what was counted.
        """
        name = self._rules.set_name(family)
        found = {key_of(entry): end_of(entry, now) for entry in self._fence.sets.entries(name)}
        wanted = {ban.target: ban for ban in bans}
        entries = {
            key_of(entry): entry
            for target, ban in wanted.items()
            for entry in [self._entry(family, target, self._holders.end_of(ban), now)]
        }
        ends = {key: end_of(entry, now) for key, entry in entries.items()}
        change = plan(ends, found)
        if change.remove:  # first, for there may be no room
            self._fence.sets.delete(name, [Entry(*key) for key in change.remove])
        refused = self._fence.sets.add(name, [entries[key] for key in change.add]) if change.add else []
        return self._note_added(family, dict(zip(entries, wanted.values(), strict=True)), refused)

    def _entry(self, family: Family, target: Subject, end: float | None, now: float) -> Entry:
        """Return the element of a target, and remember it where its end is further off than the kernel can count."""
        long = self._known[family].long
        long.pop(target, None)
        if end is not None and end - now > LONGEST:
            long[target] = end
        return entry_of(target, end, now)

    def _renew(self, now: float) -> None:
        """Hold bans of more than 24.8 days for that long again. Raises OSError."""
        if now - self._renewed < _RENEWAL:
            return
        self._renewed = now
        for family, known in self._known.items():
            entries = [self._entry(family, target, end, now) for target, end in list(known.long.items())]
            if entries:
                self._fence.sets.add(self._rules.set_name(family), entries)


def _barred(sets: Sets, name: str) -> set[Subject]:
    return {subject_in(entry) for entry in sets.entries(name)}
