"""The table `inet sekisho`, which all native actions share: who has a chain in it, and when it comes and goes.

Chains and sets are set up and taken down by nft, one transaction at a time; elements go through the netlink socket.
The table outlives a daemon that was killed, with every ban in force until its kernel timeout ends it; the next life
finds chains of the same names and fills the difference.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from sekisho.enforce.commits import Commit, Commits
from sekisho.enforce.netlink import NftSocket, Refusal
from sekisho.enforce.nft import NftError, run_nft
from sekisho.enforce.ruleset import CHAIN_PREFIX, TABLE, JailRules, render_set_up, render_take_down
from sekisho.enforce.structure import Structure
from sekisho.enforce.wire import Element

log = logging.getLogger("fail2ban.actions")

_ABSENT = {errno.EPROTONOSUPPORT, errno.EINVAL, errno.EOPNOTSUPP}
"""What netlink answers where the kernel has no nf_tables and no module to load: no such protocol, no such subsystem."""


class Sets(Protocol):
    """What the table needs of the kernel; `NftSocket` is the real one."""

    @property
    def port(self) -> int:
        """By which the kernel knows us."""

    def add(self, set_name: str, elements: Sequence[Element]) -> list[Refusal]:
        """Put elements into a set."""

    def delete(self, set_name: str, elements: Sequence[Element]) -> list[Refusal]:
        """Take elements out of a set."""

    def exchange(self, set_name: str, *, remove: Sequence[Element], add: Sequence[Element]) -> None:
        """Take some out and put some in, at one stroke."""

    def refill(self, set_name: str, elements: Sequence[Element]) -> None:
        """Make a set hold exactly these."""

    def addresses(self, set_name: str) -> list[Element]:
        """List a hash set."""

    def ranges(self, set_name: str, width: int) -> list[Element]:
        """List an interval set."""

    def chains(self) -> frozenset[str]:
        """Name the table's chains."""

    def structure(self) -> Structure:
        """Return what stands of the table besides its elements."""

    def others_changes(self) -> int:
        """Return a number that stays the same while nobody else changes any rule."""

    def note_own_change(self) -> None:
        """Take note that nft made one change for us."""

    def close(self) -> None:
        """Let go of the kernel."""


class NftTable:
    """The shared table. One object a process; every native action is given it.

    It owns no ban: it only remembers whose chain stands, and `sets` asks the kernel.
    """

    def __init__(
        self,
        *,
        run: Callable[[str], Awaitable[None]] = run_nft,
        connect: Callable[[], Sets] = lambda: NftSocket(TABLE),
    ) -> None:
        self._run = run
        self._connect = connect
        self._sets: Sets | None = None
        self._owners: dict[str, object] = {}
        self._rules: dict[str, JailRules] = {}
        self._structure: tuple[int, Structure] | None = None  # `others_changes` when it was asked for
        self._commits: Commits | None = None
        self._alarm: Callable[[], None] | None = None
        self._look: asyncio.Task[None] | None = None
        self._suspects: list[Commit] = []
        self._seen: int | None = None  # `others_changes` when we last looked what they had cost us
        self._lock = asyncio.Lock()  # two set-ups at once would each rebuild the base chain without the other's jump

    @property
    def sets(self) -> Sets:
        """The kernel's sets. Raises OSError where the kernel cannot be reached."""
        if self._sets is None:
            self._sets = self._connect()
        return self._sets

    def another(self) -> Sets:
        """A connection to the same kernel for the caller alone, who closes it. Raises OSError."""
        return self._connect()

    def absence(self) -> str:
        """Return what the kernel answers where it has no nf_tables; empty where it has, or will not tell."""
        try:
            with contextlib.closing(self.another()) as sets:
                sets.others_changes()
        except OSError as error:
            return errno.errorcode[error.errno] if error.errno in _ABSENT else ""
        return ""

    async def set_up(self, rules: JailRules, owner: object) -> None:
        """Put the chain and the sets of `rules` in place, for `owner`; elements that are in the sets stay.

        Raises:
            NftError: nothing was changed.
            OSError: the kernel cannot be reached.

        """
        async with self._lock:
            await self._change(render_set_up(rules, self._jail_chains()))
            self._owners[rules.label] = owner
            self._rules[rules.label] = rules
            self._listen()

    async def take_down(self, rules: JailRules, owner: object) -> None:
        """Remove the chain and the sets of `rules`, and with the last of them the table.

        Nothing happens where another owner has taken the chain over meanwhile.

        Raises:
            NftError: they are still there.
            OSError: the kernel cannot be reached.

        """
        async with self._lock:
            if self._owners.get(rules.label) is not owner:
                return
            others = self._jail_chains() - {rules.chain} if len(self._owners) > 1 else frozenset()
            if not others or rules.chain in self._jail_chains():
                await self._change(render_take_down([rules.label], others))
            del self._owners[rules.label], self._rules[rules.label]
            if not self._owners:
                self.close()

    def close(self) -> None:
        """Let go of the kernel; what stands there goes on standing."""
        if self._commits is not None:
            self._commits.close()
            self._commits = None
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if self._sets is not None:
            self._sets.close()
            self._sets = None

    # -- what others do

    def guard(self, alarm: Callable[[], None]) -> None:
        """Let `alarm` be called as soon as another program has removed anything that we had set up."""
        self._alarm = alarm

    async def is_whole(self, rules: JailRules) -> bool:
        """Return whether all of a jail but its elements stands, and is reached.

        The kernel is asked only where another program has changed a rule of the host meanwhile. Raises OSError.
        """
        async with self._lock:
            return self._now().holds(rules)

    def _now(self) -> Structure:
        mark = self.sets.others_changes()
        if self._structure is None or self._structure[0] != mark:
            self._structure = mark, self.sets.structure()
        return self._structure[1]

    def _listen(self) -> None:
        """Hear of what others do from now on; where the kernel does not let us, `is_whole` finds out later."""
        if self._commits is None and self._alarm is not None:
            try:
                self._commits = Commits(self._hear)
            except OSError as error:
                log.info("Changes by other programs are looked for now and then: %s", error)

    def _hear(self, commit: Commit) -> None:
        if commit.port == self.sets.port:
            return
        self._suspects.append(commit)
        if self._look is None or self._look.done():
            self._look = asyncio.get_running_loop().create_task(self._look_after(), name="who changed the firewall")

    async def _look_after(self) -> None:
        """Find out whether a change that was heard of has cost us anything; nft may just have worked for us."""
        while self._suspects:
            async with self._lock:
                suspects, self._suspects = self._suspects, []
                try:
                    mark = self.sets.others_changes()
                    if mark == self._seen:  # it was ourselves, by nft
                        continue
                    now, self._seen = self._now(), mark
                except OSError as error:
                    log.warning("The firewall cannot be asked what another program has done to it: %s", error)
                    return
                lost = [rules for rules in self._rules.values() if not now.holds(rules)]
            if lost and self._alarm is not None:
                who = ", ".join(dict.fromkeys(map(str, suspects[-3:])))
                log.warning("%s changed the firewall: %s", who, _described(lost, now, self._rules))
                self._alarm()

    async def settle(self) -> tuple[str, ...]:
        """Remove what an earlier life left for jails that are no more; to be called once all actions have started.

        Returns the labels removed. Raises NftError or OSError where they are still there.
        """
        async with self._lock:
            standing = frozenset(CHAIN_PREFIX + label for label in self._owners)
            found = self._jail_chains()
            stale = tuple(sorted(chain.removeprefix(CHAIN_PREFIX) for chain in found - standing))
            if stale:
                await self._change(render_take_down(stale, standing))
            return stale

    async def _change(self, text: str) -> None:
        """Let nft make a change, and know it for our own where nobody else made one at the same time."""
        before = self.sets.others_changes()
        self._structure = None
        if self._seen is None:
            self._seen = before
        await self._run(text)
        if self.sets.others_changes() == (before + 1) & 0xFFFFFFFF:
            self.sets.note_own_change()

    def _jail_chains(self) -> frozenset[str]:
        """Return the jails' chains that stand in the kernel."""
        return frozenset(chain for chain in self.sets.chains() if chain.startswith(CHAIN_PREFIX))


def _described(lost: Sequence[JailRules], now: Structure, rules: Mapping[str, JailRules]) -> str:
    if not now.rules:
        return f"the table inet {TABLE} is gone, and is put back"
    labels = "all jails" if len(lost) == len(rules) else ", ".join(each.label for each in lost[:5])
    return f"rules of {labels} in the table inet {TABLE} are gone, and are put back"


__all__ = ["NftError", "NftTable", "Sets"]
