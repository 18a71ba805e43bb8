"""What all ipset actions share: whose sets and rules stand, and when they come and go.

Rules go through iptables, a transaction a family, when a jail starts, stops, or has lost them; elements through the
netlink socket. Both outlive a daemon that was killed, each ban until its own time is over; the next life finds sets of
the same names and fills the difference.

Whether a jail's rules stand is asked of the kernel's sets, which know how many rules refer to them: no program is run.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Protocol

from sekisho.enforce.ipset import IpsetSocket, Refusal
from sekisho.enforce.ipset_rules import (
    HOOKS,
    IpsetRules,
    find_rules,
    parse_label,
    render_change,
    render_rules,
)
from sekisho.enforce.ipset_wire import BUSY, Entry, Header
from sekisho.enforce.iptables import Iptables, NoProgramError
from sekisho.enforce.ruleset import Reach
from sekisho.enforce.targets import WIDTH
from sekisho.model.address import Family

log = logging.getLogger("fail2ban.actions")

_PATIENCE, _PAUSE = 100, 0.02  # tries, and seconds: nf_tables lets go of a set some time after its rule is gone
_LOADED = Path("/sys/module/ip_set")
FAMILY_NAMES = {Family.INET4: "IPv4", Family.INET6: "IPv6"}


class Sets(Protocol):
    """What the fence needs of the kernel; `IpsetSocket` is the real one, and tells what each method does."""

    def create(self, name: str, *, width: int, most: int) -> None:
        """Make a set unless it is there."""

    def destroy(self, name: str) -> None:
        """Remove a set; one that is not there is no fault."""

    def swap(self, name: str, other: str) -> None:
        """Let two sets change places."""

    def add(self, name: str, entries: Sequence[Entry]) -> list[Refusal]:
        """Put elements into a set."""

    def delete(self, name: str, entries: Sequence[Entry]) -> list[Refusal]:
        """Take elements out of a set."""

    def entries(self, name: str) -> list[Entry]:
        """List a set."""

    def header(self, name: str) -> Header:
        """Tell of a set without its elements."""

    def headers(self) -> list[Header]:
        """Tell of every set without its elements."""

    def close(self) -> None:
        """Let go of the kernel."""


class Fence:
    """Sets and rules of all ipset actions. One object a process; every ipset action is given it.

    It owns no ban: it only remembers whose rules stand.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], Sets] = IpsetSocket,
        iptables: Callable[[Family], Iptables] = Iptables,
        loaded: Path = _LOADED,
    ) -> None:
        self._connect = connect
        self._iptables = {family: iptables(family) for family in WIDTH}
        self._loaded = loaded
        self._sets: Sets | None = None
        self._owners: dict[str, object] = {}
        self._lame: dict[Family, str] = {}  # families without a program that works, and why
        self._earliest: dict[Family, str] = {}  # of those that have one: the first table
        self._lock = asyncio.Lock()  # between asking for the rules and changing them nobody else of us does

    @property
    def sets(self) -> Sets:
        """The kernel's sets. Raises OSError where there is no ipset."""
        if self._sets is None:
            self._sets = self._connect()
        return self._sets

    @property
    def lame(self) -> Mapping[Family, str]:
        """The families that cannot be barred on this host, with the reason; known once a jail is set up."""
        return self._lame

    def places(self, rules: IpsetRules) -> Mapping[Family, str]:
        """The table in which the rules of each family stand that can be barred; known once a jail is set up."""
        return {family: rules.table(earliest) for family, earliest in self._earliest.items()}

    def another(self) -> Sets:
        """A connection to the same kernel for the caller alone, who closes it. Raises OSError."""
        return self._connect()

    def is_possible(self) -> bool:
        """Return whether the kernel has ipset, and lets us use it; to ask may load it."""
        try:
            with contextlib.closing(self.another()):
                return True
        except OSError:
            return False

    async def set_up(self, rules: IpsetRules, owner: object) -> None:
        """Put the sets and the rules in place, for `owner`; elements that are in the sets stay.

        A family for which no iptables works is lame, which the log says once.

        Raises:
            ProgramError: the rules of a family could not be changed, or both are lame.
            OSError: the kernel refused a set, or cannot be reached.

        """
        async with self._lock:
            self._owners[rules.label] = owner  # of what may stand already, too, should the rest fail
            for family in WIDTH:
                self._make_set(rules, family)
                try:
                    await self._place(rules, family)
                except NoProgramError as error:
                    self._note_lame(family, error)
                    if len(self._lame) == len(WIDTH):
                        raise
                else:
                    self._lame.pop(family, None)

    async def take_down(self, rules: IpsetRules, owner: object) -> None:
        """Remove the sets and the rules, unless another owner has taken them over meanwhile.

        Raises:
            ProgramError: the rules are still there, and with them the sets.
            OSError: the sets are still there.

        """
        async with self._lock:
            if self._owners.get(rules.label) is owner:
                await self._remove({rules.label})
                del self._owners[rules.label]
                if not self._owners:
                    self.close()

    async def settle(self) -> tuple[str, ...]:
        """Remove what an earlier life left for jails that are no more; to be called once all actions have started.

        Returns the labels removed. Raises ProgramError or OSError where they are still there.
        """
        async with self._lock:
            if not self._owners and not self._loaded.exists():  # asking would load it
                return ()
            labels = {label for header in self.sets.headers() if (label := parse_label(header.name)) is not None}
            stale = labels - self._owners.keys()
            await self._remove(stale)
            return tuple(sorted(stale))

    def is_whole(self, rules: IpsetRules) -> bool:
        """Return whether a jail's sets stand, and as many rules refer to them as were set up. Raises OSError."""
        return not explain(self.sets, rules, self.places(rules))

    def close(self) -> None:
        """Let go of the kernel; what stands there goes on standing."""
        if self._sets is not None:
            self._sets.close()
            self._sets = None

    def _note_lame(self, family: Family, error: NoProgramError) -> None:
        if family not in self._lame:
            log.warning("No %s address can be barred by iptables here: %s", FAMILY_NAMES[family], error)
        self._lame[family] = str(error)
        self._earliest.pop(family, None)

    def _make_set(self, rules: IpsetRules, family: Family) -> None:
        """Let the set stand with the room that is asked for, and with whom it holds."""
        name, fresh = rules.set_name(family), rules.fresh_name(family)
        try:
            self.sets.create(name, width=WIDTH[family], most=rules.most)
        except FileExistsError:  # an earlier life gave it other room
            self.sets.destroy(fresh)
            self.sets.create(fresh, width=WIDTH[family], most=rules.most)
            self.sets.add(fresh, self.sets.entries(name))
            self.sets.swap(name, fresh)
            self.sets.destroy(fresh)

    async def _place(self, rules: IpsetRules, family: Family) -> None:
        """Let exactly the rules of a family stand in front, in a transaction of each table."""
        name, iptables = rules.set_name(family), self._iptables[family]
        earliest = await iptables.earliest()
        here = rules.table(earliest)
        fresh = render_rules(rules, family, here)
        stale = find_rules(await iptables.save(here), {name}) if self._references({name}) else ()
        await iptables.restore(render_change(here, stale, fresh))
        self._earliest[family] = earliest
        await self._lift(family, {name}, but=here, known=len(fresh))

    async def _remove(self, labels: AbstractSet[str]) -> None:
        """Remove all rules and sets of some labels."""
        for family in WIDTH:
            names = {
                name
                for label in labels
                for rules in [IpsetRules(label, Reach())]
                for name in (rules.set_name(family), rules.fresh_name(family))
            }
            await self._lift(family, names)
            for name in sorted(names):
                await self._destroy(name)

    async def _lift(self, family: Family, names: AbstractSet[str], *, but: str = "", known: int = 0) -> None:
        """Take the rules that name one of the sets out of every table but one, where there are more than are known.

        A table is looked at only while there are, the likely ones first: to look may load it, or it may not be there.
        """
        iptables = self._iptables[family]
        earliest = await iptables.earliest() if self._references(names) > known else but
        for table in dict.fromkeys([earliest, "filter", *HOOKS]):
            if table == but or self._references(names) <= known:
                continue
            if stale := find_rules(await iptables.save(table), names):
                await iptables.restore(render_change(table, stale, ()))

    def _references(self, names: AbstractSet[str]) -> int:
        """Return how many rules name one of the sets."""
        found = 0
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found += self.sets.header(name).references
        return found

    async def _destroy(self, name: str) -> None:
        for left in reversed(range(_PATIENCE)):
            try:
                self.sets.destroy(name)
            except OSError as error:
                if error.errno != BUSY or not left:
                    raise
                await asyncio.sleep(_PAUSE)
            else:
                return


def explain(sets: Sets, rules: IpsetRules, places: Mapping[Family, str]) -> str:
    """Return why no packet is barred by the sets of a jail, whose rules stand in `places`; empty where all stands.

    Raises OSError.
    """
    for family, table in places.items():
        name = rules.set_name(family)
        try:
            standing = sets.header(name).references
        except FileNotFoundError:
            return f"the set {name} is gone"
        if standing < (wanted := len(render_rules(rules, family, table))):
            where = f"{' and '.join(HOOKS[table])} of the table {table}"
            return f"{standing} of {wanted} rules with {name} stand in {where}"
    return ""
