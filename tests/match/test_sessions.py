"""Failures told over several lines: the plays of COMPAT 2.4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.matching import NOON, matcher_of, read

from sekisho.match.groups import Groups
from sekisho.match.matcher import Matcher
from sekisho.match.sessions import LIFETIME, MOST_LINES, MOST_SESSIONS, MOST_USERS, Sessions
from sekisho.model.verdict import Failure

PREFIX = r"^ <F-MLFID>\S+</F-MLFID>: <F-CONTENT>.+</F-CONTENT>$"
RULES = (
    r"^<F-NOFAIL>conn</F-NOFAIL> <HOST>$",
    r"^bad user <F-USER>\S+</F-USER>$",
    r"^<F-NOFAIL>soft</F-NOFAIL> <F-USER>\S+</F-USER>$",
    r"^<F-MLFGAINED>ok</F-MLFGAINED> user <F-USER>\S+</F-USER>$",
    r"^<F-MLFFORGET>close</F-MLFFORGET>$",
)
LINES = {
    "conn": "conn 192.0.2.1",
    "bad": "bad user {}",
    "soft": "soft {}",
    "ok": "ok user {}",
    "close": "close",
}


@pytest.fixture
def matcher() -> Matcher:
    """A service whose lines are told apart by a session's id."""
    return matcher_of(*RULES, prefregex=PREFIX)


def play(matcher: Matcher, story: str) -> str:
    """The verdicts of a session's lines: `F(n)` for a failure with n lines of evidence, `-` for none."""
    verdicts = []
    for step in story.split(", "):
        word, _, user = step.partition(" ")
        hits = matcher.examine(f"Jul 14 11:59:00 s1: {LINES[word].format(user)}", now=NOON).hits
        assert all(hit.subject is not None and hit.subject.text == "192.0.2.1" for hit in hits)
        verdicts.append(f"F({len(hits[0].matches)})" if hits else "-")
    return ", ".join(verdicts)


@pytest.mark.parametrize(
    ("story", "verdicts"),
    [
        ("conn, bad a, bad a, close, bad a", "-, F(2), F(1), F(1), -"),
        ("bad a, bad a, conn, bad a", "-, -, F(3), F(1)"),
        ("conn, soft a, soft a, ok a, soft a, close", "-, -, -, -, -, F(6)"),
        ("conn, soft a, soft b, ok b, close", "-, -, F(3), F(1), F(1)"),
        ("conn, soft a, soft a, bad a", "-, -, -, F(4)"),
        ("conn, bad a, ok a, bad a", "-, F(2), -, F(2)"),
        ("bad a, ok a, conn, bad a", "-, -, -, F(3)"),
    ],
)
def test_a_session_reports_when_its_story_is_complete(matcher: Matcher, story: str, verdicts: str) -> None:
    """Each row of the table in COMPAT 2.4."""
    assert play(matcher, story) == verdicts


def test_a_pending_failure_is_told_to_whoever_asks_for_all(matcher: Matcher) -> None:
    """fail2ban-regex shows hits that only prepare others."""
    verdict = matcher.examine("Jul 14 11:59:00 s1: bad user a", now=NOON, check_all=True)
    assert [hit.pending for hit in verdict.hits] == [True]
    assert not verdict.matched


def test_the_users_of_a_session_are_captured(matcher: Matcher) -> None:
    """All that were tried, for the actions to show."""
    play(matcher, "conn, soft a")
    hit = matcher.examine("Jul 14 11:59:00 s1: bad user b", now=NOON).hits[0]
    assert hit.captured["users"] == ("a", "b")
    assert hit.captured["user"] == "b"


def test_a_session_is_forgotten_after_its_time(matcher: Matcher) -> None:
    """What was known of it is no longer, five minutes after it began."""
    play(matcher, "conn")
    late = matcher.examine("Jul 14 12:04:00 s1: bad user a", now=NOON + LIFETIME)
    assert late.hits == ()


def test_sessions_are_bounded() -> None:
    """The oldest go when there are too many, and a long one keeps only its newest lines."""
    sessions = Sessions()
    for number in range(MOST_SESSIONS + 1):
        sessions.tell(f"s{number}", {"ip4": "192.0.2.1", "nofail": "x"}, ("line",), now=NOON, usedns="no")
    assert len(sessions) == MOST_SESSIONS
    assert not sessions.tell("s0", {"user": "a"}, ("line",), now=NOON, usedns="no").who.is_known
    for number in range(MOST_LINES * 2):
        sessions.tell("long", {"nofail": "x", "ip4": "192.0.2.1"}, (str(number),), now=NOON, usedns="no")
    told = sessions.tell("long", {}, ("last",), now=NOON, usedns="no")
    assert len(told.matches) == MOST_LINES
    assert told.matches[-1] == "last"


def test_a_session_that_never_ends_remembers_so_many_users_and_no_more() -> None:
    """One id under which name after name fails costs the thousandth line what it cost the hundredth."""
    sessions = Sessions()
    for number in range(1000):
        groups: Groups = {"mlfid": "7", "ip4": "192.0.2.1", "user": f"u{number}"}
        told = sessions.tell("7", groups, ("line",), now=0, usedns="no")
        assert not told.nofail
    assert len(told.groups["users"]) == MOST_USERS


FAREWELLS = (
    r"^bad user <F-USER>\S+</F-USER>(?: from <HOST>)?$",
    r"^<F-NOFAIL>conn</F-NOFAIL> <HOST>$",
    r"^<F-NOFAIL><F-MLFFORGET>bye</F-MLFFORGET></F-NOFAIL> <HOST>$",
    r"^<F-MLFGAINED><F-MLFFORGET>ok</F-MLFFORGET></F-MLFGAINED> user <F-USER>\S+</F-USER>$",
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("s1", "s2", "s3")),
            st.sampled_from(
                ("bad user a", "bad user b from 192.0.2.1", "conn 192.0.2.1", "bye 192.0.2.1", "ok user c")
            ),
        ),
        max_size=30,
    )
)
def test_farewells_to_unknown_sessions_mean_nothing(story: list[tuple[str, str]]) -> None:
    """A line that only ends a session is passed over when that is not open; the failures are those of the full work."""
    hurried, patient = (matcher_of(*FAREWELLS, prefregex=PREFIX) for _ in range(2))
    lines = [f"Jul 14 11:59:00 {session}: {text}" for session, text in story]
    expected = [
        (subject.text, hit.matches)
        for line in lines
        for hit in patient.examine(line, now=NOON).hits
        if hit.counts and (subject := hit.subject) is not None
    ]
    findings = read(hurried, "".join(f"{line}\n" for line in lines).encode())
    assert [(each.subject.text, each.matches) for each in findings if isinstance(each, Failure)] == expected
