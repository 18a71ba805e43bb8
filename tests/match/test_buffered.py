"""Expressions over several lines: maxlines and `<SKIPLINES>` (COMPAT 2.5)."""

from __future__ import annotations

from tests.support.matching import NOON, matcher_of

from sekisho.match.buffered import Line, LineBuffer
from sekisho.match.matcher import Matcher

PAIR = r"^ start (\S+)<SKIPLINES> end \1 <HOST>$"


def verdicts(matcher: Matcher, *lines: str) -> list[int]:
    """The number of lines that each line's failure consumed; 0: no failure."""
    found = [matcher.examine(f"Jul 14 11:59:0{number} {line}", now=NOON).hits for number, line in enumerate(lines)]
    return [len(hits[0].matches) if hits else 0 for hits in found]


def test_a_pair_is_found_once_and_within_reach() -> None:
    """The start line serves one failure; a pair further apart than maxlines is never found."""
    matcher = matcher_of(PAIR, maxlines=3)
    story = ["start a", "noise", "end a 192.0.2.1", "end a 192.0.2.1", "start b", "n", "n2", "end b 192.0.2.1"]
    assert verdicts(matcher, *story) == [0, 0, 2, 0, 0, 0, 0, 0]


def test_the_newest_line_gives_the_time() -> None:
    """A failure happens when it is complete."""
    matcher = matcher_of(PAIR, maxlines=3)
    matcher.examine("Jul 14 11:59:00 start a", now=NOON)
    hit = matcher.examine("Jul 14 11:59:10 end a 192.0.2.1", now=NOON).hits[0]
    assert hit.time == NOON - 50
    assert hit.matches == ("Jul 14 11:59:00 start a", "Jul 14 11:59:10 end a 192.0.2.1")


def test_only_the_matched_lines_are_held_against_ignoreregex() -> None:
    """Noise between them does not excuse, a word in them does."""
    matcher = matcher_of(PAIR, maxlines=3, ignoreregex=["good"])
    assert verdicts(matcher, "start a", "good", "end a 192.0.2.1") == [0, 0, 2]
    assert verdicts(matcher, "start good", "end good 192.0.2.1") == [0, 0]


def test_a_filter_over_lines_says_how_far_it_reaches() -> None:
    """The scanner shows it the lines around those that hold what an expression needs."""
    assert [search.lines for search in matcher_of(PAIR, maxlines=3).filter.searches] == [3]


def test_prefregex_narrows_the_joined_text() -> None:
    """Its content may lie in the middle of the buffer; the lines that count are found all the same."""
    matcher = matcher_of(r"^a<SKIPLINES>b <HOST>$", prefregex=r"(?s)^ x: <F-CONTENT>.+</F-CONTENT>$", maxlines=3)
    assert verdicts(matcher, "x: a", "x: b 192.0.2.1") == [0, 0]
    assert len(LineBuffer(2)) == 0
    buffer = LineBuffer(2)
    assert [buffer.push(Line(text, text)) for text in "abc"] == ["a\n", "a\nb\n", "b\nc\n"]
