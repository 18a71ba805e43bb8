"""Texts that every match contains, read off an expression."""

from __future__ import annotations

import re

import pytest

from sekisho.scan.texts import MOST_VARIANTS, texts_in


@pytest.mark.parametrize(
    ("expression", "sets"),
    [
        (r"Failed (?:password|key) for \S+ here", [{"Failed password for ", "Failed key for "}, {" here"}]),
        (r"colou?r", [{"colour", "color"}]),
        (r" 0000[1-3] ", [{" 00001 ", " 00002 ", " 00003 "}]),
        (r"(?:abc)*x(?:de){2,}", [{"x"}, {"de"}]),
        (r"a(?:b\d|c\d)e", [{"a"}, {"b", "c"}, {"e"}]),
        (r"(?=.*ahead)word", [{"ahead"}, {"word"}]),
        (r"\S+", []),
    ],
)
def test_few_texts_are_multiplied_out_and_others_part_them(expression: str, sets: list[set[str]]) -> None:
    """In the order of their places; small sets and ranges of characters are few texts."""
    assert [set(texts) for _, texts in texts_in(re.compile(expression))] == sets


def test_too_many_variants_are_not_multiplied_out() -> None:
    """What has been gathered stands by itself then."""
    found = texts_in(re.compile("begin[0-9][0-9]end"))
    assert all(len(texts) <= MOST_VARIANTS for _, texts in found)
    assert {"begin"} not in [set(texts) for _, texts in found]
    assert max(len(text) for _, texts in found for text in texts) == len("begin0")


def test_a_case_that_is_ignored_anywhere_is_ignored_everywhere() -> None:
    """The scanner knows one rule for a text."""
    for expression in ("(?i)abc", "(?i:a)bc", "(?:x|(?i:y))abc", "(?>(?i:a))bc"):
        assert all(caseless for caseless, _ in texts_in(re.compile(expression)))
    assert not any(caseless for caseless, _ in texts_in(re.compile("abc")))
