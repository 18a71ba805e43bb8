"""Words that mean on or off, wherever an administrator may write them (COMPAT section 0)."""

from __future__ import annotations

TRUE = frozenset({"1", "on", "true", "yes"})
FALSE = frozenset({"0", "off", "false", "no", ""})


def parse_switch(text: str) -> bool:
    """Return what `text` means as a boolean: every other string than one of `TRUE` is false."""
    return text.lower() in TRUE


def parse_ipv6(text: str) -> str:
    """Return `auto`, `yes` or `no`, which is what `allowipv6` can be. Raises ValueError."""
    word = text.lower()
    if word == "auto":
        return word
    if word not in TRUE | FALSE or not word:
        raise ValueError("use auto, yes or no")
    return "yes" if parse_switch(word) else "no"
