"""Paths to fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.match.fieldpath import FieldPath, first_text, parse_fields

RECORD = {
    "a": "1",
    "x.y": "whole",
    "x": {"y": "inner", "z": "deep"},
    "request": {"headers": {"User-Agent": ["curl", "wget"], "X.Y": ["dotted"]}, "none": None},
    "list": [{"ip": "192.0.2.1"}, {"ip": "192.0.2.2"}],
    "empty": [],
    "0": {"1": "keys that are numbers"},
}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a", "1"), ("x.y", "whole"), ("x.z", "deep"), ("a.b", None), ("b", None),
        ("request.headers.User-Agent", "curl"), ("request.headers.User-Agent.1", "wget"),
        ("request.headers.User-Agent.2", None), ("request.headers.X.Y.0", "dotted"), ("request.none", None),
        ("list.ip", "192.0.2.1"), ("list.1.ip", "192.0.2.2"), ("list.-1.ip", None), ("list.99999999999.ip", None),
        ("empty.ip", None), ("empty", None), ("0.1", "keys that are numbers"), ("request", None), ("", None),
    ],
)  # fmt: skip
def test_where_a_path_leads(path: str, text: str | None) -> None:
    """Through objects, lists and keys with dots in them; nowhere, without a fuss."""
    assert FieldPath(path).text_in(RECORD) == text


def test_a_longer_key_is_not_given_back() -> None:
    """What a key with dots holds is what the path means, so that no other key can stand in for what it lacks."""
    assert FieldPath("a.b.c").text_in({"a.b": {"d": "x"}, "a": {"b": {"c": "forged"}}}) is None


@given(st.lists(st.text("ab.0", min_size=1), min_size=1, max_size=6), st.recursive(
    st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text("ab.0"), inner)))  # fmt: skip
def test_no_record_raises(words: list[str], value: object) -> None:
    """Any path may be looked for in any record."""
    FieldPath(".".join(words)).text_in({words[0]: value})


def test_names_in_an_option() -> None:
    """Separated by blanks; with blanks in them they stand in double quotes."""
    found = parse_fields(r'a.b  "c d" "e \"f\""')
    assert [each.text for each in found] == ["a.b", "c d", 'e "f"']
    with pytest.raises(ValueError, match="a quote is not closed"):
        parse_fields('a "b')


def test_the_first_that_is_present_and_not_empty() -> None:
    """Absent, null and empty fields are passed over."""
    fields = tuple(parse_fields("a b c d"))
    assert first_text(fields, {"b": None, "c": "", "d": "here"}) == "here"
    assert first_text(fields, {}) is None
