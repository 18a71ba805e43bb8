"""Tests of enforce.ipset_elements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.enforce.ipset_elements import end_of, entry_of, key_of, subject_in
from sekisho.enforce.ipset_wire import LONGEST, Entry
from sekisho.model.address import parse_subject

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("end", "timeout"),
    [(None, None), (NOW + 600, 600), (NOW + 599.01, 600), (NOW - 5, 1), (NOW + 1e9, LONGEST)],
)
def test_an_element_stays_as_long_as_its_ban(end: float | None, timeout: int | None) -> None:
    """In whole seconds and rather one too many; never 0, which the kernel takes for ever, nor more than it counts."""
    entry = entry_of(parse_subject("192.0.2.1"), end, NOW)
    assert entry == Entry(bytes([192, 0, 2, 1]), 32, timeout)
    assert end_of(entry, NOW) == (None if timeout is None else NOW + timeout)


@given(st.ip_addresses().map(str) | st.tuples(st.ip_addresses(v=4), st.integers(1, 32)).map("{0[0]}/{0[1]}".format))
def test_who_is_barred_can_be_told_from_the_element(text: str) -> None:
    """An address and a network come back as they went in."""
    subject = parse_subject(text)
    assert subject_in(entry_of(subject)) == subject


def test_a_new_time_makes_no_other_element() -> None:
    """Address and length tell it from others, time and counters do not."""
    assert (
        key_of(Entry(b"\1\2\3\4", 24, 7, packets=3)) == key_of(Entry(b"\1\2\3\4", 24)) != key_of(Entry(b"\1\2\3\4", 25))
    )
