"""The fields of date patterns."""

from __future__ import annotations

import re

import pytest

from sekisho.match.fields import FIELDS, expand_fields, has_names, last_year_at, show_fields


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_an_expression(name: str) -> None:
    """Each can stand alone in a pattern."""
    re.compile(expand_fields(f"%{name}"))


@pytest.mark.parametrize(
    ("field", "right", "wrong"),
    [
        ("%Y", ["1999", "2026"], ["26"]),
        ("%ExY", ["2000", "2029"], ["1999", "2030"]),
        ("%m", ["1", "01", "12"], ["13", "0"]),
        ("%d", ["1", "01", " 1", "31"], ["32", "0"]),
        ("%Exd", ["01", "31"], ["1", " 1"]),
        ("%H", ["0", "00", "23"], ["24", " 1"]),
        ("%k", [" 1", "1", "23"], ["24"]),
        ("%S", ["0", "59", "61"], ["62"]),
        ("%f", ["1", "123456"], ["1234567"]),
        ("%z", ["Z", "UTC", "+02", "+0200", "+02:00"], ["CET"]),
        ("%Exz", ["CET", "UTC+02", "+0200"], ["FOO"]),
        ("%j", ["1", "001", "366"], ["367"]),
        ("%%", ["%"], [""]),
    ],
)
def test_a_field_matches_its_range(field: str, right: list[str], wrong: list[str]) -> None:
    """Digits out of range are no date (COMPAT 2.8)."""
    pattern = re.compile(expand_fields(field, last_year=2029))
    assert [text for text in right if not pattern.fullmatch(text)] == []
    assert [text for text in wrong if pattern.fullmatch(text)] == []


def test_an_unknown_field_is_named() -> None:
    """The name is in the error, for whoever tells the administrator."""
    with pytest.raises(KeyError, match="Q"):
        expand_fields("%Q")


def test_fields_are_shown_as_words() -> None:
    """As `get JAIL datepattern` and fail2ban-regex show them."""
    assert show_fields("%ExY-%m-%d %H:%M:%S %%") == "ExYear-Month-Day 24hour:Minute:Second %"
    assert show_fields("%Q") == "%Q"


def test_names_make_a_pattern_ignore_case() -> None:
    """A month's name may be written in any case; an escaped percent sign is no field."""
    assert has_names("%d %b")
    assert not has_names("%d %m %%b")


def test_the_last_year_is_the_end_of_a_decade() -> None:
    """The decade that holds the year three years from now."""
    assert [last_year_at(year) for year in (2026, 2027, 2005)] == [2029, 2039, 2009]
    assert re.fullmatch(expand_fields("%ExY", last_year=2109), "2105")
