"""A try of which lines of several kinds tell counts once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.matching import NOON, matcher_of, read

from sekisho.match.matcher import Matcher
from sekisho.match.tries import LIFETIME, MOST_ADDRESSES, MOST_KINDS, Tally, Tries
from sekisho.model.verdict import Failure

RULES = (
    r"^ (?:\w+: )?<F-MLFTRY>unknown</F-MLFTRY> <ADDR>$",
    r"^ (?:\w+: )?<F-MLFTRY>wrong</F-MLFTRY> <ADDR>$",
    r"^ (?:\w+: )?<F-MLFTRY>closed</F-MLFTRY> after <F-MLFTRIES>\d+</F-MLFTRIES> <ADDR>$",
    r"^ (?:\w+: )?other <ADDR>$",
)
SESSION = r"^ <F-MLFID>\w+</F-MLFID>:<F-CONTENT> .+</F-CONTENT>$"


def story_of(matcher: Matcher, story: str, *, who: str = "192.0.2.1", at: str = "11:59:30", session: str = "s1") -> str:
    """The verdicts of lines that are told of in words, `F` for a failure and `-` for none."""
    verdicts = ""
    for words in story.split(", "):
        hits = matcher.examine(f"Jul 14 {at} {session}: {words} {who}", now=NOON).hits
        verdicts += "F" if any(hit.counts for hit in hits) else "-"
    return verdicts


@pytest.mark.parametrize("tied", [True, False], ids=["session", "address"])
@pytest.mark.parametrize(
    ("story", "verdicts"),
    [
        ("unknown, wrong, wrong, wrong", "F-FF"),
        ("wrong, wrong, wrong", "FFF"),
        ("unknown, wrong, closed after 1", "F--"),
        ("wrong, closed after 3", "FF"),
        ("closed after 3, wrong, wrong, wrong, wrong", "F---F"),
        ("unknown, other, other, wrong", "FFF-"),
        ("unknown, closed after 0, closed after 1000", "F-F"),
    ],
)
def test_tries_are_as_many_as_the_kind_tells_that_tells_of_most(story: str, verdicts: str, *, tied: bool) -> None:
    """Within a session, or, where lines have no session's id, of an address."""
    assert story_of(matcher_of(*RULES, prefregex=SESSION if tied else None), story) == verdicts


def test_sessions_and_addresses_are_told_apart() -> None:
    """What one has told of says nothing of another."""
    tied, loose = matcher_of(*RULES, prefregex=SESSION), matcher_of(*RULES)
    assert [story_of(tied, "unknown", session=session) for session in ("s1", "s2")] == ["F", "F"]
    assert story_of(tied, "wrong", session="s3") == "F"
    assert [story_of(loose, "unknown", who=who) for who in ("192.0.2.1", "192.0.2.2")] == ["F", "F"]
    assert story_of(loose, "wrong", who="2001:db8::1") == "F"


def test_tries_of_an_address_are_remembered_for_their_time_in_the_log() -> None:
    """However late the lines are read, and however soon one after another."""
    matcher = matcher_of(*RULES)
    assert story_of(matcher, "unknown", at="11:40:00") == "F"
    assert story_of(matcher, "wrong", at="11:44:59") == "-"
    assert story_of(matcher, "closed after 1", at="11:45:00") == "F"


def test_a_failure_that_waits_for_its_address_counts_with_the_line_that_brings_it() -> None:
    """Though that line alone would tell of nothing new."""
    rules = (r"^ <F-MLFTRY>locked</F-MLFTRY> user$", *RULES)
    matcher = matcher_of(*rules, prefregex=SESSION)
    assert matcher.examine("Jul 14 11:59:30 s1: locked user", now=NOON).hits == ()
    assert story_of(matcher, "wrong, wrong") == "FF"


def test_another_s_tries_in_a_session_are_counted_anew() -> None:
    """A process may serve one connection after another under one id: another address, or another name, is another."""
    named = r"^ <F-MLFTRY>(?:unknown|wrong)</F-MLFTRY>(?: <F-USER>\w+</F-USER>)? from <ADDR>$"
    matcher = matcher_of(named, prefregex=SESSION)
    story = ["unknown", "wrong from", "wrong", "unknown bob from", "wrong bob from", "unknown eve from", "wrong from"]
    verdicts = [
        story_of(matcher, words if words.endswith("from") else f"{words} from", who=who)
        for words, who in zip(story, ["192.0.2.1", "192.0.2.1", "2001:db8::1", *["192.0.2.3"] * 4], strict=True)
    ]
    assert verdicts == ["F", "-", "F", "F", "-", "F", "-"]


def test_a_retold_try_is_evidence_of_the_next() -> None:
    """Within a session it is context, as other lines are that do not count."""
    matcher = matcher_of(*RULES, prefregex=SESSION)
    story_of(matcher, "unknown, wrong")
    hits = matcher.examine("Jul 14 11:59:30 s1: wrong 192.0.2.1", now=NOON).hits
    assert [len(hit.matches) for hit in hits if hit.counts] == [2]


def test_what_is_remembered_is_bounded() -> None:
    """Neither a crowd of addresses nor a crowd of kinds grows it."""
    tries, tally = Tries(), Tally()
    for number in range(2 * MOST_ADDRESSES):
        assert not tries.retells(f"192.0.2.{number}", {"mlftry": "x"}, NOON)
    assert len(tries) == MOST_ADDRESSES
    assert not tries.retells("192.0.2.0", {"mlftry": "y"}, NOON)
    assert tries.retells(f"192.0.2.{2 * MOST_ADDRESSES - 1}", {"mlftry": "y"}, NOON)
    assert not tries.retells(f"192.0.2.{2 * MOST_ADDRESSES - 2}", {"mlftry": "y"}, NOON + LIFETIME)
    assert [tally.retells({"mlftry": str(kind)}) for kind in range(MOST_KINDS)] == [False] + [True] * (MOST_KINDS - 1)
    assert not tally.retells({"mlftry": "one more"})


WORDS = st.sampled_from(("unknown", "wrong", "closed after 1", "closed after 3", "other"))


@given(st.lists(st.tuples(st.sampled_from(("s1", "s2")), WORDS), max_size=12), st.booleans())
def test_what_is_heard_is_what_is_told(story: list[tuple[str, str]], tied: bool) -> None:  # noqa: FBT001 - drawn
    """The daemon's short way counts the same lines as the long way of who asks about a line."""
    asked, heard = (matcher_of(*RULES, prefregex=SESSION if tied else None) for _ in range(2))
    lines = [f"Jul 14 11:59:30 {session}: {words} 192.0.2.1" for session, words in story]
    told = [any(hit.counts for hit in asked.examine(line, now=NOON).hits) for line in lines]
    assert [any(isinstance(each, Failure) for each in read(heard, f"{line}\n".encode())) for line in lines] == told
