"""Tests of enforce.plan."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sekisho.enforce.plan import TOLERANCE, plan

ends = st.one_of(st.none(), st.floats(0, 1e9))
states = st.dictionaries(st.sampled_from("abcdef"), ends)


@given(states, states)
def test_the_plan_turns_actual_into_wanted(wanted: dict[str, float | None], actual: dict[str, float | None]) -> None:
    """Applied to the actual state, the plan gives the wanted one, up to the tolerance."""
    change = plan(wanted, actual)
    result = {key: end for key, end in actual.items() if key not in change.remove}
    result |= {key: wanted[key] for key in change.add}
    assert result.keys() == wanted.keys()
    for key, end in wanted.items():
        got = result[key]
        assert got is end or (got is not None and end is not None and abs(got - end) <= TOLERANCE)


@given(states)
def test_nothing_changes_what_is_as_wanted(state: dict[str, float | None]) -> None:
    """A state is its own plan's fixed point: nothing to do."""
    assert not plan(state, state)


def test_a_ban_for_ever_differs_from_any_other() -> None:
    """An end where none is wanted is a difference, and the other way round."""
    assert plan({"a": None}, {"a": 5.0}).add == ("a",)
    assert plan({"a": 5.0}, {"a": None}).add == ("a",)
