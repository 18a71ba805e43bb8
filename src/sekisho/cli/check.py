"""Check the configuration: every mistake with file, line and how to mend it.

Loads the whole tree as the daemon would, compiles every filter, looks for what is surely not as meant, and changes
nothing. Warnings are things that work, but probably not as meant; they do not make the command fail. -v shows what is
in order too.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sekisho.cli.beautify import printable
from sekisho.cli.tables import paint, print_json
from sekisho.config.advice.advise import Host, advise
from sekisho.config.advice.files import replaced
from sekisho.config.advice.system import told_system
from sekisho.config.load import ConfigError, find_directory
from sekisho.config.survey import JailView, Survey, survey
from sekisho.model.problem import Problem, Severity
from sekisho.model.specs import PERMANENT, JailSpec

EXAMPLES = """\
sekisho check                     the tree that the daemon would read
sekisho check -v                  what is in order, too: sources, rules, actions, limits of each jail
sekisho check -c ./etc            another one
sekisho check --json              one JSON document, for a program
"""

_FINE, _MISTAKEN, _MISUSED = 0, 1, 2
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where a service of systemd's finds its programs, whatever the PATH of whoever checks."""
_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("-c", "--config", metavar="DIR", help="the configuration [/etc/sekisho, else /etc/fail2ban]")
    parser.add_argument("-v", "--verbose", action="store_true", help="also show what is in order, jail by jail")
    parser.add_argument("--json", action="store_true", help="one JSON document")


@dataclass(frozen=True, slots=True)
class _Report:
    """What was found: the tree, all problems, and the jails that will run and that will not."""

    tree: Survey
    problems: tuple[Problem, ...]
    ready: tuple[str, ...]
    failed: tuple[str, ...]


def run(args: argparse.Namespace) -> int:
    """Print every problem and how many jails can run; 1 when something does not work as written."""
    try:
        directory = find_directory(args.config)
    except ConfigError as error:
        print(f"sekisho check: {printable(str(error))}", file=sys.stderr)
        return _MISUSED
    report = _examine(survey(directory))
    if args.json:
        print_json(_document(report, verbose=args.verbose))
    else:
        _print(report, verbose=args.verbose)
    return _MISTAKEN if any(problem.severity is Severity.ERROR for problem in report.problems) else _FINE


def _examine(tree: Survey) -> _Report:
    advice = advise(tree, Host(port=_port, has=_has))
    ill = {problem.jail for problem in advice if problem.severity is Severity.ERROR}
    names = [jail.spec.name for jail in tree.jails]
    return _Report(
        tree,
        (*tree.configuration.problems, *advice),
        tuple(name for name in names if name not in ill),
        (*tree.configuration.failed, *(name for name in names if name in ill)),
    )


def _port(name: str, _protocol: str) -> int | None:
    """The port that this system knows by a name, in any protocol."""
    try:
        return socket.getservbyname(name)
    except (OSError, UnicodeError, ValueError):
        return None


def _has(program: str) -> bool:
    return shutil.which(program) is not None or shutil.which(program, path=_PATH) is not None


def _print(report: _Report, *, verbose: bool) -> None:
    for problem in report.problems:
        severity = paint(f"{problem.severity.value + ':':<9}", _COLOURS[problem.severity])
        print(severity + printable(str(problem)).replace("\n", " "))
    if verbose:
        for remark in _notes(report.tree):
            print(f"{'note:':<9}{printable(remark)}")
        for jail in report.tree.jails:
            if jail.spec.name in report.ready:
                print(paint(printable(jail.spec.name), "bold"))
                for name, text in _facts(jail).items():
                    print(f"  {name:<10}{printable(text)}")
    print(_summary(report))


def _notes(tree: Survey) -> list[str]:
    """What is good to know of the tree: whose log paths are in effect, and what stands instead of the stock."""
    return [told_system(tree), *replaced(tree)]


def _facts(jail: JailView) -> Mapping[str, str]:
    """What a jail does, in words: a line each."""
    spec = jail.spec
    rules = len(spec.filter.rules)
    arguments = ", ".join(f"{name}={text}" for name, text in (jail.filter.arguments if jail.filter else {}).items())
    given = f"[{arguments}]" if arguments else ""
    ignores = f", {len(spec.filter.ignoreregex)} to ignore" if spec.filter.ignoreregex else ""
    return {
        "reads": _sources(spec),
        "filter": f"{spec.filter.name}{given}: {rules} rule{'s'[: rules != 1]}{ignores}",
        "bans": f"{spec.maxretry} failures within {_length(spec.findtime)}: for {_length(spec.bantime)}",
        "actions": ", ".join(f"{action.actname} ({action.native or 'commands'})" for action in spec.actions) or "none",
        "ignores": " ".join((*(["this host"] if spec.ignoreself else []), *spec.ignoreip)) or "nobody",
    }


def _sources(spec: JailSpec) -> str:
    if spec.backend.is_journal:
        return f"the journal: {' + '.join(spec.journalmatch) or 'every entry'}"
    return ", ".join(log.pattern for log in spec.logpaths) or "nothing"


def _length(seconds: float) -> str:
    return "ever" if seconds == PERMANENT else f"{seconds} s"


def _summary(report: _Report) -> str:
    if report.tree.configuration.broken:
        return "The configuration cannot be used: mend the errors above; a running daemon keeps what it has."
    parts = [_jails(report.ready, "ready"), *([_jails(report.failed, "in error")] if report.failed else [])]
    warnings = sum(problem.severity is Severity.WARNING for problem in report.problems)
    return "; ".join(parts) + (f"; {warnings} {'warning' if warnings == 1 else 'warnings'}" if warnings else "")


def _jails(names: Iterable[str], state: str) -> str:
    found = tuple(names)
    if not found:
        return f"No jail is {state}"
    noun = "jail" if len(found) == 1 else "jails"
    return f"{len(found)} {noun} {state}: {', '.join(found)}"


def _document(report: _Report, *, verbose: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "broken": report.tree.configuration.broken,
        "ready": list(report.ready),
        "failed": list(report.failed),
        "problems": [problem.document() for problem in report.problems],
    }
    if verbose:
        document["notes"] = _notes(report.tree)
        document["jails"] = {jail.spec.name: _facts(jail) for jail in report.tree.jails}
    return document
