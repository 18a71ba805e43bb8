"""Whose network an address belongs to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The autonomous systems that announce an address, the country and the registry of its network, as texts."""

    asn: str
    country: str
    registry: str
