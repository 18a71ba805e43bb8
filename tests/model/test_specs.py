"""What a specification says of itself."""

from __future__ import annotations

import pytest

from sekisho.model.specs import FilterSpec, RecordSpec


@pytest.mark.parametrize(
    ("record", "rules"),
    [
        (None, ("a", "b")),
        (RecordSpec("docker", when=("w",)), ("a", "b")),
        (RecordSpec("json", when=("w",)), ("w",)),
        (RecordSpec("Docker JSON", when=("w",)), ("w",)),
        (RecordSpec("json", when=("w",), message=("msg",)), ("a", "b", "w")),
    ],
)
def test_which_rules_of_a_filter_apply(record: RecordSpec | None, rules: tuple[str, ...]) -> None:
    """One file may hold expressions for text and rules for records; the format says which are in use."""
    assert FilterSpec("f", ("a", "b"), record=record).rules == rules
