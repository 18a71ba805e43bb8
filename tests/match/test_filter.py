"""Compiling a whole filter."""

from __future__ import annotations

import pytest
from tests.support.matching import NOON, matcher_of

from sekisho.match.filter import compile_filter
from sekisho.match.rule import RuleError
from sekisho.model.candidate import Cut
from sekisho.model.specs import FilterSpec

RULE = "from <HOST>$"


def test_the_first_mistake_is_named() -> None:
    """A jail with a broken expression, zone or codec cannot run, and its administrator is told which it is."""
    with pytest.raises(RuleError, match="No failure-id group in 'bad'"):
        compile_filter(FilterSpec("x", (RULE, "bad")))
    with pytest.raises(RuleError, match="Unable to compile regular expression"):
        compile_filter(FilterSpec("x", (RULE,), ignoreregex=("(",)))
    with pytest.raises(RuleError, match="Unknown or unsupported time zone: 'Europe/Paris'"):
        compile_filter(FilterSpec("x", (RULE,)), logtimezone="Europe/Paris")
    with pytest.raises(RuleError, match="unknown encoding: klingon"):
        compile_filter(FilterSpec("x", (RULE,)), logencoding="klingon")


def test_the_way_with_names_is_the_jail_s_then_the_filter_s() -> None:
    """A word that means nothing is taken as the safe `no`."""
    spec = FilterSpec("x", (RULE,), usedns="raw")
    assert compile_filter(spec).usedns == "raw"
    assert compile_filter(spec, usedns="YES").usedns == "yes"
    assert compile_filter(spec, usedns="bogus").usedns == "no"
    assert compile_filter(FilterSpec("x", (RULE,))).usedns == "warn"


def test_the_scanner_is_told_where_dates_may_be_cut() -> None:
    """Default dates are cut snugly, custom ones anywhere; in some encodings no byte can be relied on."""
    assert matcher_of(RULE).filter.searches[0].cut is Cut.SNUG
    assert matcher_of(RULE, datepattern=["%Y"]).filter.searches[0].cut is Cut.ANYWHERE
    assert matcher_of(RULE, datepattern=["{^LN-BEG}"]).filter.searches[0].cut is Cut.SNUG
    assert matcher_of(RULE, logencoding="utf-16").filter.searches[0].patterns == ()
    assert len(matcher_of(RULE, prefregex="^x").filter.searches[0].patterns) == 2


def test_a_line_by_itself_has_a_date() -> None:
    """For sources that look for a moment in a file; hostile bytes have none."""
    compiled = matcher_of(RULE).filter
    assert compiled.date_of(b"2026-07-14 12:00:00 \xff\n", NOON) == NOON
    assert compiled.date_of(b"\x00\xff\n", NOON) is None
    assert compiled.decode(b"x\xff\r\n") == ("x\ufffd", False)
