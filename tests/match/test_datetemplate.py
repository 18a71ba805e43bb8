"""One kind of date: its expression and what of a line it cuts."""

from __future__ import annotations

import pytest
from tests.support.matching import NOON

from sekisho.match.datetemplate import Begin, DateTemplate


def test_a_pattern_with_a_group_cuts_only_that() -> None:
    """Group 1 goes, whatever else the pattern needs around it."""
    template = DateTemplate(r"at (%Y-%m-%d) sharp")
    found = template.search("x at 2026-07-14 sharp y")
    assert found is not None
    assert found.span(1) == (5, 15)
    assert template.read(found, now=NOON, zone=0) == NOON - 43200


def test_a_pattern_without_a_group_cuts_everything_but_its_anchors() -> None:
    """`^` and `$` stay outside."""
    found = DateTemplate(r"%Y-%m-%d$", begin=Begin.STRICT).search("2026-07-14")
    assert found is not None
    assert found[1] == "2026-07-14"


@pytest.mark.parametrize(
    ("begin", "line", "matches"),
    [
        (Begin.ANYWHERE, "xx 2026-07-14", True),
        (Begin.ANYWHERE, "xx2026-07-14", False),
        (Begin.LOOSE, "[ 2026-07-14", True),
        (Begin.LOOSE, "[[[2026-07-14", False),
        (Begin.LOOSE, "x 2026-07-14", False),
        (Begin.STRICT, "2026-07-14", True),
        (Begin.STRICT, "[2026-07-14", False),
    ],
)
def test_a_date_begins_where_it_may(begin: Begin, line: str, *, matches: bool) -> None:
    """Anywhere but inside a word, near the start, or strictly there."""
    assert bool(DateTemplate(r"%Y-%m-%d", begin=begin).search(line)) is matches


def test_an_unbounded_date_may_touch_words() -> None:
    """As `{UNB}` and `**` ask for."""
    assert DateTemplate(r"%Y-%m-%d", bound_left=False, bound_right=False).search("x2026-07-14y")
