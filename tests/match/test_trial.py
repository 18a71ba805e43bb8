"""What can be known of an expression's match without reading its groups."""

from __future__ import annotations

import re

import pytest

from sekisho.match.groups import Captures, Groups
from sekisho.match.rule import compile_rule
from sekisho.match.trial import make_trial

PREFIX = compile_rule(r"^<F-MLFID>\S+</F-MLFID>: <F-CONTENT>.+</F-CONTENT>$")


@pytest.mark.parametrize(
    ("expression", "is_plain"),
    [
        ("^bad <F-USER>\\S+</F-USER> from <ADDR>$", True),
        ("^bad from <HOST>$", True),
        ("^bad from <DNS>$", False),
        ("^bad from <SUBNET>$", False),
        ("^bad <F-ID>\\S+</F-ID> from <ADDR>$", False),
        ("^<F-NOFAIL>soft</F-NOFAIL> from <ADDR>$", False),
        ("^<F-MLFFORGET>bye</F-MLFFORGET> <ADDR>$", False),
        ("^<F-MLFGAINED>ok</F-MLFGAINED> <ADDR>$", False),
        ("^bad <F-ALT_USER>\\S+</F-ALT_USER> from <ADDR>$", False),
        ("^<F-MLFID>\\d+</F-MLFID> bad from <ADDR>$", False),
    ],
)
def test_a_plain_expression_says_no_more_than_who_failed(expression: str, is_plain: bool) -> None:  # noqa: FBT001
    """Whatever else a group could say makes it an expression whose matches are read."""
    assert make_trial(0, compile_rule(expression), PREFIX).is_plain is is_plain


def test_an_address_in_the_prefix_is_read() -> None:
    """Then it is not the expression alone that says whom a line concerns."""
    prefix = compile_rule("^<ADDR>: <F-CONTENT>.+</F-CONTENT>$")
    assert not make_trial(0, compile_rule("^bad$"), prefix).is_plain


def test_what_is_captured_is_read_once_and_only_when_asked() -> None:
    """It is the groups of both expressions, without the content; the first user of a session is all its users."""
    trial = make_trial(0, compile_rule(r"^bad <F-USER>\S+</F-USER> from <ADDR>$"), PREFIX)
    before = PREFIX.pattern.search("s1: bad eve from 192.0.2.1")
    assert before is not None
    found = trial.search(before["content"])
    assert found is not None
    asked = []

    def read(first: re.Match[str] | None, second: re.Match[str]) -> Groups:
        asked.append(second)
        return trial.read_first(first, second)

    captured = Captures(read, before, found)
    assert asked == []
    assert captured == {"mlfid": "s1", "user": "eve", "ip4": "192.0.2.1", "users": ("eve",)}
    assert (len(captured), captured["user"], len(asked)) == (4, "eve", 1)
    assert trial.read(before, found) == {"mlfid": "s1", "user": "eve", "ip4": "192.0.2.1"}
