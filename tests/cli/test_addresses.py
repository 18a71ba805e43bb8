"""What is wrong with an address that is none."""

from __future__ import annotations

import pytest

from sekisho.cli.addresses import looks_like_address, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.7/24", "192.0.2.0/24"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::/64", "2001:db8::/64"),
    ],
)
def test_addresses_and_networks(text: str, address: str) -> None:
    """Each in its canonical form."""
    assert parse_address(text).text == address


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("192.0.2.256", "256 is more than 255"),
        ("192.0.2.1/33", "the prefix of IPv4 is a number from 0 to 32, not '33'"),
        ("192.0.2.1/x", "the prefix of IPv4 is a number from 0 to 32, not 'x'"),
        ("2001:db8::/129", "the prefix of IPv6 is a number from 0 to 128, not '129'"),
        ("192.0.2", "IPv4 has four numbers, here are 3"),
        ("192.0.2..1", "IPv4 has four numbers, here are 4"),
        ("192.0..1", "a number is missing between two dots"),
        ("192.0.2.010", "010 could be meant octal; write 10"),
        ("2001:db8::1::2", "at most one '::' permitted"),
        ("fe80::1%eth0", "a zone (%...) names an interface of this host"),
        ("mail.example.com", "a host name; `getent ahosts mail.example.com` tells its addresses"),
        ("", "expected for example 192.0.2.1 or 2001:db8::/64"),
        ("$(reboot)", "expected for example 192.0.2.1 or 2001:db8::/64"),
    ],
)
def test_what_is_wrong(text: str, why: str) -> None:
    """The part that cannot be, and where there is one, the way out."""
    with pytest.raises(ValueError, match="is no address or network: ") as caught:
        parse_address(text)
    assert str(caught.value).partition("network: ")[2] == why


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("192.0.2.1", True), ("192.0.2.256", True), ("10.0/8", True), ("2001:db8::1", True), ("::/0", True),
        ("sshd", False), ("nginx-404", False), ("face", False), ("--all", False), ("22", False),
    ],
)  # fmt: skip
def test_whether_an_address_was_meant(text: str, looks: bool) -> None:  # noqa: FBT001 - a column of the table
    """A slip in an address is no jail's name."""
    assert looks_like_address(text) is looks
