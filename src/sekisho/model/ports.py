"""The ports that a jail protects, as numbers: made from names by `lookup.services`, written into rules by `enforce`."""

from __future__ import annotations

from dataclasses import dataclass

LAST_PORT = 65535


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """The ports from `first` to `last`, both included."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last <= LAST_PORT:
            raise ValueError(f"port range {self.first}-{self.last}: expected 0 <= first <= last <= {LAST_PORT}")

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


ALL_PORTS: tuple[PortRange, ...] = (PortRange(0, LAST_PORT),)
"""Every port; a rule for these needs no port at all."""


def merge_ports(ranges: tuple[PortRange, ...]) -> tuple[PortRange, ...]:
    """Return the same ports in ascending ranges that neither overlap nor touch."""
    merged: list[PortRange] = []
    for each in sorted(ranges):
        if merged and each.first <= merged[-1].last + 1:
            merged[-1] = PortRange(merged[-1].first, max(merged[-1].last, each.last))
        else:
            merged.append(each)
    return tuple(merged)
