"""A mistake is told with where, whom, what and how to mend it; what is not known is left out."""

from __future__ import annotations

import json

import pytest

from sekisho.model.problem import Origin, Problem, Severity, parse_problem


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (Problem(Severity.ERROR, "no filter"), "no filter"),
        (Problem(Severity.ERROR, "no filter", Origin("jail.local", 3)), "jail.local:3: no filter"),
        (Problem(Severity.WARNING, "odd", Origin("jail.local", 0)), "jail.local: odd"),
        (
            Problem(Severity.ERROR, "no filter", Origin("jail.local", 3), "sshd", "name one"),
            "jail.local:3: jail 'sshd': no filter (name one)",
        ),
    ],
)
def test_a_problem_is_one_sentence(problem: Problem, told: str) -> None:
    """File and line come first, the remedy last; at the other end of a socket too."""
    assert str(problem) == told
    assert parse_problem(json.loads(json.dumps(problem.document()))) == problem
