"""What the expressions of a filter cost, and whom they can be made to blame. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sekisho.config.survey import JailView
from sekisho.match.anchor import is_anchored
from sekisho.match.filter import CompiledFilter, compile_filter
from sekisho.match.rule import RuleError
from sekisho.model.problem import Origin, Problem, Severity
from sekisho.scan.literals import find_clue

_COST = "is tried on every line of the log"


def judge_expressions(jail: JailView) -> Iterator[Problem]:
    """Yield what compiling shows: expressions that fail, that must be tried on every line, that begin anywhere."""
    spec = jail.spec
    name = spec.filter.name
    try:
        compiled = compile_filter(
            spec.filter, usedns=spec.usedns, logtimezone=spec.logtimezone, logencoding=spec.logencoding
        )
    except RuleError as error:
        place = _place(jail, _culprit(jail, str(error)))
        yield Problem(Severity.ERROR, str(error), place, spec.name, f"mend the filter {name!r}")
        return
    yield from _costs(jail, compiled)
    for number, rule in enumerate(compiled.rules, 1):
        if not is_anchored(rule.pattern):
            yield Problem(
                Severity.WARNING,
                f"failregex {number} of filter {name!r} is not anchored: what a stranger writes (a user name, a URL)"
                f" may stand before the address and blame another: {rule.text!r}",
                _place(jail, rule.text),
                remedy="begin it with ^ and the service's own words",
            )


def _costs(jail: JailView, compiled: CompiledFilter) -> Iterator[Problem]:
    name = jail.spec.filter.name
    if not all(search.patterns for search in compiled.searches):
        text = f"filter {name!r} reads {compiled.encoding}, so that each of its expressions {_COST}"
        place = jail.place("logencoding")
        yield Problem(Severity.WARNING, text, place, remedy="where the log is plain ASCII, do without")
        return
    for number, search in enumerate(compiled.searches):
        if find_clue(search) is None:
            text = jail.spec.filter.failregex[number]
            yield Problem(
                Severity.WARNING,
                f"failregex {number + 1} of filter {name!r} holds no text that a line must contain, so that it {_COST}:"
                f" {text!r}",
                _place(jail, text),
                remedy="let it contain a word that such lines have",
            )


def _culprit(jail: JailView, error: str) -> str:
    return next((rule for rule in jail.spec.filter.failregex if rule in error), "")


def _place(jail: JailView, rule: str) -> Origin:
    """Where an expression stands: in the jail, in the filter, or in the option that the filter puts into it."""
    option = jail.option("failregex")
    if option is not None:
        return option.at(rule)
    if jail.filter is None:
        return jail.place("enabled")
    for options in jail.filter.definition.merged.sections.values():
        for each in options.values():
            if rule and rule in each.text:
                return each.at(rule)
    return jail.filter.origin("failregex", jail.place("filter"))
