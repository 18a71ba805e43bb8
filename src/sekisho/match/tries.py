"""Tries that a service tells of in lines of several kinds: each try counts once.

An unknown user's wrong password is told by sshd in two lines, by Dovecot, its authentication process and PAM in three.
What stands in `<F-MLFTRY>` names the kind of a line, the number in `<F-MLFTRIES>` how many tries it tells of (without
it, one). Somebody has tried as often as the kind tells that tells of most; only a line by which that number grows
counts.

The tries of a session are told apart from those of other sessions, and within it by address and user name (`sessions`).
Where lines have no session's id, those of an address are taken together, for `LIFETIME`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sekisho.model.verdict import Captured

LIFETIME = 300.0
"""Seconds of the log, from the first line that tells of an address's tries, for which they are remembered."""

MOST_ADDRESSES = 1000
"""Of more addresses than these at once the oldest is forgotten: its next line counts once too often."""

MOST_KINDS = 16
"""Kinds of lines told apart; a filter has two or three."""

LONGEST_NUMBER = 3
"""Digits of a number of tries; a longer one is taken for one try."""


class Tally:
    """How many tries lines of each kind have told of."""

    __slots__ = ("_known", "_told")

    def __init__(self) -> None:
        self._told: dict[str, int] = {}
        self._known = 0

    def retells(self, groups: Mapping[str, Captured]) -> bool:
        """Add a line by what it has captured; True when its tries are known from lines of other kinds."""
        kind = groups.get("mlftry")
        if not isinstance(kind, str) or (kind not in self._told and len(self._told) >= MOST_KINDS):
            return False
        told = self._told[kind] = self._told.get(kind, 0) + _tries_in(groups)
        if told <= self._known:
            return True
        self._known = told
        return False


class Tries:
    """The tries of each address, of lines that belong to no session."""

    def __init__(self) -> None:
        self._tallies: dict[str, tuple[float, Tally]] = {}

    def __len__(self) -> int:
        return len(self._tallies)

    def retells(self, address: str, groups: Mapping[str, Captured], when: float) -> bool:
        """Add a line of `when` that concerns `address`; True when its tries are known from lines of other kinds."""
        born, tally = self._tallies.get(address, (when, None))
        if tally is None or abs(when - born) >= LIFETIME:
            self._tallies.pop(address, None)
            if len(self._tallies) >= MOST_ADDRESSES:
                del self._tallies[next(iter(self._tallies))]
            tally = Tally()
            self._tallies[address] = when, tally
        return tally.retells(groups)


def _tries_in(groups: Mapping[str, Captured]) -> int:
    number = groups.get("mlftries")
    if isinstance(number, str) and number.isdecimal() and len(number) <= LONGEST_NUMBER:
        return max(1, int(number))
    return 1
