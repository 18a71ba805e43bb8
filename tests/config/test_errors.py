"""The room's error."""

from __future__ import annotations

from sekisho.config.errors import ConfigError, mistake
from sekisho.model.problem import Origin, Problem, Severity


def test_an_error_says_all_its_problems() -> None:
    """Whoever prints it shows file, line and remedy of each."""
    first = mistake("no such filter", Origin("jail.local", 3), remedy="make it").problems[0]
    error = ConfigError(first, Problem(Severity.ERROR, "and this"))
    assert str(error) == "jail.local:3: no such filter (make it)\nand this"
