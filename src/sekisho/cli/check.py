"""Check the configuration: every mistake with file, line and how to mend it.

Loads the whole tree as the daemon would, compiles every filter, and changes nothing. Warnings are things that work, but
probably not as meant; they do not make the command fail.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from sekisho.cli.beautify import printable
from sekisho.config.load import ConfigError, find_directory, load
from sekisho.match.filter import compile_filter
from sekisho.match.rule import RuleError
from sekisho.model.problem import Problem, Severity
from sekisho.model.specs import Configuration, JailSpec
from sekisho.scan.literals import find_clue

EXAMPLES = """\
sekisho check                     the tree that the daemon would read
sekisho check -c ./etc            another one
sekisho check --json              one JSON document, for a program
"""

_FINE, _MISTAKEN, _MISUSED = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("-c", "--config", metavar="DIR", help="the configuration [/etc/sekisho, else /etc/fail2ban]")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(args: argparse.Namespace) -> int:
    """Print every problem and how many jails can run; 1 when something does not work as written."""
    try:
        directory = find_directory(args.config)
    except ConfigError as error:
        print(f"sekisho check: {printable(str(error))}", file=sys.stderr)
        return _MISUSED
    configuration = load(directory)
    problems = list(configuration.problems)
    failed = list(configuration.failed)
    for jail in configuration.jails:
        found = list(_compiled(jail))
        problems += found
        if any(problem.severity is Severity.ERROR for problem in found):
            failed.append(jail.name)
    if args.json:
        print(json.dumps(_document(configuration, problems, failed), indent=2))
    else:
        for problem in problems:
            print(_line(problem))
        print(_summary(configuration, problems, failed))
    return _MISTAKEN if any(problem.severity is Severity.ERROR for problem in problems) else _FINE


def _compiled(jail: JailSpec) -> Iterator[Problem]:
    """What only compiling shows: expressions that fail, and those that must be tried on every line."""
    setting = jail.settings.get("failregex") or jail.settings.get("enabled")
    origin = setting.origin if setting else None
    try:
        compiled = compile_filter(
            jail.filter, usedns=jail.usedns, logtimezone=jail.logtimezone, logencoding=jail.logencoding
        )
    except RuleError as error:
        yield Problem(Severity.ERROR, str(error), origin, jail.name, f"mend the filter {jail.filter.name!r}")
        return
    if not all(search.patterns for search in compiled.searches):
        why = "joins lines (maxlines)" if compiled.maxlines > 1 else f"reads {compiled.encoding}"
        text = f"filter {jail.filter.name!r} {why}, so that each of its expressions is tried on every line"
        yield Problem(Severity.WARNING, text, origin, jail.name)
        return
    for number, search in enumerate(compiled.searches):
        if find_clue(search) is None:
            yield Problem(
                Severity.WARNING,
                f"failregex {number + 1} of filter {jail.filter.name!r} holds no text that a line must contain, so that"
                f" it is tried on every line: {jail.filter.failregex[number]!r}",
                origin,
                jail.name,
                "let it contain a word that such lines have",
            )


def _line(problem: Problem) -> str:
    return f"{problem.severity.value + ':':<9}{printable(str(problem)).replace(chr(10), ' ')}"


def _summary(configuration: Configuration, problems: list[Problem], failed: list[str]) -> str:
    if configuration.broken:
        return "The configuration cannot be used: mend the errors above; a running daemon keeps what it has."
    ready = [jail.name for jail in configuration.jails if jail.name not in failed]
    parts = [_jails(ready, "ready"), *([_jails(failed, "in error")] if failed else [])]
    warnings = sum(problem.severity is Severity.WARNING for problem in problems)
    return "; ".join(parts) + (f"; {warnings} {'warning' if warnings == 1 else 'warnings'}" if warnings else "")


def _jails(names: list[str], state: str) -> str:
    if not names:
        return f"No jail is {state}"
    noun = "jail" if len(names) == 1 else "jails"
    return f"{len(names)} {noun} {state}: {', '.join(names)}"


def _document(configuration: Configuration, problems: list[Problem], failed: list[str]) -> dict[str, Any]:
    return {
        "broken": configuration.broken,
        "ready": [jail.name for jail in configuration.jails if jail.name not in failed],
        "failed": failed,
        "problems": [
            {
                "severity": problem.severity.value,
                "file": problem.origin.file if problem.origin else None,
                "line": (problem.origin.line or None) if problem.origin else None,
                "jail": problem.jail,
                "text": problem.text,
                "remedy": problem.remedy,
            }
            for problem in problems
        ],
    }
