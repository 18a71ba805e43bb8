"""What was found and what follows from it, as data: the log prints it, the ledger keeps it, a test asserts it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from sekisho.model.address import Subject
from sekisho.model.duration import Seconds
from sekisho.model.specs import PERMANENT

Captured = str | tuple[str | None, ...]
"""The value of a captured group; a tuple for `<F-TUPLE_...>` and for the users of a session."""


NOTHING: Mapping[str, Captured] = MappingProxyType({})
"""What was captured where nothing was."""

OF_A_LINE = frozenset({"mlftry", "mlftries"})
"""Captures that tell of a line beside others, and nothing of whom it concerns: they are not kept."""


class Failure(NamedTuple):
    """A countable failure of `subject` at `time` (seconds since the epoch).

    `matches` are the log lines that prove it. `captured` are the groups that the rule captured, in lower case
    (`user`, `ip4` ...). `address` is who to act against where the identifier is not itself an address (COMPAT 2.3).

    A tuple, since under attack there are hundreds of thousands of them a second.
    """

    jail: str
    subject: Subject
    time: float
    matches: tuple[str, ...] = ()
    captured: Mapping[str, Captured] = NOTHING
    address: Subject | None = None


class Cause(enum.Enum):
    """Why a ban exists."""

    FAILURES = "failures"
    BY_HAND = "by hand"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Ban:
    """A decision to bar `subject` in `jail` from `time` for `duration` seconds (`PERMANENT`: for ever).

    `failures` is the number of attempts shown to people, `count` how often this jail has now banned the subject.
    """

    jail: str
    subject: Subject
    time: float
    duration: Seconds
    failures: int = 0
    count: int = 1
    matches: tuple[str, ...] = ()
    captured: Mapping[str, Captured] = field(default_factory=lambda: NOTHING, hash=False)
    address: Subject | None = None
    cause: Cause = Cause.FAILURES
    reason: str = ""

    @property
    def until(self) -> float | None:
        """The end of the ban in seconds since the epoch; None: it has none."""
        return None if self.duration == PERMANENT else self.time + self.duration

    @property
    def target(self) -> Subject:
        """Whom the firewall bars: the address where the identifier is something else."""
        return self.address or self.subject


@dataclass(frozen=True, slots=True)
class History:
    """How often a subject has been banned before, and when last (seconds since the epoch; 0 with no ban)."""

    count: int = 0
    last: float = 0.0


@dataclass(frozen=True, slots=True)
class Ignored:
    """A failure that does not count, and by which rule (`ignoreself rule`, `ip`, `dns`, `file:...`, `command`)."""

    failure: Failure
    source: str


@dataclass(frozen=True, slots=True)
class Counted:
    """A failure that counted; `retry` is the counter that is compared with maxretry (COMPAT 3.1)."""

    failure: Failure
    retry: int


@dataclass(frozen=True, slots=True)
class KnownBad:
    """A failure of who was banned `count` times before: it counts `weight` times (COMPAT 3.5 b).

    `bans` tells that such a failure reaches maxretry by itself.
    """

    failure: Failure
    count: int
    weight: int | float
    bans: bool


@dataclass(frozen=True, slots=True)
class Expired:
    """A ban that would already be over when it was decided (COMPAT 3.2)."""

    ban: Ban


@dataclass(frozen=True, slots=True)
class AlreadyBanned:
    """maxretry was reached again while `standing` holds; `prolonged` replaces it where it ends later (COMPAT 3.2)."""

    ban: Ban
    standing: Ban
    prolonged: Ban | None


class Release(enum.Enum):
    """Why a ban ended."""

    EXPIRED = "expired"
    BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class Unban:
    """The end of `ban`."""

    ban: Ban
    release: Release


Verdict = Counted | KnownBad | Ignored | Ban | Expired | AlreadyBanned | Unban
