"""What bans ask of a native firewall, whichever it is: who can be barred at all, and how long a target stays barred.

Where a filter's identifier is not itself an address (COMPAT 2.3), two bans may have one address as their target; the
address stays barred until the last of them is lifted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address

from sekisho.model.action import Failed
from sekisho.model.address import Family, Subject
from sekisho.model.verdict import Ban

WIDTH: Mapping[Family, int] = {Family.INET4: 4, Family.INET6: 16}
"""The families that a firewall can bar, and how many bytes their addresses have."""


def sort_out(bans: Sequence[Ban], now: float) -> tuple[list[Failed], list[Ban]]:
    """Return the bans that no firewall can hold as failed, and those that are not over yet."""
    failed: list[Failed] = []
    good: list[Ban] = []
    for ban in bans:
        until = ban.until
        if ban.target.family is Family.OTHER:
            failed.append(Failed(ban, "it is no address, so no firewall can bar it", is_final=True))
        elif until is None or until > now:
            good.append(ban)
    return failed, good


def by_family(bans: Sequence[Ban]) -> Iterator[tuple[Family, list[Ban]]]:
    """Yield each family of which there are any, with its bans; what is no address has none."""
    for family in WIDTH:
        if chosen := [ban for ban in bans if ban.target.family is family]:
            yield family, chosen


def pack_address(subject: Subject) -> bytes:
    """Return a single address as the kernel has it."""
    if subject.family is Family.INET4:
        return bytes(map(int, subject.text.split(".")))  # a third of the price, and a start pays it for every ban
    return ip_address(subject.text).packed


class Holders:
    """Who bars the targets that more than one identifier may bar. Its owner is the one action that uses it."""

    def __init__(self) -> None:
        self._ends: dict[Subject, dict[Subject, float | None]] = {}  # by target, then by identifier

    def note(self, ban: Ban) -> None:
        """Take note that a ban stands."""
        if ban.address is not None or ban.target in self._ends:
            self._ends.setdefault(ban.target, {})[ban.subject] = ban.until

    def end_of(self, ban: Ban) -> float | None:
        """Return the end of the last ban that bars this ban's target."""
        holders = self._ends.get(ban.target) if self._ends else None
        if not holders:
            return ban.until
        ends = holders.values()
        return None if None in ends else max(end for end in ends if end is not None)

    def release(self, bans: Sequence[Ban]) -> tuple[list[Ban], list[Ban]]:
        """Take note that bans are lifted: of some nobody bars the target any more, of the others somebody does."""
        for ban in bans:
            self._ends.get(ban.target, {}).pop(ban.subject, None)
        kept = [ban for ban in bans if self._ends.get(ban.target)]
        gone = [ban for ban in bans if not self._ends.get(ban.target)]
        for ban in gone:
            self._ends.pop(ban.target, None)
        return gone, kept
