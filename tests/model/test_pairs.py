"""Lists of names and values."""

from __future__ import annotations

import pytest

from sekisho.model.pairs import parse_pairs


def test_values_may_be_quoted() -> None:
    """A comma inside quotes divides nothing; an empty value is one; the last comma may end the list."""
    pairs = list(parse_pairs("""key="<ip>, x", max-count = 5 ,s='a"b', none=,"""))
    assert pairs == [("key", "<ip>, x"), ("max-count", "5"), ("s", 'a"b'), ("none", "")]


def test_what_is_no_pair_is_shown() -> None:
    """From where it begins."""
    with pytest.raises(ValueError, match="did not understand 'nonsense'"):
        list(parse_pairs("a=1,nonsense"))
