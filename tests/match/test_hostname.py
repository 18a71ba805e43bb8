"""Whom a field names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.match.hostname import host_groups
from sekisho.model.address import Family, parse_subject


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("192.0.2.1", {"ip4": "192.0.2.1"}),
        (" 192.0.2.1:443 ", {"ip4": "192.0.2.1"}),
        ("[192.0.2.1]:443", {"ip4": "192.0.2.1"}),
        ("2001:DB8::1", {"ip6": "2001:db8::1"}),
        ("[2001:db8::1]", {"ip6": "2001:db8::1"}),
        ("[2001:db8::1]:443", {"ip6": "2001:db8::1"}),
        ("::ffff:192.0.2.1", {"ip4": "192.0.2.1"}),
        ("[::ffff:192.0.2.1]:443", {"ip4": "192.0.2.1"}),
        ("host.example.com", {"dns": "host.example.com"}),
        ("host.example.com:8080", {"dns": "host.example.com"}),
        ("localhost", {"dns": "localhost"}),
    ],
)
def test_who_is_named(text: str, groups: dict[str, str]) -> None:
    """An address in its usual form, or a name to be looked up; a port is no part of it."""
    assert host_groups(text) == groups


@pytest.mark.parametrize(
    "text",
    ["", "-", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "192.0.2.1/32", "192.0.2.1, 198.51.100.66", "192.0.2",
     "0x7f.1", "2130706433", "192.0.2.300", "192.000.002.001", "fe80::1%eth0", "[192.0.2.1", "192.0.2.1]:443", "a b",
     "a..b", ".a", "@", "unix:/run/x.sock", "a." * 130 + "a", "192.0.2.1:443:80", "\ufffd", "\uff1192.0.2.1"],
)  # fmt: skip
def test_nobody_is_named(text: str) -> None:
    """Networks, lists, numbers that a resolver would take for an address, sockets, noise."""
    assert host_groups(text) == {}


@given(st.text("0123456789abcdef.:[]/%x ") | st.text())
def test_an_address_is_one_address(text: str) -> None:
    """Whatever a field holds, nobody but a single address is barred by it."""
    for group, found in host_groups(text).items():
        who = parse_subject(str(found))
        assert who.is_single == (group != "dns")
        assert (who.family is Family.OTHER) == (group == "dns")
