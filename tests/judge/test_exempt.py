"""Who is never banned by a machine's decision."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.judge import exempt
from sekisho.judge.exempt import Screen, Surroundings, parse_exemptions
from sekisho.model.address import Subject, parse_subject
from sekisho.model.prefix import Prefixes

OWN = frozenset({parse_subject("203.0.113.9")})
RESOLVED = {
    "friend.example": frozenset({parse_subject("198.51.100.7")}),
    "mate.example": frozenset({parse_subject("198.51.100.9")}),
}
EXEMPT = parse_exemptions(
    ["127.0.0.1/8", "10.0.0.0/255.0.0.0", "192.0.2.77", "::1", "friend.example", "raw-id", "file:/friends"],
    itself=True,
)
LISTS = {"file:/friends": parse_exemptions(["198.51.100.128/25", "2001:db8::/48", "198.51.100.8", "mate.example"])}
AROUND = Surroundings(OWN, RESOLVED, LISTS)
NOWHERE = Surroundings()


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("127.9.9.9", "ip"),
        ("10.1.2.3", "ip"),
        ("192.0.2.77", "ip"),
        ("::ffff:192.0.2.77", "ip"),
        ("::1", "ip"),
        ("198.51.100.7", "dns"),
        ("raw-id", "dns"),
        ("203.0.113.9", "ignoreself rule"),
        ("198.51.100.8", "file:/friends"),
        ("198.51.100.9", "file:/friends"),
        ("198.51.100.200", "file:/friends"),
        ("2001:db8::7", "file:/friends"),
        ("mate.example", "file:/friends"),
        ("198.51.100.100", None),
        ("203.0.113.10", None),
        ("192.030.0.6", None),
    ],
)
def test_each_word_of_ignoreip_exempts_what_it_means(host: str, source: str | None) -> None:
    """Addresses, networks, masks, names and raw identifiers exempt, and the log is told by which rule."""
    assert EXEMPT.source(parse_subject(host), AROUND) == source


@pytest.mark.parametrize("prefix", ["192.0.2.0/24", "0.0.0.0/0", "198.51.100.0/24", "203.0.113.0/24", "::/64"])
def test_a_prefix_that_holds_an_exempt_address_is_exempt(prefix: str) -> None:
    """A ban of a network must never cover somebody who is exempt."""
    assert EXEMPT.source(parse_subject(prefix), AROUND) is not None


def test_ourselves_and_the_words_of_the_jail_go_before_its_files() -> None:
    """The first hit names the rule (COMPAT 1.9); a file that has not been read yet exempts nobody."""
    rules = parse_exemptions(["file:/friends", "198.51.100.8"], itself=True)
    ask = parse_subject("198.51.100.8")
    assert rules.source(ask, Surroundings(OWN, lists=LISTS)) == "ip"
    assert rules.source(ask, Surroundings(frozenset({ask}), lists=LISTS)) == "ignoreself rule"
    assert rules.source(parse_subject("198.51.100.200"), Surroundings(OWN)) is None


def test_own_addresses_count_where_ignoreself_is_off() -> None:
    """`ignoreself = false` is obeyed."""
    rules = parse_exemptions([], itself=False)
    assert rules.source(parse_subject("203.0.113.9"), Surroundings(OWN)) is None


def test_the_whole_loopback_network_is_ourselves() -> None:
    """A service on 127.0.0.53 is as much this host as one on 127.0.0.1."""
    rules = parse_exemptions([], itself=True)
    assert rules.source(parse_subject("127.0.0.53"), Surroundings(OWN)) == "ignoreself rule"


def test_no_line_makes_a_machine_bar_half_the_world() -> None:
    """A prefix that a filter captured may say /0 or /1: that is nobody's network."""
    nobody = parse_exemptions([], itself=False)
    for wide in ("0.0.0.0/0", "128.0.0.0/1", "11.0.0.0/7", "::/0", "2000::/3"):
        assert nobody.source(parse_subject(wide), NOWHERE) == "size"
    for narrow in ("11.0.0.0/8", "192.0.2.0/24", "2001:db8::/32", "192.0.2.1", "2001:db8::1"):
        assert nobody.source(parse_subject(narrow), NOWHERE) is None


def test_an_answer_given_before_is_given_again() -> None:
    """A screen says what its exemptions say, asked once or twice, and knows when they are no longer the same."""
    screen = Screen(EXEMPT, AROUND)
    for host in ("127.0.0.53", "203.0.113.9", "127.0.0.53", "203.0.113.9"):
        subject = parse_subject(host)
        assert screen.source(subject) == EXEMPT.source(subject, AROUND)
    assert screen.is_made_of(EXEMPT, AROUND)
    assert not screen.is_made_of(EXEMPT, Surroundings(OWN, RESOLVED, LISTS))


def test_a_screen_remembers_a_bounded_number_of_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many strangers knock, the answers about them stay few, and right."""
    monkeypatch.setattr(exempt, "MOST_ANSWERS", 2)
    screen = Screen(EXEMPT, AROUND)
    assert [screen.source(parse_subject(f"203.0.113.{n}")) for n in range(10, 15)] == [None] * 5
    assert len(screen) <= 2


@pytest.mark.parametrize(
    ("network", "inner"),
    [
        ("192.0.2.0/24", "192.0.2.77"),
        ("8.0.0.0/6", "10.0.0.0/8"),
        ("198.51.100.0/29", "198.51.100.7"),
        ("198.51.100.8/30", "198.51.100.8"),
        ("2001:db8::/32", "2001:db8::/48"),
        ("10.0.0.0/8", None),
        ("10.1.0.0/16", None),
        ("192.0.2.0/28", None),
        ("192.0.2.77", None),
        ("raw-id", None),
    ],
)
def test_a_network_may_hold_an_exempt_address_unawares(network: str, inner: str | None) -> None:
    """Named, resolved, or listed in a file; what is exempt as a whole, or lies in what is, holds none by accident."""
    found = EXEMPT.inside(parse_subject(network), AROUND)
    assert found == (None if inner is None else parse_subject(inner))


FEW = st.integers(0, 7).map(lambda number: parse_subject(f"2001:db8::{number:x}"))
WORDS = st.integers(121, 128).flatmap(lambda length: FEW.map(lambda address: f"{address}/{length}"))


@given(
    failing=FEW,
    words=st.lists(WORDS, max_size=3),
    own=st.frozensets(FEW, max_size=2),
    named=st.frozensets(FEW, max_size=2),
    listed=st.lists(WORDS, max_size=2),
    length=st.integers(1, 128),
    itself=st.booleans(),
)
def test_whom_a_failure_counts_against_holds_nobody_exempt(
    failing: Subject,
    words: list[str],
    own: frozenset[Subject],
    named: frozenset[Subject],
    listed: list[str],
    length: int,
    itself: bool,  # noqa: FBT001 - drawn
) -> None:
    """Whatever is ignored, named, listed or ours: it is the whole prefix without any of them, or the address alone."""
    rules = parse_exemptions([*words, "friend.example", "file:/friends"], itself=itself)
    lists = {"file:/friends": parse_exemptions(listed)}
    prefixes = Prefixes(ipv6=length)
    screen = Screen(rules, Surroundings(own, {"friend.example": named}, lists), prefixes)
    suspect = screen.suspect(failing)
    assert suspect in (failing, prefixes.around(failing))
    exempt_ones = [*map(parse_subject, [*words, *listed]), *own, *named]
    touches = any(
        prefixes.around(failing).covers(each) or each.covers(prefixes.around(failing)) for each in exempt_ones
    )
    assert (suspect == failing) == (length == 128 or length < 16 or touches)
    assert screen.suspect(failing) is suspect, "asked again"


def test_a_screen_made_for_other_prefixes_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reload changes is not answered from memory; nor does the memory grow without end."""
    monkeypatch.setattr(exempt, "MOST_ANSWERS", 2)
    rules, prefixes = parse_exemptions([]), Prefixes(ipv4=24)
    screen = Screen(rules, NOWHERE, prefixes)
    for number in range(5):
        assert screen.suspect(parse_subject(f"192.0.{number}.1")).text == f"192.0.{number}.0/24"
    assert screen.is_made_of(rules, NOWHERE, prefixes)
    assert not screen.is_made_of(rules, NOWHERE, Prefixes(ipv4=16))
