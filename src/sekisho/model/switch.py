"""Words that mean on or off, wherever an administrator may write them (COMPAT section 0)."""

from __future__ import annotations

TRUE = frozenset({"1", "on", "true", "yes"})
FALSE = frozenset({"0", "off", "false", "no", ""})


def parse_switch(text: str) -> bool:
    """Return what `text` means as a boolean: every other string than one of `TRUE` is false."""
    return text.lower() in TRUE
