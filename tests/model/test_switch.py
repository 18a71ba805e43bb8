"""Words that mean on or off."""

from __future__ import annotations

from sekisho.model.switch import parse_switch


def test_every_other_string_is_false() -> None:
    """Booleans are read as in the configuration."""
    assert [parse_switch(text) for text in ("TRUE", "on", "1", "yes", "maybe", "off")] == [True] * 4 + [False] * 2
