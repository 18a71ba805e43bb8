"""Rarity: what tells a line from others."""

from __future__ import annotations

import pytest

from sekisho.scan.rarity import is_everybody_s, rarity


@pytest.mark.parametrize(("text", "worth"), [("mailthing", 9), (" from ", 2), ("Failed password for ", 17), ("", 0)])
def test_words_of_every_log_count_for_nothing(text: str, worth: int) -> None:
    """In any case; what stands around them does count."""
    assert rarity(text) == worth


@pytest.mark.parametrize(
    ("text", "common"),
    [
        ("authentication failed:", True),
        (" Failed ", True),
        (" from ", True),
        ("mailthing: authentication failed", False),
        ("password", False),
    ],
)
def test_what_pam_and_sasl_say_of_any_service_is_everybody_s(text: str, *, common: bool) -> None:
    """One word more makes it somebody's."""
    assert is_everybody_s(text) is common
