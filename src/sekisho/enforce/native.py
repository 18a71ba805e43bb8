"""What the native firewalls share: one jail's bans as elements of the kernel's sets, family by family.

A ban that cannot be carried out is failed alone, or with its family, and never loses the others. How the elements get
into the sets, and what else a firewall has to remember, is its own (`firewall`, `ipset_firewall`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from sekisho.enforce.program import ProgramError
from sekisho.enforce.targets import WIDTH, Holders, by_family, sort_out
from sekisho.model.action import ActionError, Failed, Kind
from sekisho.model.address import Family, Subject
from sekisho.model.verdict import Ban


class NativeAction(ABC):
    """Bars the subjects of one jail; `firewall` is what the log calls it."""

    kind = Kind.ENFORCER
    survives_stop = True
    firewall: ClassVar[str]

    def __init__(
        self, *, jail: str, actname: str, clock: Callable[[], float], cut: Callable[[Sequence[Subject]], None]
    ) -> None:
        """Make the action; `cut` is told whom a ban has just barred, and returns at once."""
        self.name = actname
        self._jail = jail
        self._clock = clock
        self._cut = cut
        self._holders = Holders()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} of jail {self._jail}>"

    async def start(self, standing: Sequence[Ban]) -> Sequence[Failed]:
        """Set the jail's rules up and make its sets hold `standing`, without a moment in which less is barred."""
        now = self._clock()
        self._holders = Holders()
        self._forget(now)
        try:
            await self._set_up()
            failed, bans = self._sort_out(standing, now)
            for ban in bans:
                self._note(ban)
            for family in WIDTH:
                failed += self._project(family, [ban for ban in bans if ban.target.family is family], now)
        except (ProgramError, OSError) as error:
            self._forget(now)
            raise ActionError(f"action {self.name!r} of jail {self._jail!r} cannot start: {error}") from error
        return failed

    async def ban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Put the bans into the kernel's sets."""
        now = self._clock()
        failed, good = self._sort_out(bans, now)
        for ban in good:
            self._note(ban)
        for family, chosen in by_family(good):
            try:
                failed += await self._add_or_set_up(family, chosen, now)
            except (ProgramError, OSError) as error:
                failed += self._failed(chosen, error)
        lost = {failure.ban.subject for failure in failed}
        self._cut([ban.target for ban in good if ban.subject not in lost])
        return failed

    async def unban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Take the bans out of the kernel's sets."""
        now = self._clock()
        failed: list[Failed] = []
        for family, chosen in by_family(bans):
            try:
                failed += self._remove(family, chosen, now)
            except FileNotFoundError:
                continue  # the sets are gone, and the bans with them
            except OSError as error:
                failed += self._failed(chosen, error)
        return failed

    async def stop(self, standing: Sequence[Ban]) -> None:
        """Remove the jail's rules and sets."""
        del standing  # they go with their sets
        try:
            await self._take_down()
        except (ProgramError, OSError) as error:
            raise ActionError(f"action {self.name!r} of jail {self._jail!r} is not gone: {error}") from error

    def _failed(self, bans: Sequence[Ban], error: Exception) -> list[Failed]:
        return [Failed(ban, f"{self.firewall}: {error}") for ban in bans]

    def _sort_out(self, bans: Sequence[Ban], now: float) -> tuple[list[Failed], list[Ban]]:
        """Return the bans that cannot be carried out as failed, and those that are not over yet."""
        return sort_out(bans, now)

    def _note(self, ban: Ban) -> None:
        """Remember of a ban that stands what the sets alone cannot tell."""
        self._holders.note(ban)

    @abstractmethod
    async def listed(self) -> frozenset[Subject] | None:
        """Return whom the kernel holds barred; None where it cannot be asked, or has nothing new to tell."""

    @abstractmethod
    def _forget(self, now: float) -> None:
        """Forget all that is known of the sets."""

    @abstractmethod
    async def _set_up(self) -> None:
        """Make the rules and sets stand. Raises ProgramError or OSError."""

    @abstractmethod
    async def _take_down(self) -> None:
        """Remove the rules and sets. Raises ProgramError or OSError."""

    @abstractmethod
    def _project(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        """Make the sets of one family hold exactly these bans. Raises OSError."""

    @abstractmethod
    async def _add_or_set_up(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        """Add bans, setting the rules up again first where another program has removed them.

        Raises ProgramError or OSError: none of them is barred.
        """

    @abstractmethod
    def _remove(self, family: Family, bans: Sequence[Ban], now: float) -> list[Failed]:
        """Take bans out. Raises OSError: none of them is lifted; FileNotFoundError: there are no sets."""
