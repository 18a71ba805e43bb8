"""Whether the log paths of the tree are those of this system, and how people are told which these are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sekisho.config.layers import INCLUDES
from sekisho.config.survey import Survey
from sekisho.config.system import AUTO
from sekisho.model.problem import Origin, Problem, Severity

_FIRST = "paths-"
_SHARED = ("paths-common", "paths-overrides")


class _Choice(NamedTuple):
    """The include that decides about the paths, which is the last one, and where it stands."""

    name: str
    origin: Origin


def told_system(survey: Survey) -> str:
    """Return which system this is, and which file says where its services log."""
    system, choice = survey.files.system, _choice(survey)
    if choice is None:
        return f"this is {system.name}; the configuration includes no file of its kind's log paths"
    if choice.name == AUTO:
        return f"this is {system.name}: services log where {system.paths} says"
    return f"this is {system.name}; services log where {choice.name} says, which {choice.origin} includes"


def judge_system(survey: Survey) -> Iterator[Problem]:
    """Yield what is doubtful about the choice: a system that nobody knows, a whole tree that was made for another.

    Who writes it into jail.local means it.
    """
    system, choice = survey.files.system, _choice(survey)
    if choice is None:
        return
    if choice.name == AUTO and not system.is_known:
        text = f"this is {system.name}, whose log paths nobody told us: those of {system.paths} are taken"
        remedy = "write before = paths-NAME.conf under [INCLUDES] in jail.local, or paths into paths-overrides.local"
        yield Problem(Severity.WARNING, text, choice.origin, remedy=remedy)
    elif choice.origin.file.endswith("/jail.conf") and system.is_known and _is_of_another(survey, choice.name):
        text = f"this is {system.name}, and the log paths are those of another system, {choice.name}"
        remedy = f"write before = {system.paths} there, or {AUTO} for those of whichever system it is"
        yield Problem(Severity.WARNING, text, choice.origin, remedy=remedy)


def _is_of_another(survey: Survey, name: str) -> bool:
    """Whether this is the paths file of a system that we know, and not of this one."""
    return name not in (AUTO, survey.files.system.paths) and bool(survey.files.stock(name.removesuffix(".conf")))


def _choice(survey: Survey) -> _Choice | None:
    includes = [survey.files.document(source).sections.get(INCLUDES, {}) for source in survey.merged.files]
    found = [
        _Choice(name, option.at(name))
        for options in includes
        for option in options.values()
        for name in option.text.split()
        if name.startswith(_FIRST) and not name.startswith(_SHARED)
    ]
    return found[-1] if found else None
