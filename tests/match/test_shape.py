"""What can be known of an expression's groups before any text is seen."""

from __future__ import annotations

import re

import pytest

from sekisho.match.shape import leads, sure_groups


@pytest.mark.parametrize(
    ("expression", "groups"),
    [
        (r"^(?P<a>x) (?:(?P<b>y)|z)$", {"a"}),
        (r"(?P<a>(?P<b>x)+)(?P<c>y)?", {"a", "b"}),
        (r"(?P<a>x*)(?P<b>x)", {"b"}),
        (r"(?>(?P<a>x))(?=(?P<b>y))", {"a"}),
        (r"x|(?P<a>y)", set()),
    ],
)
def test_a_group_is_sure_when_every_match_has_some_text_of_it(expression: str, groups: set[str]) -> None:
    """Alternatives, options and empty texts make a group unsure."""
    assert sure_groups(re.compile(expression)) == groups


@pytest.mark.parametrize(
    ("expression", "does"),
    [
        (r"^(?P<a>\S+) x", True),
        (r"^(?:(?=x)(?P<a>\S+)|\S+) y", True),
        (r"^(?:\S+|(?!x)(?P<a>\S+)) y", True),
        (r"^((?P<a>\S+)) y", True),
        (r"(?P<a>\S+) x", False),
        (r"^ ?(?P<a>\S+)", False),
        (r"^(?: |x(?P<a>\S+))", False),
        (r"^(?P<b>x)(?P<a>\S+)", False),
        (r"(?m)^(?P<a>\S+)", False),
    ],
)
def test_a_group_leads_when_no_text_can_stand_before_it(expression: str, *, does: bool) -> None:
    """Looking around takes up no text; anything else does."""
    assert leads(re.compile(expression), "a") is does
