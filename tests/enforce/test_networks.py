"""Networks in the kernel's interval sets; test_firewall.py and test_firewall_packets.py have whole stories of them."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from tests.support.walls import NOW, NftablesWall, ban, do


def test_a_prefix_more_among_thousands_is_one_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it touches no other, the set is not read again: banned, prolonged, lifted, and over by itself."""
    wall = NftablesWall()
    do(wall.action.start([]))
    do(wall.action.ban([ban(f"2001:db8:{number:x}::/64") for number in range(1, 50)]))
    monkeypatch.setattr(wall.kernel, "ranges", None)
    do(wall.action.ban([ban("2001:db8::/64", seconds=50), ban("10.1.0.0/16")]))
    do(wall.action.ban([ban("2001:db8::/64", seconds=900)]))
    held = wall.kernel.held["net6-set-sshd"]
    assert held[IPv6Address("2001:db8::").packed].timeout == 900_000
    do(wall.action.unban([ban("2001:db8::/64"), ban("2001:db8:7::/64")]))
    del held[IPv6Address("2001:db8:8::").packed]
    wall.now = NOW + 601
    do(wall.action.unban([ban("2001:db8:8::/64")]))
    assert len(wall.kernel.held["net6-set-sshd"]) == 47
