"""Both native firewalls over a kernel in memory, with one face: a story is told once and played to each."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar

from hypothesis import strategies as st
from tests.support.memory_ipset import MemoryIpset
from tests.support.memory_sets import MemorySets

from sekisho.enforce.fence import Fence
from sekisho.enforce.firewall import NftablesAction
from sekisho.enforce.ipset_firewall import IpsetAction
from sekisho.enforce.ipset_rules import parse_ipset_rules
from sekisho.enforce.iptables import Iptables
from sekisho.enforce.native import NativeAction
from sekisho.enforce.ruleset import parse_rules
from sekisho.enforce.table import NftTable
from sekisho.model.address import Subject, parse_subject
from sekisho.model.ports import PortRange
from sekisho.model.verdict import Ban

NOW = 1_800_000_000.0
PORTS = (PortRange(22, 22),)

T = TypeVar("T")


def ban(who: str, *, seconds: float = 600, at: float = NOW, address: str = "") -> Ban:
    """A ban of jail sshd."""
    return Ban("sshd", parse_subject(who), at, seconds, address=parse_subject(address) if address else None)


def do(play: Coroutine[object, object, T]) -> T:
    """Run one call to its end."""
    return asyncio.run(play)


class Wall(ABC):
    """One firewall's action over a kernel in memory, and a clock that the test sets."""

    action: NativeAction

    def __init__(self, *, cut: Callable[[Sequence[Subject]], None] = lambda _: None) -> None:
        self.now = NOW
        self.cut = cut

    @abstractmethod
    def successor(self) -> NativeAction:
        """The action of a daemon that starts over what is in the kernel."""

    @abstractmethod
    def element(self, address: str) -> object:
        """The element of an IPv4 address."""

    @abstractmethod
    def left(self, address: str) -> float | None:
        """Seconds that are left of it."""

    @abstractmethod
    def refuse(self, error: int, address: str = "") -> None:
        """Have the kernel refuse an address, or whatever it is asked."""

    @abstractmethod
    def lose_everything(self) -> None:
        """What another program does that flushes sets and rules."""

    @abstractmethod
    def is_bare(self) -> bool:
        """True when nothing of ours is in the kernel."""

    def listed(self) -> set[str]:
        """Who is barred, as texts."""
        found = do(self.action.listed())
        assert found is not None
        return {subject.text for subject in found}


def play(wall: Wall, story: Sequence[tuple[str, str, int]]) -> dict[str, Ban]:
    """Start the action, and ban or unban whom a story tells, for so many seconds; who stands at its end."""
    standing: dict[str, Ban] = {}

    async def act() -> None:
        await wall.action.start([])
        for verb, who, seconds in story:
            if verb == "ban":
                standing[who] = ban(who, seconds=seconds)
                assert await wall.action.ban([standing[who]]) == []
            else:
                standing.pop(who, None)
                assert await wall.action.unban([ban(who)]) == []

    do(act())
    return standing


def stories_of(people: Sequence[str]) -> st.SearchStrategy[list[tuple[str, str, int]]]:
    """Bans and unbans in any order. The ends of two bans differ by more than `networks.TOLERANCE`, or not at all."""
    seconds = st.sampled_from(range(10, 5000, 10))
    return st.lists(st.tuples(st.sampled_from(["ban", "unban"]), st.sampled_from(people), seconds), max_size=15)


def _refuser(error: int) -> Callable[..., list[object]]:
    def refuse(*_: object, **__: object) -> list[object]:
        raise OSError(error, "it must not be")

    return refuse


class NftablesWall(Wall):
    """nf_tables."""

    def __init__(self, *, cut: Callable[[Sequence[Subject]], None] = lambda _: None) -> None:
        super().__init__(cut=cut)
        self.kernel = MemorySets()
        self.action: NftablesAction = self.successor()

    def successor(self) -> NftablesAction:
        """See `Wall`."""
        table = NftTable(run=self.kernel.run, connect=lambda: self.kernel)
        rules = parse_rules("sshd", "nftables", {}, PORTS)
        return NftablesAction(
            table=table, jail="sshd", actname="nftables", rules=rules, clock=lambda: self.now, cut=self.cut
        )

    def listed(self) -> set[str]:
        """See `Wall`; the kernel is asked only after another program has changed something."""
        self.kernel.others += 1
        return super().listed()

    def element(self, address: str) -> object:
        """See `Wall`."""
        return self.kernel.held["addr-set-sshd"][bytes(map(int, address.split(".")))]

    def left(self, address: str) -> float | None:
        """See `Wall`; the kernel counts milliseconds."""
        timeout = self.kernel.held["addr-set-sshd"][bytes(map(int, address.split(".")))].timeout
        return None if timeout is None else timeout / 1000

    def refuse(self, error: int, address: str = "") -> None:
        """See `Wall`."""
        if address:
            self.kernel.refuses[bytes(map(int, address.split(".")))] = error
            return
        for name in ("add", "delete", "others_changes"):
            setattr(self.kernel, name, _refuser(error))

    def lose_everything(self) -> None:
        """See `Wall`."""
        self.kernel.flush_ruleset()

    def is_bare(self) -> bool:
        """See `Wall`."""
        return not self.kernel.held and not self.kernel.chains()


class IpsetWall(Wall):
    """ipset and iptables; `properties` are those of the action."""

    def __init__(self, *, cut: Callable[[Sequence[Subject]], None] = lambda _: None, **properties: str) -> None:
        super().__init__(cut=cut)
        self.host = MemoryIpset()
        self._properties = properties
        self.action: IpsetAction = self.successor()

    def successor(self) -> IpsetAction:
        """See `Wall`."""
        fence = Fence(connect=self.host.connect, iptables=lambda family: Iptables(family, run=self.host.run))
        rules = parse_ipset_rules("sshd", "ipset", self._properties, PORTS)
        return IpsetAction(fence=fence, jail="sshd", actname="ipset", rules=rules, clock=lambda: self.now, cut=self.cut)

    def element(self, address: str) -> object:
        """See `Wall`."""
        return self.host.held["sekisho4-sshd"][bytes(map(int, address.split("."))), 32]

    def left(self, address: str) -> float | None:
        """See `Wall`; the kernel counts seconds."""
        return self.host.held["sekisho4-sshd"][bytes(map(int, address.split("."))), 32].timeout

    def refuse(self, error: int, address: str = "") -> None:
        """See `Wall`."""
        if address:
            self.host.refuses[bytes(map(int, address.split(".")))] = error
            return
        for name in ("add", "delete", "header", "entries"):
            setattr(self.host, name, _refuser(error))

    def lose_everything(self) -> None:
        """See `Wall`."""
        for lost in (self.host.rules, self.host.held, self.host.most):
            lost.clear()

    def is_bare(self) -> bool:
        """See `Wall`."""
        return not self.host.held and not any(self.host.rules.values())
