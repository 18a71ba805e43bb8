"""The expressions of a filter, applied to a line: order, prefix, exceptions (COMPAT 2.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.matching import NOON, matcher_of, read

from sekisho.match.finding import LineVerdict, Remark, Unresolved
from sekisho.match.matcher import Matcher
from sekisho.match.rulebook import LONGEST_EVIDENCE

STAMP = "Jul 14 12:00:00"


def examine(matcher: Matcher, rest: str, *, check_all: bool = False) -> LineVerdict:
    """The verdict on a dated line."""
    return matcher.examine(f"{STAMP}{rest}", now=NOON, check_all=check_all)


def regexes(verdict: LineVerdict) -> list[int]:
    """The numbers of the rules that hit."""
    return [hit.regex for hit in verdict.hits]


def test_the_first_rule_that_matches_decides() -> None:
    """Unless all are to be tried."""
    matcher = matcher_of("none <HOST>", "from <HOST>", "<HOST>$")
    assert regexes(examine(matcher, " from 192.0.2.1")) == [1]
    assert regexes(examine(matcher, " from 192.0.2.1", check_all=True)) == [1, 2]


def test_a_rule_that_can_concern_nobody_does_not_match() -> None:
    """Without its session, the line says of nobody that he failed; within it, somebody may be known later."""
    matcher = matcher_of("^bad$", prefregex=r"^ app(?:\[<F-MLFID>\d+</F-MLFID>\])?: <F-CONTENT>.+</F-CONTENT>$")
    assert regexes(examine(matcher, " app: bad", check_all=True)) == []
    assert regexes(examine(matcher, " app[1]: bad", check_all=True)) == [0]


def test_an_exception_beats_a_rule() -> None:
    """A line that matches both is ignored."""
    matcher = matcher_of("from <HOST>$", ignoreregex=["user=good"])
    assert examine(matcher, " user=good from 192.0.2.1") == LineVerdict(
        (), True, NOON, examine(matcher, "").template, " user=good from 192.0.2.1"
    )
    assert examine(matcher, " user=bad from 192.0.2.1").matched


def test_an_exception_sees_what_the_rule_sees() -> None:
    """After prefregex that is the content: an exception anchored on the prefix does not fire."""
    prefix = r"^ host: <F-CONTENT>.+</F-CONTENT>$"
    assert examine(
        matcher_of("from <HOST>$", prefregex=prefix, ignoreregex=["^ host"]), " host: from 192.0.2.1"
    ).matched
    assert examine(matcher_of("from <HOST>$", prefregex=prefix, ignoreregex=["^from"]), " host: from 192.0.2.1").ignored


def test_few_exceptions_to_many_rules_are_tried_first_on_the_whole_line() -> None:
    """With three fewer of them they see the line before prefregex does."""
    rules = ["from <HOST>$", "a <HOST>", "b <HOST>", "c <HOST>"]
    matcher = matcher_of(*rules, prefregex=r"^ host: <F-CONTENT>.+</F-CONTENT>$", ignoreregex=["^ host"])
    assert examine(matcher, " host: from 192.0.2.1").ignored


def test_prefregex_narrows_and_gives_groups() -> None:
    """Its groups stand where the rule has none; a line that it does not match is done with."""
    prefix = r"^ <F-USER>\S+</F-USER>: <F-CONTENT>.+</F-CONTENT>$"
    matcher = matcher_of("^from <HOST>$", "^<F-USER>other</F-USER> <HOST>$", prefregex=prefix)
    assert examine(matcher, " root: from 192.0.2.1").hits[0].captured == {"user": "root", "ip4": "192.0.2.1"}
    assert examine(matcher, " root: other 192.0.2.1").hits[0].captured["user"] == "other"
    assert examine(matcher, "from 192.0.2.1").hits == ()


def test_the_date_is_cut_out_and_nothing_else() -> None:
    """Brackets around it stay, and so does the blank behind it."""
    matcher = matcher_of("^ x <HOST>$")
    assert examine(matcher, " x 192.0.2.1").matched
    assert not matcher.examine(f"[{STAMP}] x 192.0.2.1", now=NOON).matched
    assert matcher_of(r"^\[\] x <HOST>$").examine(f"[{STAMP}] x 192.0.2.1", now=NOON).matched


@pytest.mark.parametrize(("end", "matches"), [("", True), ("\n", True), ("\r\n", True), (" ", False), (" \n", False)])
def test_a_dollar_stands_before_the_newline_alone(end: str, *, matches: bool) -> None:
    """Blanks at the end of a line count."""
    assert examine(matcher_of("from <HOST>$"), f" from 192.0.2.1{end}").matched is matches


def test_context_without_a_session_is_told_and_does_not_count() -> None:
    """A no-failure rule that matches stops the loop."""
    verdict = examine(matcher_of("<F-NOFAIL>ok</F-NOFAIL> <HOST>", "<HOST>"), " ok 192.0.2.1")
    assert [(hit.regex, hit.nofail) for hit in verdict.hits] == [(0, True)]
    assert not verdict.matched


def test_evidence_is_bounded() -> None:
    """A line of megabytes is not kept whole."""
    hit = examine(matcher_of("^ from <HOST> "), f" from 192.0.2.1 {'x' * 1_000_000}").hits[0]
    assert len(hit.matches[0]) == LONGEST_EVIDENCE


SESSION = r"^ <F-MLFID>\S+</F-MLFID>: <F-CONTENT>.+</F-CONTENT>$"
WORDS = {
    r"^bad user <F-USER>\S+</F-USER> from <ADDR>$": ("bad user a from 192.0.2.1", "bad user b from 2001:db8::1"),
    r"^bad <HOST>$": ("bad 192.0.2.1", "bad mail.example.org"),
    r"^<F-NOFAIL>conn</F-NOFAIL> <ADDR>$": ("conn 192.0.2.1",),
    r"^nobody$": ("nobody",),
    r"^<F-NOFAIL><F-MLFFORGET><F-MLFGAINED>ok</F-MLFGAINED></F-MLFFORGET></F-NOFAIL> <F-USER>\S+</F-USER>$": ("ok a",),
    r"^<F-MLFFORGET>bye</F-MLFFORGET> <ADDR>$": ("bye 192.0.2.1",),
}
LINES = st.tuples(
    st.sampled_from(("s1", "s2", "other")), st.sampled_from([each for all_ in WORDS.values() for each in all_])
)


@given(st.lists(LINES, max_size=12), st.booleans(), st.sampled_from(((), ("user b",))))
def test_what_is_heard_is_what_is_told(story: list[tuple[str, str]], tied: bool, ignored: tuple[str, ...]) -> None:  # noqa: FBT001
    """The daemon's short way and the long way of who asks about a line never differ, whatever the sessions did."""
    options = {"prefregex": SESSION if tied else None, "ignoreregex": ignored, "usedns": "warn"}
    rules = WORDS if tied else [rule.replace("^", "", 1) for rule in WORDS if "MLF" not in rule and "ADDR" in rule]
    asked, heard = matcher_of(*rules, **options), matcher_of(*rules, **options)  # type: ignore[arg-type]
    for number, (session, words) in enumerate(story):
        line = f"{STAMP} {session}: {words}"
        told = [hit for hit in asked.examine(line, now=NOON).hits if hit.counts]
        findings = [each for each in read(heard, f"{line}\n".encode()) if not isinstance(each, Remark)]
        failures = [each.failure if isinstance(each, Unresolved) else each for each in findings]
        assert [(each.matches, each.captured) for each in failures] == [(hit.matches, hit.captured) for hit in told]
        names = [hit.subject.text if hit.subject else hit.hostname for hit in told]
        assert (number, [each.subject.text for each in failures]) == (number, names)
