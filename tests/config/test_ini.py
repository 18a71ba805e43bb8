"""One file of the INI dialect."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sekisho.config.ini import DEFAULT, parse_ini


def text_of(text: str, name: str, section: str = "s") -> str:
    """Return an option's text as read from a file that holds only `text` in section `s`."""
    return parse_ini(f"[s]\n{text}", "x.conf").sections[section][name].text


def told(text: str) -> list[str]:
    """Return the mistakes of a file, each with its line."""
    return [
        f"{problem.origin.line if problem.origin else 0}: {problem.text}" for problem in parse_ini(text, "x").problems
    ]


def test_only_a_semicolon_after_white_space_begins_a_comment() -> None:
    """Inline comments are `;` after a blank or tab; `#`, a glued `;` and quotes change nothing (COMPAT 9, case 1)."""
    assert text_of("a = 1 ; inline", "a") == "1"
    assert text_of("a = 2;noinline", "a") == "2;noinline"
    assert text_of("a = 3 # hash", "a") == "3 # hash"
    assert text_of("a = http://x/?a;b\t;t", "a") == "http://x/?a;b"
    assert text_of('v = "quoted ; value"', "v") == '"quoted'
    assert text_of("a = 1 ; 三回まで — merci à tous", "a") == "1"


def test_a_value_goes_on_where_lines_are_indented() -> None:
    """Continuations are stripped and joined, comments in them vanish, blank lines stay (COMPAT 9, case 2)."""
    value = "a = one\n   two ; c\n# comment\n   ; comment\n\tthree\n\n   four\n\n\nb = 1"
    assert text_of(value, "a") == "one\ntwo\nthree\n\nfour"
    assert text_of(value, "b") == "1"


def test_names_are_lower_case_and_sections_are_not() -> None:
    """`A7 = x` is `a7`, a colon serves as well as `=`, an empty value is a value (COMPAT 9, case 3)."""
    document = parse_ini("[DEFAULT]\nA7 = upper\na6: colon\na9 =\n[Sec]\n[sec]\n", "x")
    assert {name: option.text for name, option in document.sections[DEFAULT].items()} == {
        "a7": "upper",
        "a6": "colon",
        "a9": "",
    }
    assert list(document.sections) == [DEFAULT, "Sec", "sec"]


def test_every_line_of_an_option_has_its_number() -> None:
    """A problem in the third line of a value can be shown where it stands."""
    option = parse_ini("[s]\n\nfailregex = one\n    two\n# no\n    three\n", "f.conf").sections["s"]["failregex"]
    assert (option.text.split("\n"), option.lines) == (["one", "two", "three"], (3, 4, 6))
    assert str(option.at("three")) == "f.conf:6"
    assert str(option.at("nowhere")) == "f.conf:3"


def test_an_option_twice_in_one_section_breaks_the_file() -> None:
    """One of the two would be lost unseen (COMPAT 9, case 8); the first is kept."""
    document = parse_ini("[s]\na = 1\na = 2\n", "x")
    assert told("[s]\na = 1\na = 2\n") == ["3: option 'a' in section 's' already exists"]
    assert document.broken
    assert document.sections["s"]["a"].text == "1"


def test_a_section_twice_in_one_file_breaks_it_but_default_may_come_again() -> None:
    """As in Fail2ban (COMPAT 9, case 9)."""
    assert told("[s]\n[t]\n[s]\n") == ["3: section 's' already exists"]
    assert told("[DEFAULT]\na=1\n[s]\n[DEFAULT]\nb=1\n") == []


def test_what_is_no_option_is_told_and_reading_goes_on() -> None:
    """All mistakes of a file are found at once."""
    text = "lost = 1\nlost again\n[s]\nbare word\n   which goes on\n= nameless\ngood = 1\n"
    assert told(text) == [
        "1: text before the first section header: 'lost = 1'",
        "4: 'bare word' is neither `name = value` nor a [section]",
        "6: '= nameless' is neither `name = value` nor a [section]",
    ]
    assert list(parse_ini(text, "x").sections["s"]) == ["good"]


def test_text_after_a_header_is_told() -> None:
    """`[sshd] enabled = true` on one line enables nothing; a comment there is harmless."""
    document = parse_ini("[sshd] enabled = true\n[b] # why\n[c] ; why\n", "x")
    assert [problem.text for problem in document.problems] == ["text after the header [sshd] is lost: 'enabled = true'"]
    assert not document.broken


def test_windows_and_old_line_ends_and_a_byte_order_mark_are_read() -> None:
    """An editor's habits do not matter."""
    assert parse_ini("\ufeff[s]\r\na = 1\r\n  2\rb = 3", "x").sections["s"]["a"].text == "1\n2"


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Whatever a file holds, reading it ends in a document."""
    parse_ini(text, "x")


@given(st.lists(st.sampled_from(["[s]", "[DEFAULT]", "a = 1", "  b", " ; c", "", "x", "A: %(b)s", "[", "=", "\t"])))
def test_any_mixture_of_lines_is_read(lines: list[str]) -> None:
    """Line numbers stay inside the file, and one belongs to each line of a value, whatever stands where."""
    document = parse_ini("\n".join(lines), "x")
    for options in document.sections.values():
        for option in options.values():
            assert len(option.lines) == option.text.count("\n") + 1
            assert all(1 <= number <= len(lines) for number in option.lines)
