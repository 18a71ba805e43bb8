"""The one error of this room: something cannot be read as written. It carries every problem that was found.

ConfigError         a filter, an action, a bracket list, a directory that cannot be used
"""

from __future__ import annotations

from sekisho.model.problem import Origin, Problem, Severity


class ConfigError(Exception):
    """What was asked for cannot be had from the configuration; `problems` say why, with file, line and remedy."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def mistake(text: str, origin: Origin | None = None, *, remedy: str = "", jail: str | None = None) -> ConfigError:
    """Return the ConfigError for one mistake."""
    return ConfigError(Problem(Severity.ERROR, text, origin, jail=jail, remedy=remedy))
