"""Where the lines of a fail2ban-regex come from: a file, the command line, the journal (COMPAT 7)."""

from __future__ import annotations

import locale
import re
from collections.abc import Iterator
from dataclasses import dataclass
from os.path import isfile
from pathlib import Path

from sekisho.cli.journal_lines import journal_lines
from sekisho.cli.regex_rules import Unusable, shortened
from sekisho.config.brackets import parse_brackets
from sekisho.match.filter import CompiledFilter

_MOST_SHOWN = 5  # lines of the command line
_JOURNAL = re.compile(r"systemd-journal(\[|$)")


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log to be read in blocks of bytes."""

    heading: tuple[str, ...]
    path: Path


@dataclass(frozen=True, slots=True)
class LogLines:
    """Lines that are text already, each with its time where it has one beside its text."""

    heading: tuple[str, ...]
    lines: Iterator[tuple[str, float | None]]


Log = LogFile | LogLines


def find_lines(text: str, compiled: CompiledFilter, *, encoding: str | None, journalmatch: str | None) -> Log:
    """What the command line's LOG stands for. Raises Unusable."""
    if _JOURNAL.match(text):
        return _journal(text, [journalmatch] if journalmatch else list(compiled.spec.journalmatch))
    if isfile(text):  # noqa: PTH113 - Path raises where a name is too long, as a line is
        name = encoding or locale.getpreferredencoding(do_setlocale=False)
        where = (f"Use         log file : {text}", f"Use         encoding : {name}")
        if compiled.is_ascii_like:
            return LogFile(where, Path(text))
        return LogLines(where, _decoded(Path(text), compiled.encoding))
    lines = text.split("\n")
    heading: tuple[str, ...]
    if len(lines) == 1 and compiled.maxlines == 1:
        heading = (f"Use      single line : {shortened(text)}",)
    else:
        shown = [f"| {number:2d}: {shortened(line)}" for number, line in enumerate(lines[:_MOST_SHOWN], 1)]
        more = ["| ..."] if len(lines) > _MOST_SHOWN else []
        heading = (f"Use      multi line : {len(lines)} line(s)", *shown, *more, "`-")
    return LogLines(heading, ((line, None) for line in lines))


def _journal(text: str, matches: list[str]) -> LogLines:
    try:
        _, options = parse_brackets(text)
    except ValueError as error:
        raise Unusable(f"{text}: {error}") from error
    heading = ["Use         systemd journal", "Use         encoding : UTF-8"]
    if matches:
        heading.append(f"Use    journal match : {' + '.join(matches)}")
    return LogLines(tuple(heading), iter(journal_lines(options, matches)))


def _decoded(path: Path, encoding: str) -> Iterator[tuple[str, float | None]]:
    """The lines of a log in which a newline is not one byte, or may be part of a character."""
    with path.open(encoding=encoding, errors="replace", newline="\n") as log:
        for line in log:
            yield line.rstrip("\r\n"), None
