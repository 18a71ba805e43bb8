"""Whether an expression begins at a fixed place."""

from __future__ import annotations

import re

import pytest

from sekisho.match.anchor import is_anchored


@pytest.mark.parametrize(
    ("expression", "anchored"),
    [
        (r"^refused from", True),
        (r"\Arefused", True),
        (r"(?:^refused|^denied) from", True),
        (r"(?P<x>^refused)", True),
        (r"^(?:error: )?refused", True),
        (r"^\s*refused", True),
        (r"(?=x)^refused", True),
        (r"^(?:.{0,5}x)", True),
        (r"^(?>refused)", True),
        (r"(?:^refused)+", True),
        (r"refused from", False),
        (r"(?:^refused|denied) from", False),
        (r"(?:^x)?refused", False),
        (r"^.*refused", False),
        (r"^(?:.+ )?refused", False),
        (r"^(?P<x>.*?) from", False),
        (r"(?:x )?^refused", False),
        (r"", False),
    ],
)
def test_an_expression_is_bound_by_what_stands_first(expression: str, anchored: bool) -> None:  # noqa: FBT001
    """An anchor in every alternative, and no text of any kind behind it."""
    assert is_anchored(re.compile(expression)) is anchored
