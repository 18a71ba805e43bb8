"""Words that mean on or off."""

from __future__ import annotations

import pytest

from sekisho.model.switch import parse_ipv6, parse_switch


def test_every_other_string_is_false() -> None:
    """Booleans are read as in the configuration."""
    assert [parse_switch(text) for text in ("TRUE", "on", "1", "yes", "maybe", "off")] == [True] * 4 + [False] * 2


def test_ipv6_may_also_be_left_to_the_kernel() -> None:
    """`allowipv6` knows one word more, and refuses what is none."""
    assert [parse_ipv6(text) for text in ("Auto", "true", "0")] == ["auto", "yes", "no"]
    for text in ("maybe", ""):
        with pytest.raises(ValueError, match="use auto, yes or no"):
            parse_ipv6(text)
