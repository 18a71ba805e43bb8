"""Patterns: plain text that both engines read alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sekisho.scan.patterns import Pattern


@given(st.binary(min_size=1, max_size=20))
def test_a_literal_is_found_as_it_is(literal: bytes) -> None:
    """No byte of it has a meaning of its own."""
    pattern = Pattern.of_literal(literal, 1, caseless=False)
    found = pattern.compiled().search(b"\n" + literal)
    assert found is not None
    assert found[0] == literal
