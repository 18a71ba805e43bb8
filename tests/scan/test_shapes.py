"""The look of rules that have columns only."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.model.candidate import Cut, Search
from sekisho.scan.literals import Clue, find_clue
from sekisho.scan.shapes import find_shape

COLUMNS = r"^\s\S+ \S+ [xy]*:\d+ \S+:\d+ \d+ \d+ \d+(?: .*)?$"


def shape_of(expression: str, cut: Cut = Cut.SNUG, *, lines: int = 1, flags: int = 0) -> bytes | None:
    """The shape of one expression."""
    return find_shape(Search((re.compile(expression, flags),), cut, lines=lines))


def test_the_longest_run_of_numbers_is_the_shape() -> None:
    """It ends before what may hold anything, and the last number's first digit is enough."""
    digit = rb"[0-9\x80-\xff]"
    assert shape_of(COLUMNS) == rb"\x3a%b+\x20%b+\x20%b+\x20%b" % ((digit,) * 4)
    assert find_clue(Search((re.compile(COLUMNS),))) == Clue(frozenset(), shape=shape_of(COLUMNS) or b"")


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        (r"\S+ \d+ \d+ \S+", "too short to be rare"),
        (r"\d+ \d+: \d+ \d+: \d+", "a date may be cut out between the colon and the blank"),
        (r"\d* \d* \d* \d*", "a number that may be missing lets blanks meet"),
    ],
)
def test_what_is_no_shape(expression: str, why: str) -> None:
    """Nothing is known then, and every line may match."""
    assert shape_of(expression) is None, why


def test_a_cut_that_may_fall_anywhere_leaves_no_shape() -> None:
    """Nor do letters in any case, nor a match over several lines."""
    assert shape_of(COLUMNS, Cut.ANYWHERE) is None
    assert shape_of(COLUMNS, lines=2) is None
    assert shape_of(COLUMNS, flags=re.IGNORECASE) is None


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.from_regex(COLUMNS, alphabet=st.characters(codec="utf-8", exclude_characters="\r\n")), data=st.data())
def test_whatever_matches_has_the_shape(text: str, data: st.DataObject) -> None:
    """Digits of any script, and with a date put back wherever it can have been cut out snugly."""
    shape = re.compile(shape_of(COLUMNS) or b"")
    places = [
        place for place in range(len(text) + 1) if not re.match(r"\w", text[place - 1 : place] + text[place:][:1])
    ]
    places = [place for place in places if not re.search(r"\w", text[max(place - 1, 0) : place + 1])]
    place = data.draw(st.sampled_from([0, *places]))
    assert shape.search((text[:place] + "2005-08-14 11:00:01" + text[place:]).encode())
