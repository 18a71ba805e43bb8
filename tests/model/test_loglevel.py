"""The names of the log levels."""

from __future__ import annotations

import pytest

from sekisho.model.loglevel import LEVELS, SHOWN, parse_level


def test_a_name_in_any_case_and_a_number_are_levels() -> None:
    """`notice`, `NOTICE` and `25` mean the same."""
    assert parse_level("notice") == parse_level("NOTICE") == parse_level(" 25 ") == 25


def test_every_level_has_a_shown_name() -> None:
    """The log's level column never has to fall back to a number for a named level."""
    assert {SHOWN[number] for number in LEVELS.values()} >= {"CRITICAL", "NOTICE", "TRACE", "HEAVY"}
    assert set(SHOWN) == set(LEVELS.values())


@pytest.mark.parametrize("text", ["", "loud", "-1", "1.5", "٣"])
def test_anything_else_is_refused_with_the_names_that_there_are(text: str) -> None:
    """A typing mistake is answered with what would have been right."""
    with pytest.raises(ValueError, match=r"Invalid log level .*CRITICAL, ERROR"):
        parse_level(text)
