"""Tags: what `<HOST>` and its kin match, and which groups they give."""

from __future__ import annotations

import re

import pytest

from sekisho.match.tags import expand_tags


def groups(expression: str, text: str, usedns: str = "warn") -> dict[str, str] | None:
    """The groups that an expression finds in a text; None when it does not match."""
    found = re.search(expand_tags(expression, usedns=usedns), text)
    return None if found is None else {name: value for name, value in found.groupdict().items() if value is not None}


@pytest.mark.parametrize(
    ("expression", "text", "expected"),
    [
        ("from <HOST>$", "from 192.0.2.1", {"ip4": "192.0.2.1"}),
        ("from <HOST>$", "from ::ffff:192.0.2.1", {"ip4": "192.0.2.1"}),
        ("from <HOST>$", "from [2001:DB8::1]", {"ip6": "2001:DB8::1"}),
        ("from <HOST>$", "from ::1", {"ip6": "::1"}),
        ("from <HOST>$", "from fe80:1::", {"ip6": "fe80:1::"}),
        ("from <HOST>$", "from :fe80:1", {"ip6": ":fe80:1"}),
        ("from <HOST>: bad$", "from 2001:db8::1: bad", {"ip6": "2001:db8::1"}),
        ("from <HOST>$", "from mail.example.com", {"dns": "mail.example.com"}),
        ("from <HOST>$", "from 1.2.3.400", {"ip4": "1.2.3.400"}),
        ("from <HOST>$", "from 1.2.3.4000", {"dns": "1.2.3.4000"}),
        ("from <ADDR>$", "from mail.example.com", None),
        ("<IP4>/<CIDR>", "10.0.0.0/8", {"ip4": "10.0.0.0", "cidr": "8"}),
        ("^<SUBNET>$", "[2001:db8::/32]", {"ip6": "2001:db8::", "cidr": "32"}),
        ("^<F-SUBNET/>$", "192.0.2.1", {"ip4": "192.0.2.1"}),
        ("^<F-IP6/> <F-DNS/>$", "::1 host", {"ip6": "::1", "dns": "host"}),
        ("^<F-ID/> <F-PORT/>$", "a/b 22", {"fid": "a/b", "fport": "22"}),
        ("<F-USER>[^']*</F-USER>' ", "x y' ", {"user": "x y"}),
        ("<F-ID>id</F-ID>", "id", {"fid": "id"}),
        ("<f-user>x <foo>", "<f-user>x <foo>", {}),
        ("x</F-USER>", "x</F-USER>", {}),
        ("a<SKIPLINES>b", "a\nx\ny\nb", {"skiplines0": "x\ny\n"}),
    ],
)
def test_tags_become_groups(expression: str, text: str, expected: dict[str, str] | None) -> None:
    """Each tag of COMPAT 2.3 matches what it should and names its group."""
    assert groups(expression, text) == expected


def test_without_dns_a_host_is_an_address() -> None:
    """`usedns = no` takes the name out of `<HOST>` itself."""
    assert groups("from <HOST>$", "from mail.example.com", usedns="no") is None
    assert groups("from <HOST>$", "from 192.0.2.1", usedns="no") == {"ip4": "192.0.2.1"}
