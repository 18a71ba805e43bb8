"""Clues: what a line must contain, read off an expression."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.model.candidate import Cut, Search
from sekisho.scan.fallback import FallbackScanner
from sekisho.scan.literals import Clue, find_clue, find_clues
from sekisho.scan.scanner import _patterns_of, build_scanner

SNUG, ANYWHERE = Cut.SNUG, Cut.ANYWHERE


def clue_of(*expressions: str, cut: Cut = Cut.SNUG) -> Clue | None:
    """The clue of a rule that searches for these expressions."""
    return find_clue(Search(tuple(re.compile(each) for each in expressions), cut))


@pytest.mark.parametrize(
    ("expression", "literals"),
    [
        (r"^ sshd\[\d+\]: Failed password for \S+$", {b" Failed password for "}),
        (r"Failed (?:password|publickey) for", {b"Failed password for", b"Failed publickey for"}),
        (r"[Ii]nvalid user", {b"Invalid user", b"invalid user"}),
        (r"colou?rful", {b"colourful", b"colorful"}),
        (r"(?:no such user|unknown user|no such user here) \S+", {b"no such user ", b"unknown user "}),
        (r"x{2,}abcdef", {b"abcdef"}),
        (r"(?:abcd)+", {b"abcd"}),
        (r"(?=.*seen ahead)word", {b"seen ahead"}),
        (r"(?!not seen ahead)word", {b"word"}),
        (r"authentication failure$", {b"authentication failure"}),
        (r"(a\w+ lovely|a\d plain) day", {b" lovely", b" plain"}),
    ],
)
def test_the_clue_is_the_longest_text_that_must_occur(expression: str, literals: set[bytes]) -> None:
    """Alternatives are multiplied out, and the longest required text wins."""
    clue = clue_of(expression)
    assert clue == Clue(frozenset(literals))


@pytest.mark.parametrize("expression", [r"\S+", r"(?:abcdef)?", r"(?:abcdef|\d+)", r"(?:abcdef)*x", r"ab", r"né", ""])
def test_nothing_is_promised_where_nothing_must_occur(expression: str) -> None:
    """Optional, open or very short text is no clue."""
    assert clue_of(expression) is None


def test_the_better_of_prefix_and_rule_is_taken() -> None:
    """A rule is searched for by whichever of its expressions has the longer text."""
    assert clue_of("sshd: ", "Failed password for ") == Clue(frozenset({b"Failed password for "}))
    assert clue_of("a long prefix text", "abc") == Clue(frozenset({b"a long prefix text"}))


def test_case_is_folded_where_the_expression_ignores_it() -> None:
    """A flag for the whole or for a group makes the clue caseless, in lower case."""
    assert clue_of("(?i)AUTH Failed") == Clue(frozenset({b"auth failed"}), caseless=True)
    assert clue_of("(?i:AUTH) Failed") == Clue(frozenset({b"auth failed"}), caseless=True)


def test_a_snug_cut_never_hides_a_clue() -> None:
    """`- [] "GET` may exist only across the cut of a date, so the text is broken between non-word characters."""
    assert clue_of(r'- \[\] "GET /') == Clue(frozenset({b'"GET '}))


def test_a_cut_anywhere_hides_at_most_one_half() -> None:
    """With a custom date pattern, either half of the text is enough."""
    clue = clue_of("abcdefgh", cut=Cut.ANYWHERE)
    assert clue is not None
    assert clue.literals == {b"abcd", b"efgh"}


def test_no_literal_holds_a_newline() -> None:
    """The newline that ends every searched text is not in the scanned line."""
    assert clue_of("failure\n") == Clue(frozenset({b"failure"}))


EXPRESSIONS = [
    r"^ \S+ sshd\[\d+\]: Failed (?:password|none) for (?:invalid user )?\w+ from [\d.]+$",
    r"(?i)auth(?:entication)? fail(?:ed|ure);? user=\w*",
    r"(?:foo|ba[rz]|qux{2,3}) - \[\] \"(?:GET|POST) /\w*",
    r"^(?:a(?:b|cd)?e)+(?:long tail|x(?:y|z)zy)\b",
    r"agent (?=[a-z]* of Robot/)[a-z]{0,3} of Robot/\d",
    r"client (?:denied|refused) by (?:server|rule \d+)(?: configuration)?",
]


@given(st.data())
def test_whatever_an_expression_matches_contains_its_clue(data: st.DataObject) -> None:
    """Hypothesis draws texts from the expressions; the clue is found in every one."""
    expression = data.draw(st.sampled_from(EXPRESSIONS))
    text = data.draw(st.from_regex(expression))
    clue = clue_of(expression, cut=Cut.NONE)
    assert clue is not None
    line = text.replace("\n", "")
    found = line.encode("utf-8", "surrogatepass")
    if clue.caseless:
        found = found.lower()
        if any(odd in text for odd in "\u0130\u0131\u017f\u212a"):
            return  # the scanner has its own pattern for these
    assert any(literal in found for literal in clue.literals)


@given(st.data())
def test_a_date_in_the_text_does_not_hide_the_clue(data: st.DataObject) -> None:
    """Where a cut may fall, putting a date there leaves some literal whole."""
    expression = data.draw(st.sampled_from(EXPRESSIONS))
    text = data.draw(st.from_regex(expression, fullmatch=True, alphabet=st.characters(codec="ascii"))).rstrip("\n")
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.sampled_from([SNUG, ANYWHERE]))
    joined = text[max(at - 1, 0) : at + 1]
    if cut is SNUG and 0 < at < len(text) and re.search(r"\w", joined, re.ASCII):
        return
    clue = clue_of(expression, cut=cut)
    line = f"{text[:at]}2026-07-14{text[at:]}".encode()
    assert clue is None or any(literal in (line.lower() if clue.caseless else line) for literal in clue.literals)


def test_a_rule_takes_a_clue_of_its_own_where_it_has_one() -> None:
    """A rule that needs a rare word too is not tried on all lines that hold another rule's longer one."""
    searches = [
        Search((re.compile(each),))
        for each in ("^Received disconnect from .*: Auth fail$", "^Received disconnect from .")
    ]
    assert find_clues(searches) == [Clue(frozenset({b" Auth fail"})), Clue(frozenset({b"Received disconnect from "}))]


def test_a_records_text_is_broken_where_writers_spell_otherwise() -> None:
    """Quotes, slashes and what is unsafe in a web page: no literal holds one; the rest stays whole."""
    search = Search((re.compile(re.escape('GET /private area/<b>it\'s "here"')),), Cut.NONE, is_quoted=True)
    assert find_clue(search) == Clue(frozenset({b"private area"}), is_quoted=True)


def test_whoever_wrote_a_rule_says_what_is_rare() -> None:
    """Of conditions in turn the first that has a literal is looked for, however long a later one is."""
    patterns = tuple(map(re.compile, (r"\d+", "401|403", "a very long text")))
    clue = find_clue(Search(patterns, Cut.NONE, is_quoted=True, in_turn=True))
    assert clue == Clue(frozenset({b"401", b"403"}), is_quoted=True)


def test_a_short_word_is_looked_for_as_a_word() -> None:
    """A status of 401 is in no longer number; of words one of which holds another each counts."""
    word = re.compile("401|4010")
    clue = find_clue(Search((word,), Cut.NONE, is_quoted=True, in_turn=True, words=frozenset({word})))
    assert clue is not None
    lines = (
        b'{"status":401,"size":9}',
        b'{"status": "4010"}',
        b"status=401",
        b'{"status":200,"size":14011}',
        b"x 4014",
    )
    for scanner in (build_scanner([clue]), FallbackScanner(*_patterns_of([clue])[:1])):
        assert [bool(scanner.scan(line)) for line in lines] == [True, True, True, False, False]


def test_a_failure_that_many_services_tell_alike_is_known_by_its_service() -> None:
    """PAM's and SASL's words are in the lines of all of them; what stands before them in the expression is not."""
    prefix, rule = re.compile(r"^\S+ mailthingd\[\d+\]: (?P<content>.+)$"), re.compile(r"^authentication failed: \S+$")
    assert find_clue(Search((prefix, rule))) == Clue(frozenset({b" mailthingd["}))
    assert find_clue(Search((rule,))) == Clue(frozenset({b"authentication failed:"}))


def test_many_rare_names_are_better_than_few_common_words() -> None:
    """A robot's name is seldom there; `GET` is in every line of a web server's log."""
    names = [f"{letter}{letter}robot" for letter in "abcdefghijklmnopqrstuvwxyz"]
    expression = rf'^\S+ "(?:GET|POST|HEAD) \S+" "(?:{"|".join(f"{name}(?:/[^x]*)?" for name in names)})"$'
    clue = find_clue(Search((re.compile(expression),)))
    assert clue is not None
    assert clue.literals == {name.encode() for name in names}
