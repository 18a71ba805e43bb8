"""Where `fail2ban-regex` takes its lines from: a file, the command line itself, or the journal (COMPAT 7)."""

from __future__ import annotations

import argparse
import locale
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sekisho.cli.journal_lines import JournalError, journal_lines
from sekisho.cli.logtext import read_blocks
from sekisho.cli.regex_trial import Trial
from sekisho.config.brackets import parse_brackets
from sekisho.match.filter import CompiledFilter

SHORT = 53
"""Characters of a line or an expression that are shown above the report."""

_MOST_SHOWN = 5  # lines of the command line
_LONGEST_PATH = 4096


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines to be tried: how the report names them, how many bytes they are (None: unknown), and how to try them.

    `tried_by` tries them one after the other, and yields the bytes of each step.
    """

    heading: tuple[str, ...]
    tried_by: Callable[[Trial], Iterator[int]]
    size: int | None = None


def find_lines(args: argparse.Namespace, compiled: CompiledFilter) -> Lines:
    """The lines that the command line names. Raises OSError, JournalError."""
    text: str = args.log
    if re.match(r"systemd-journal(\[|$)", text):
        matches = [args.journalmatch] if args.journalmatch else list(compiled.spec.journalmatch)
        try:
            return _of_journal(parse_brackets(text)[1], matches)
        except ValueError as error:
            raise JournalError(f"invalid log {text!r}: {error}") from None
    if len(text) < _LONGEST_PATH and "\n" not in text and Path(text).is_file():
        return _of_file(Path(text), compiled, args.encoding)
    return _of_argument(text)


def shortened(text: str) -> str:
    """`text` as it is shown above the report."""
    return text if len(text) <= SHORT else f"{text[: SHORT - 3]}..."


def _of_file(path: Path, compiled: CompiledFilter, encoding: str | None) -> Lines:
    def tried_by(trial: Trial) -> Iterator[int]:
        if compiled.is_ascii_like:
            with path.open("rb") as log:
                for block in read_blocks(log):
                    trial.try_block(block)
                    yield len(block)
            return
        with path.open(encoding=compiled.encoding, errors="replace", newline="\n") as text:
            for line in text:
                trial.try_line(line.rstrip("\r\n"))
                yield len(line)

    named = encoding or locale.getpreferredencoding(do_setlocale=False)
    heading = (f"Use         log file : {path}", f"Use         encoding : {named}")
    return Lines(heading, tried_by, path.stat().st_size)


def _of_journal(options: Mapping[str, str], matches: Sequence[str]) -> Lines:
    def tried_by(trial: Trial) -> Iterator[int]:
        for line, stamp in journal_lines(options, matches):
            trial.try_line(line, stamp)
            yield len(line)

    heading = ["Use         systemd journal", "Use         encoding : UTF-8"]
    if matches:
        heading.append(f"Use    journal match : {' + '.join(matches)}")
    return Lines(tuple(heading), tried_by)


def _of_argument(text: str) -> Lines:
    def tried_by(trial: Trial) -> Iterator[int]:
        for line in lines:
            trial.try_line(line)
            yield len(line)

    lines = text.split("\n")
    if len(lines) == 1:
        return Lines((f"Use      single line : {shortened(text)}",), tried_by)
    shown = [f"| {number:2d}: {shortened(line)}" for number, line in enumerate(lines[:_MOST_SHOWN], 1)]
    more = ["| ..."] if len(lines) > _MOST_SHOWN else []
    return Lines((f"Use      multi line : {len(lines)} line(s)", *shown, *more, "`-"), tried_by)
