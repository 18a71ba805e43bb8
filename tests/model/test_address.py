"""Who is meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.model import address
from sekisho.model.address import Family, parse_subject


@pytest.mark.parametrize(
    ("text", "canonical", "family"),
    [
        ("192.0.2.1", "192.0.2.1", Family.INET4),
        ("::ffff:192.0.2.1", "192.0.2.1", Family.INET4),
        ("[2001:DB8::1]", "2001:db8::1", Family.INET6),
        ("192.0.2.7/24", "192.0.2.0/24", Family.INET4),
        ("192.0.2.7/255.255.255.0", "192.0.2.0/24", Family.INET4),
        ("192.0.2.7/32", "192.0.2.7", Family.INET4),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24", Family.INET4),
        ("192.030.0.6", "192.030.0.6", Family.OTHER),
        ("1.2.3.400", "1.2.3.400", Family.OTHER),
        ("fe80::1%eth0", "fe80::1%eth0", Family.OTHER),
        ("user@example.com", "user@example.com", Family.OTHER),
    ],
)
def test_a_subject_has_one_canonical_text(text: str, canonical: str, family: Family) -> None:
    """What means the same is the same; what only looks like an address stays text (COMPAT 2.3)."""
    subject = parse_subject(text)
    assert (subject.text, subject.family) == (canonical, family)
    assert parse_subject(subject.text) == subject


@given(st.text(max_size=60))
def test_any_text_names_a_subject(text: str) -> None:
    """Whatever a filter captures, there is a subject for it, and its text leads back to it."""
    subject = parse_subject(text)
    assert parse_subject(subject.text) == subject


def test_a_network_covers_its_members_and_not_the_other_family() -> None:
    """Covering is containment; text covers only its equal."""
    network = parse_subject("192.0.2.0/24")
    assert network.covers(parse_subject("192.0.2.9"))
    assert not network.covers(parse_subject("2001:db8::1"))
    assert not parse_subject("192.0.2.9").covers(network)
    assert parse_subject("raw").covers(parse_subject("raw"))
    assert not parse_subject("::/0").covers(parse_subject("192.0.2.9"))


def test_long_identifiers_are_not_remembered() -> None:
    """A stranger's identifier may be a whole line: remembering thousands of those would cost gigabytes."""
    before = address._remembered.cache_info().currsize
    assert parse_subject("x" * 65000) == parse_subject("x" * 65000)
    assert address._remembered.cache_info().currsize == before
