"""How much of an address counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.model.address import Family, Subject, parse_subject
from sekisho.model.prefix import SINGLE, Prefixes, parse_prefix, prefixes_of

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(lambda address: parse_subject(str(address)))
LENGTHS = st.builds(Prefixes, st.integers(1, 32), st.integers(1, 128))


@given(ADDRESSES, LENGTHS)
def test_an_address_lies_in_its_prefix_which_is_a_prefix_to_itself(subject: Subject, prefixes: Prefixes) -> None:
    """Of the length that was asked for, whichever of its addresses is asked about, and however often."""
    prefix = prefixes.around(subject)
    length = prefixes.ipv4 if prefix.family is Family.INET4 else prefixes.ipv6
    assert prefix.network is not None
    assert prefix.network.prefixlen == length
    assert prefix.covers(subject)
    assert prefixes.around(prefix) == prefix
    last = parse_subject(str(prefix.network.broadcast_address))
    assert last.family is not prefix.family or prefixes.around(last) == prefix


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8::7:1", "2001:db8::/64"),
        ("2001:db8::7:0/112", "2001:db8::/64"),
        ("2001:db8::/48", "2001:db8::/48"),
        ("192.0.0.0/16", "192.0.0.0/16"),
        ("user1", "user1"),
    ],
)
def test_what_is_narrower_is_widened_and_nothing_else(text: str, prefix: str) -> None:
    """A mapped address is IPv4; a wider network, and what is no address, stay as they are."""
    assert Prefixes(24, 64).around(parse_subject(text)).text == prefix


def test_by_default_each_address_is_for_itself() -> None:
    """The very same value, so that it costs nothing."""
    assert prefixes_of(32, 128) is SINGLE
    assert prefixes_of(32, 64) == Prefixes(ipv6=64)
    for text in ("192.0.2.77", "2001:db8::1", "user1"):
        subject = parse_subject(text)
        assert SINGLE.around(subject) is subject


@pytest.mark.parametrize("text", ["0", "33", "-1", "/24", "24.0", "", "x", "٢٤", "1" * 5000])
def test_a_length_that_no_prefix_can_have_is_none(text: str) -> None:
    """The message says which there are."""
    with pytest.raises(ValueError, match=r"a prefix of IPv4 has 1 to 32 bits, not"):
        parse_prefix(text, Family.INET4)


def test_lengths_from_one_bit_to_the_whole_address() -> None:
    """The two ends are good, and each family has its own."""
    assert [parse_prefix(text, Family.INET4) for text in ("1", " 32 ")] == [1, 32]
    assert [parse_prefix(text, Family.INET6) for text in ("1", "128")] == [1, 128]
