"""What an action can prove: how many packets each ban has stopped, and that a packet of whom it bars is stopped.

Both are optional parts of the contract in `model.action`: an action that cannot answer does not have the method. They
are not taken in turn with its work: a ban may come while an answer is being made, and must not wait for it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sekisho.model.address import Subject
from sekisho.model.ports import PortRange


@dataclass(frozen=True, slots=True)
class Count:
    """Packets that were stopped, and their length in bytes."""

    packets: int = 0
    octets: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.packets + other.packets, self.octets + other.octets)


@dataclass(frozen=True, slots=True)
class Tally:
    """What an action has stopped, by whom it bars, and in all.

    What was stopped where networks overlap or meet is told of each of them, and is once in `total`.
    """

    total: Count
    of: Mapping[Subject, Count]


@runtime_checkable
class Counting(Protocol):
    """An action that counts the packets that it stops."""

    async def counted(self) -> Tally:
        """What those whom it bars now have been stopped at, each since its ban was last written. Raises ActionError."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Whether the firewall's sets hold a subject, and when it leaves them, in seconds since the epoch (None: never)."""

    subject: Subject
    is_held: bool
    until: float | None = None


class Witness(enum.Enum):
    """What tells where a probe ended: the kernel's trace of its way, the counter of what stopped it, or nothing."""

    TRACE = "trace"
    COUNTER = "counter"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Barrier:
    """How a firewall stands: what a packet must be to come before `chain`, and whom that holds.

    `fault` says why no packet reaches the chain, empty when it is reached. `protocols` empty means every one, `ports`
    None every port; `match` is a condition of the administrator's own, which no probe can be made to fulfil.
    """

    chain: str
    fault: str
    protocols: tuple[str, ...]
    ports: tuple[PortRange, ...] | None
    match: str
    holdings: tuple[Holding, ...]
    witness: Witness = Witness.TRACE


@runtime_checkable
class Provable(Protocol):
    """An action that can be asked, of anybody, whether he is barred."""

    async def barrier(self, subjects: Sequence[Subject]) -> Barrier:
        """How it stands, and against each of the subjects, as the system itself says. Raises ActionError."""
