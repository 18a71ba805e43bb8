"""What must change so that the firewall holds exactly what the ledger says: pure comparison of two states."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

TOLERANCE = 2.0  # seconds by which two ends of one ban may differ: clocks are read at different moments


@dataclass(frozen=True, slots=True)
class Plan(Generic[K]):
    """What to add (or to give a new end) and what to remove."""

    add: tuple[K, ...]
    remove: tuple[K, ...]

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)


def plan(wanted: Mapping[K, float | None], actual: Mapping[K, float | None]) -> Plan[K]:
    """Return the smallest change from `actual` to `wanted`; values are ends in seconds, None: without end."""
    add = tuple(key for key, end in wanted.items() if key not in actual or _differ(end, actual[key]))
    return Plan(add, tuple(key for key in actual if key not in wanted))


def _differ(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is not other
    return abs(one - other) > TOLERANCE
