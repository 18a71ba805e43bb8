"""All advice on a tree, in one order: the system, files, names, then jail by jail; each mistake is told once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sekisho.config.advice.contradictions import contradictions
from sekisho.config.advice.expressions import judge_expressions
from sekisho.config.advice.files import judge_files, judge_sources
from sekisho.config.advice.names import survey_names
from sekisho.config.advice.programs import missing_programs
from sekisho.config.advice.system import judge_system
from sekisho.config.ini import DEFAULT
from sekisho.config.survey import Survey
from sekisho.model.problem import Problem
from sekisho.model.services import Ask


@dataclass(frozen=True, slots=True)
class Host:
    """What advice asks of the host: a service's port, and whether a program is there."""

    port: Ask
    has: Callable[[str], bool]


def advise(survey: Survey, host: Host) -> list[Problem]:
    """Return every mistake that loading does not see, each once; what stands in `[DEFAULT]` is nobody's alone."""
    if survey.configuration.broken:
        return []
    common = {option.origin for option in survey.merged.sections[DEFAULT].values()}
    told: dict[tuple[object, ...], Problem] = {}
    for problem in _all(survey, host):
        one = replace(problem, jail=None) if problem.origin in common else problem
        told.setdefault((one.text, one.origin, one.jail), one)
    return list(told.values())


def _all(survey: Survey, host: Host) -> Iterator[Problem]:
    yield from judge_system(survey)
    yield from judge_files(survey)
    yield from survey_names(survey, host.port)
    for jail in survey.jails:
        yield from judge_sources(jail, survey.configuration.server.logtarget)
        yield from judge_expressions(jail)
        yield from missing_programs(jail, host.has)
    yield from contradictions(survey.jails, survey.configuration.server)
