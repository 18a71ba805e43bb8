"""Scanners: which lines of a block are candidates, and of which rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import hyperscan
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.model.candidate import Candidate
from sekisho.scan.fallback import FallbackScanner
from sekisho.scan.literals import Clue
from sekisho.scan.scanner import HyperscanScanner, Scanner, _patterns_of, build_scanner

Build = Callable[[Sequence[Clue | None]], Scanner]


def clue(*literals: bytes, caseless: bool = False) -> Clue:
    """A clue of plain texts."""
    return Clue(frozenset(literals), caseless)


def build_plain(rules: Sequence[Clue | None]) -> Scanner:
    """The scanner that needs no Hyperscan."""
    patterns, always = _patterns_of(rules)
    return FallbackScanner(patterns, always=always)


@pytest.fixture(params=[build_scanner, build_plain], ids=["hyperscan", "plain"])
def build(request: pytest.FixtureRequest) -> Build:
    """Both kinds of scanner keep one contract."""
    made: Build = request.param
    return made


def test_lines_with_a_clue_are_candidates(build: Build) -> None:
    """The span is the line without its newline; the mask says which rules may match."""
    scanner = build([clue(b"alpha"), clue(b"beta", b"gamma")])
    data = b"alpha\nnothing\nxx gamma beta alpha\n\nbeta"
    assert scanner.scan(data) == [Candidate(0, 5, 1), Candidate(14, 33, 3), Candidate(35, 39, 2)]


def test_a_rule_without_a_clue_takes_every_line(build: Build) -> None:
    """Nothing is known about it, so it must see all; the other rules keep their marks."""
    scanner = build([None, clue(b"alpha")])
    assert scanner.scan(b"x\n\nalpha\n") == [Candidate(0, 1, 1), Candidate(2, 2, 1), Candidate(3, 8, 3)]


def test_without_rules_nothing_is_a_candidate(build: Build) -> None:
    """No rules, no work."""
    assert build([]).scan(b"alpha\n") == []


def test_case_matters_unless_the_clue_says_otherwise(build: Build) -> None:
    """A caseless clue is found in any case, another is not."""
    scanner = build([clue(b"alpha", caseless=True), clue(b"alpha")])
    assert [each.mask for each in scanner.scan(b"ALPHA\nalpha\n")] == [1, 3]


@pytest.mark.parametrize("letter", "\u0130\u0131\u017f\u212a")
def test_letters_that_fold_to_ascii_make_candidates_of_caseless_rules(build: Build, letter: str) -> None:
    """`re` takes these letters for i, s and k; their lines are looked at."""
    scanner = build([clue(b"disk", caseless=True), clue(b"disk")])
    assert [each.mask for each in scanner.scan(f"{letter}\nx\n".encode())] == [1]


def test_a_date_glued_to_a_word_makes_a_candidate(build: Build) -> None:
    """Its cut is not snug, so a literal may exist only across it."""
    scanner = build([clue(b"x from")])
    data = b"x+02:00 Jul 14 11:00:00 from\nx@400000004b6000000000000a from\nx 4/Jul/2026:11:00:00 from\n"
    assert [each.mask for each in scanner.scan(data)] == [1, 1, 1]


@pytest.mark.parametrize("number", range(0x20, 0x7F))
@pytest.mark.parametrize("spelling", ["\\u{:04x}", "\\u{:04X}", "\\x{:02x}", "\\U{:08x}", "\\\\u{:04x}"])
def test_a_character_written_by_its_number_makes_a_candidate(build: Build, number: int, spelling: str) -> None:
    """Of every rule on records; but not one of those that writers spell so as a habit, and no literal holds."""
    line = b'{"a":"x' + spelling.format(number).encode() + b'"}\n'
    record = Clue(frozenset({b"literal"}), is_quoted=True)
    found = [each.mask for each in build([clue(b"literal"), record]).scan(line)]
    assert found == ([] if chr(number) in "\"&'/<>`" else [0b10])


@pytest.mark.parametrize("escape", [rb"\u000a", rb"\u000D", rb"\x0a", rb"\u0130", rb"\u017F", rb"\u212a"])
def test_other_characters_that_a_literal_may_come_of(build: Build, escape: bytes) -> None:
    """Ends of lines, which become a backslash and a letter, and letters that fold to ASCII."""
    record = Clue(frozenset({b"literal"}), caseless=True, is_quoted=True)
    assert [each.mask for each in build([record]).scan(b'{"a":"' + escape + b'"}\n')] == [1]


def test_hostile_bytes_are_only_bytes(build: Build) -> None:
    """NUL bytes, invalid UTF-8 and long lines are survived."""
    data = b"\x00\xff\xfe alpha \x00\n" + b"a" * 300_000 + b"alpha\n\xff\n"
    assert len(build([clue(b"alpha")]).scan(data)) == 2


LINES = st.lists(st.text(alphabet="abc \u212a", max_size=12).map(str.encode), max_size=12)
CLUES = st.lists(
    st.none() | st.builds(clue, st.sampled_from([b"ab", b"abc", b"c a", b"bb"]), caseless=st.booleans()), max_size=5
)


@given(LINES, CLUES)
def test_both_scanners_agree(lines: list[bytes], rules: list[Clue | None]) -> None:
    """What Hyperscan finds is what plain Python finds, line by line and rule by rule."""
    data = b"\n".join(lines)
    assert build_scanner(rules).scan(data) == build_plain(rules).scan(data)


def test_a_processor_that_hyperscan_refuses_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in takes over, with the same answers."""

    def refuse(*_: object, **__: object) -> None:
        raise hyperscan.ArchitectureError

    monkeypatch.setattr("sekisho.scan.scanner.HyperscanScanner", refuse)
    assert build_scanner([clue(b"alpha")]).scan(b"alpha") == [Candidate(0, 5, 1)]


def test_hyperscan_is_used_where_it_is_installed() -> None:
    """The stand-in is only a stand-in."""
    assert isinstance(build_scanner([clue(b"alpha")]), HyperscanScanner)
    assert "1 patterns" not in repr(build_scanner([clue(b"alpha"), clue(b"beta")]))


def test_a_database_is_compiled_again_only_when_its_literals_change() -> None:
    """Rules that only change their place, as after a reload, share one database; a new literal gets another."""
    first = build_scanner([clue(b"alpha"), clue(b"beta")])
    moved = build_scanner([clue(b"alpha"), clue(b"alpha"), clue(b"beta")])
    other = build_scanner([clue(b"alpha"), clue(b"gamma")])
    databases = [scanner._database for scanner in (first, moved, other) if isinstance(scanner, HyperscanScanner)]
    assert databases[0] is databases[1] is not databases[2]
    assert moved.scan(b"beta\n") == [Candidate(0, 4, 4)]
