"""How rare a text is in logs: a word that every log is full of tells little of a line."""

from __future__ import annotations

import re

_WORDS_EVERYWHERE = frozenset(
    {
        *("from", "sshd", "ssh", "preauth", "user", "port", "for", "http", "info", "error"),
        *("get", "post", "head", "mozilla", "compatible", "closed", "session"),
    }
)
_WORDS_OF_FAILURE = frozenset({"authentication", "failed", "failure"})


def rarity(text: str) -> int:
    """How many characters a text has that are no word which every log is full of."""
    words = re.findall(r"[a-z]+", text.lower())
    return len(text) - sum(len(word) for word in words if word in _WORDS_EVERYWHERE)


def is_everybody_s(text: str) -> bool:
    """True of words that many services log alike, as PAM and SASL tell them of a failure."""
    return set(re.findall(r"[a-z]+", text.lower())) - _WORDS_EVERYWHERE <= _WORDS_OF_FAILURE
