"""What the expressions of a filter cost, and whom they can be made to blame. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sekisho.config.survey import JailView
from sekisho.match.anchor import is_anchored
from sekisho.match.filter import CompiledFilter, compile_filter
from sekisho.match.rule import IDENTIFIERS, RuleError
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
    yield from _loose_conditions(jail, compiled)
    for number, rule in enumerate(compiled.rules, 1):
        if not is_anchored(rule.pattern):
            yield Problem(
                Severity.WARNING,
                f"failregex {number} of filter {name!r} is not anchored: what a stranger writes (a user name, a URL)"
                f" may stand before the address and blame another: {rule.text!r}",
                _place(jail, rule.text),
                remedy="begin it with ^ and the service's own words",
            )


def _loose_conditions(jail: JailView, compiled: CompiledFilter) -> Iterator[Problem]:
    """Yield expressions within a field that take whom they blame from anywhere in it."""
    for number, when in enumerate(compiled.record.whens if compiled.record is not None else (), 1):
        for rule in (each.rule for each in when.conditions if each.rule is not None):
            if not rule.groups.isdisjoint(IDENTIFIERS) and not is_anchored(rule.pattern):
                yield Problem(
                    Severity.WARNING,
                    f"rule {number} of `when` takes the address from an expression that is not anchored: what a"
                    f" stranger writes may stand before it and blame another: {rule.text!r}",
                    _place(jail, when.text, "when"),
                    remedy="begin it with ^ and the service's own words, or set `host` to a field that has it alone",
                )


def _costs(jail: JailView, compiled: CompiledFilter) -> Iterator[Problem]:
    name = jail.spec.filter.name
    if not compiled.is_ascii_like:
        text = f"filter {name!r} reads {compiled.encoding}, so that each of its expressions {_COST}"
        place = jail.place("logencoding")
        yield Problem(Severity.WARNING, text, place, remedy="where the log is plain ASCII, do without")
        return
    for number, search in enumerate(compiled.searches):
        if find_clue(search) is None:
            text = compiled.numbered[number].text
            is_regex = number < len(compiled.rules)
            option, rule = ("failregex", number + 1) if is_regex else ("when", number + 1 - len(compiled.rules))
            yield Problem(
                Severity.WARNING,
                f"{option} {rule} of filter {name!r} holds no text that a line must contain, so that it {_COST}:"
                f" {text!r}",
                _place(jail, text, option),
                remedy="let it contain a word that such lines have" if is_regex else "let a rare `=` stand in it first",
            )


def _culprit(jail: JailView, error: str) -> str:
    return next((rule for rule in jail.spec.filter.failregex if rule in error), "")


def _place(jail: JailView, rule: str, name: str = "failregex") -> Origin:
    """Where an expression stands: in the jail, in the filter, or in the option that the filter puts into it."""
    option = jail.option(name)
    if option is not None:
        return option.at(rule)
    if jail.filter is None:
        return jail.place("enabled")
    for options in jail.filter.definition.merged.sections.values():
        for each in options.values():
            if rule and rule in each.text:
                return each.at(rule)
    return jail.filter.origin(name, jail.place("filter"))
