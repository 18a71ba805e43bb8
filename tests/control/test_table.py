"""What a row's arguments mean."""

from __future__ import annotations

import pytest

from sekisho.control.table import BASIC, Unmet, Word
from sekisho.engine.api import EngineApi


async def nothing(_engine: EngineApi, *_: str) -> None:
    """Answer nothing."""


@pytest.mark.parametrize(
    ("arguments", "least", "most"),
    [
        ("", 0, 0),
        ("<TIME>", 1, 1),
        ("<on|off>", 1, 1),
        ("<FILE> [head|tail]", 1, 2),
        ("<IP>...", 1, None),
        ("<IP> [<LINE>...]", 1, None),
        ("[--report-absent] <IP>...", 1, None),
        ("[<SEP>|--with-time]", 0, 1),
        ("[--restart] [--all | [--if-exists] <JAIL>...]", 0, None),
    ],
)
def test_the_usage_is_the_grammar(arguments: str, least: int, most: int | None) -> None:
    """How many arguments there must and may be is read from what the help shows."""
    word = Word("get <JAIL> x", arguments, BASIC, "", nothing)
    assert (word.least, word.most) == (least, most)


def test_further_words_are_ignored_and_missing_ones_named() -> None:
    """As with Fail2ban's client, too many is no mistake; too few tells what was expected."""
    word = Word("set <JAIL> bantime", "<TIME>", BASIC, "", nothing)
    assert word.pick(("1h", "more")) == ("1h",)
    with pytest.raises(Unmet, match="expected: set <JAIL> bantime <TIME>"):
        word.pick(())
