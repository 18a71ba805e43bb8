"""What may be written as `datepattern`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.matching import NOON

from sekisho.match.datepattern import default_templates, parse_datepatterns
from sekisho.match.dates import DateDetector, DateMemory
from sekisho.match.rule import RuleError


def found(patterns: Sequence[str], line: str) -> tuple[str, float | None] | None:
    """What is left of a line without its date, and its seconds after NOON; None: it has no date."""
    detector = DateDetector(parse_datepatterns(patterns, last_year=2029), zone=0)
    date = detector.find(line, DateMemory(), now=NOON)
    if date is None:
        return None
    stamp = None if date.stamp is None else date.stamp - NOON
    return line[: date.start] + line[date.end :], stamp


ISO = "%Y-%m-%d %H:%M:%S"
HOUR = 3600


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        (f"^{ISO}", "[2026-07-14 11:00:00] x", None),
        (f"{{^LN-BEG}}{ISO}", "[2026-07-14 11:00:00] x", ("[] x", -HOUR)),
        (ISO, "a2026-07-14 11:00:00 x", None),
        (f"{{UNB}}{ISO}", "a2026-07-14 11:00:00 x", ("a x", -HOUR)),
        (f"**{ISO}", "a2026-07-14 11:00:00 x", ("a x", -HOUR)),
        (f"{ISO}**", "2026-07-14 11:00:00x", ("x", -HOUR)),
        ('^(ts="{DATE}" )', 'ts="2026-07-14 11:00:00" x', ("x", -HOUR)),
        ('^ts="{DATE}"', 'ts="2026-07-14 11:00:00" x', (" x", -HOUR)),
        ("t={DATE};", "t=2026-07-14 11:00:00; x", (" x", -HOUR)),
        ("t={DATE};", "t=1784026800; x", None),
        ("t={DATE};", "t=Jul-14-26 11:00:00; x", None),
        ("t={DATE};", "t=11:00:00; x", (" x", -HOUR)),
        ("({DATE})", "1784026800 x", None),
        ("{DATE}", "a audit(1784026800:1) x", ("a audit(:1) x", -HOUR)),
        ("{DATE}", "a 11:00:00 x", ("a  x", -HOUR)),
        ("^{DATE}", "[1784026800] x", ("[] x", -HOUR)),
        ("^{DATE}", "[2026-07-14 11:00:00] x", None),
        ("{^LN-BEG}{DATE}", "[2026-07-14 11:00:00] x", ("[] x", -HOUR)),
        ("{^LN-BEG}{DATE}", "[Jul-14-26 11:00:00] x", None),
        ("{UNB}{DATE}", "1784026800 x", None),
        ("{NONE}", "2026-07-14 11:00:00 x", ("2026-07-14 11:00:00 x", None)),
        ("Epoch", "1784026800 x", (" x", -HOUR)),
        ("epoch", "[1784026800] x", ("[] x", -HOUR)),
        ("Epoch", "x 1784026800 y", None),
        ("^Epoch", "-[1784026800.125] x", ("-[] x", -HOUR + 0.125)),
        ("LEPOCH", "1784026800500 x", (" x", -HOUR + 0.5)),
        ("LEPOCH", "1784026800500000 x", (" x", -HOUR + 0.5)),
        ("LEPOCH", "178402680050 x", None),
        ("LEPOCH", "17840268005000000 x", (" x", 17840268005.0 - NOON)),
        ("(t={EPOCH} )", "t=1784026800 x", ("x", -HOUR)),
        ("{LEPOCH}", "at 1784026800500 x", ("at  x", -HOUR + 0.5)),
        ("TAI64N", "x @400000006a5616b000000000 y", ("x  y", -HOUR)),
        (r"%d %b %Y %H:%M", "14 JUL 2026 11:00 x", (" x", -HOUR)),
        (r"%Y-(\d\d)-%d", "a 2026-07-14 b", ("a -07-14 b", -12 * HOUR)),
        ("{^LN-BEG}", "x 2026-07-14 11:00:00", None),
        ("{DEFAULT}", "x 2026-07-14 11:00:00", ("x ", -HOUR)),
        ("WARNING:()**", "WARNING: x", ("WARNING: x", None)),
    ],
)
def test_patterns_find_and_cut(pattern: str, line: str, expected: tuple[str, float] | None) -> None:
    """Prefixes, marks and special values as COMPAT 2.8 has them."""
    assert found([pattern], line) == expected


def test_the_default_templates_come_twice() -> None:
    """Those that may stand anywhere have a copy for the start of a line, tried first."""
    templates = default_templates(2029)
    assert len(templates) == 31
    assert [each.is_anchored for each in templates[:14]] == [True] * 14
    assert templates[-1].name == "TAI64N"


def test_the_same_pattern_twice_is_an_error() -> None:
    """As Fail2ban words it; a default that comes again with another pattern is no matter."""
    with pytest.raises(RuleError, match=r"There is already a template with name Year-Month-Day$"):
        parse_datepatterns(["%Y-%m-%d", "%Y-%m-%d"])
    assert parse_datepatterns(["Epoch", "{DEFAULT}"])[0].name == "Epoch"
    assert len(parse_datepatterns(["{DEFAULT}", "{DEFAULT}"])) == 31


@pytest.mark.parametrize("pattern", ["%Q-%m-%d", "(%Y", "%Y %Y"])
def test_a_pattern_that_means_nothing_is_named(pattern: str) -> None:
    """The error quotes it, and guesses at a percent sign that was not doubled."""
    with pytest.raises(RuleError, match=r"^Failed to set datepattern .* unescaped percent char"):
        parse_datepatterns([pattern])


SNUG = (
    r"^[^\[]*\[({DATE})",
    r"^(?:\[[^\[\]]{1,64}\])?\s{0,4}({DATE})",
    r"^\[%d/%b/%Y %H:%M:%S\]",
    r"^[^\[]*\[(%d/%b\w*\.?/%Y:%H:%M:%S %z)",
)


@pytest.mark.parametrize(
    ("pattern", "snug"),
    [
        *((pattern, True) for pattern in (*SNUG, "{^LN-BEG}", "{DATE}")),
        (r"^\S+ ({DATE})x", False),
        (r"at({DATE})", False),
        (r"\\\[({DATE})x?", False),
        (r"**\[({DATE})**", False),
        (r"^(?:a\])?b\s{0,4}({DATE})", False),
        (r"L %d/%m/%Y", False),
        (r"at(%d/%m/%Y)", False),
        (r"\[(%d/%m/%Y)x?", False),
        (r"\[(%d/%m/%Y\.)", False),
        (r"(a)\[(%d/%m/%Y)", False),
    ],
)
def test_it_is_known_what_the_cut_of_a_date_may_join(pattern: str, snug: bool) -> None:  # noqa: FBT001 - a column
    """A date behind a bracket, or at the start, leaves words whole: so the scanner may look for longer text."""
    assert all(template.is_snug for template in parse_datepatterns([pattern], last_year=2029)) is snug


@pytest.mark.parametrize("pattern", SNUG)
@given(
    lead=st.text("[]a1 -", max_size=4), tail=st.text("[]a1 -+:", max_size=4), date=st.sampled_from(
        ["2005-08-14 11:00:01", "14/Aug/2005:11:00:01 +0200", "14/Aug/2005 11:00:01", "Aug 14 11:00:01"]
    ), bracket=st.sampled_from(["[{}]", "[{}", "{}", "[x] {}"]),
)  # fmt: skip
def test_a_snug_cut_joins_no_word(pattern: str, lead: str, tail: str, date: str, bracket: str) -> None:
    """Whatever stands around the date: what meets when it is gone is no part of a word, or an end of the line."""
    line = f"{lead}{bracket.format(date)}{tail}"
    detector = DateDetector(parse_datepatterns([pattern], last_year=2029), zone=0)
    cut = detector.find(line, DateMemory(), now=NOON)
    if cut is not None and cut.start:
        assert not re.search(r"\w", line[cut.start - 1] + line[cut.end : cut.end + 1])
