"""How words find their row, and what becomes of those that find none."""

from __future__ import annotations

import pytest
from tests.control.conftest import Say

from sekisho.control.protocol import Denied, Kind
from sekisho.control.words import TABLE, find, help_text


@pytest.mark.parametrize(
    ("line", "denied"),
    [
        ("nosuch", Denied(Kind.REFUSED, "Invalid command")),
        ("set demo nosuch x", Denied(Kind.REFUSED, "Invalid command 'nosuch' (no set action or not yet implemented)")),
        ("get demo nosuch", Denied(Kind.REFUSED, "Invalid command (no get action or not yet implemented)")),
        ("status demo x y", Denied(Kind.REFUSED, "Invalid command (no status)")),
        ("set", Denied(Kind.ARGUMENTS, "expected: set NAME, or set <JAIL> NAME")),
        ("set demo", Denied(Kind.ARGUMENTS, "expected: set <JAIL> NAME")),
        ("set demo bantime", Denied(Kind.ARGUMENTS, "expected: set <JAIL> bantime <TIME>")),
        ("set demo maxretry x", Denied(Kind.VALUE, "invalid literal for int() with base 10: 'x'")),
        ("set demo bantime abc", Denied(Kind.VALUE, "name 'abc' is not defined")),
        ("set ssh bantime 1h", Denied(Kind.UNKNOWN_JAIL, "ssh")),
        ("status ssh", Denied(Kind.UNKNOWN_JAIL, "ssh")),
        ("", Denied(Kind.REFUSED, "Invalid command")),
    ],
)
def test_words_that_cannot_be_acted_on(say: Say, line: str, denied: Denied) -> None:
    """Each mistake has the text that Fail2ban's users know, and a fact that helps."""
    assert say(*line.split()) == denied


def test_no_two_rows_answer_to_the_same_words() -> None:
    """Every row can be reached."""
    assert len({word.key for word in TABLE}) == len(TABLE)
    for word in TABLE:
        words = [part.replace("<JAIL>", "demo") for part in word.key] + ["x"] * word.least
        assert find(words)[0] is word


def test_the_help_shows_every_word_that_is_for_people() -> None:
    """A word in the table is in the help, and an internal one is not."""
    text = help_text()
    for word in TABLE:
        assert (word.usage in text) is not word.internal, word.usage
