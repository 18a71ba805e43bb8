"""Both engines on the same past log: whom each finds to have failed, when, and by which line.

Fail2ban is asked by its own `fail2ban-regex`, which prints a failure as its identifier, its time and the line; we print
the same of ours, and what one has and the other has not is a difference. Each reads the log by the jail's filter with
the jail's arguments and options; the first expression that matches decides, as in a daemon.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sekisho.cli.adopt_fail2ban import NoFail2ban, find_program
from sekisho.cli.logtext import Rules, admitted_year, host_of, read_blocks, resolved
from sekisho.config.errors import ConfigError
from sekisho.config.files import matches
from sekisho.config.survey import JailView, survey
from sekisho.match.filter import compile_filter
from sekisho.match.finding import Hit
from sekisho.match.rule import RuleError

_FORM = "<fid>\t<time>\t<msg>"
_NOW = 0.0  # stands for the time of a line without a date
_OPTIONS = {"datepattern": "-d", "maxlines": "-L", "logencoding": "-e", "logtimezone": "--TZ"}
_WORTH_TELLING = 1 << 20  # bytes of a log that Fail2ban takes some seconds for


class Verdict(NamedTuple):
    """A failure: whose, when (seconds since the epoch), and a line that proves it."""

    subject: str
    time: float
    text: str


@dataclass(frozen=True, slots=True)
class ShadowDifference:
    """A line that the two judge differently; `line` is its number, None where it is in the log no more as it was."""

    line: int | None
    theirs: str
    ours: str
    text: str


@dataclass(frozen=True, slots=True)
class Shadow:
    """What came of one log and one jail; `trouble` is why nothing did."""

    log: str
    jail: str
    lines: int = 0
    theirs: int = 0
    ours: int = 0
    differences: tuple[ShadowDifference, ...] = ()
    trouble: str = ""


def run_shadow(directory: Path, logs: Sequence[str], *, jail: str | None) -> list[Shadow]:
    """Compare the verdicts on each log by each enabled jail that reads it, or by the one named."""
    if not logs:
        return []
    views = survey(directory).jails
    found: list[Shadow] = []
    for log in logs:
        readers = [view for view in views if (_reads(view, log) if jail is None else view.spec.name == jail)]
        if not readers:
            why = "no enabled jail reads it; name one with --jail" if jail is None else "no such jail is enabled"
            found.append(Shadow(log, jail or "", trouble=why))
        found += [_shadow(directory, log, view) for view in readers]
    return found


def _reads(view: JailView, log: str) -> bool:
    path = str(Path(log).absolute())
    return any(path == each.pattern or path in matches(each.pattern) for each in view.spec.logpaths)


def _shadow(directory: Path, log: str, view: JailView) -> Shadow:
    name, path = view.spec.name, Path(log)
    try:
        if path.stat().st_size > _WORTH_TELLING and sys.stderr.isatty():
            print(f"{log} by {name}: Fail2ban reads it, which takes its time", file=sys.stderr)
        theirs = list(_theirs(directory, path, view))
        ours, numbers = _ours(path, view)
    except (NoFail2ban, ConfigError, RuleError) as error:
        return Shadow(log, name, trouble=str(error))
    except OSError as error:
        return Shadow(log, name, trouble=f"cannot be read: {error.strerror}")
    lines = sum(map(len, numbers.values()))
    return Shadow(log, name, lines, len(theirs), len(ours), tuple(compare_verdicts(theirs, ours, numbers)))


def _theirs(directory: Path, log: Path, view: JailView) -> Iterator[Verdict]:
    if view.filter is None:
        raise NoFail2ban("the jail has no filter of its own, and Fail2ban's program cannot be asked")
    words = [str(find_program("fail2ban-regex")), "-c", str(directory), "--no-check-all", "-o", _FORM]
    words += ["--usedns", view.spec.usedns]
    for option, flag in _OPTIONS.items():
        if (text := view.text(option)) and text != "auto":
            words += [flag, text]
    began = time.time()
    with tempfile.TemporaryFile() as printed:
        done = subprocess.run(
            [*words, str(log), _definition(view)], stdout=printed, stderr=subprocess.PIPE, check=False
        )
        if done.returncode:
            last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise NoFail2ban(f"Fail2ban's own program failed: {last or done.returncode}")
        printed.seek(0)
        for raw in printed:
            subject, stamp, text = (*raw.decode("utf-8", "replace").rstrip("\n").split("\t", 2), "", "")[:3]
            try:
                seconds = float(stamp)
            except ValueError:
                continue
            yield Verdict(subject, _NOW if began <= seconds <= time.time() else seconds, text)


def _definition(view: JailView) -> str:
    """Return the jail's filter as its `filter` option has it: a name with its arguments."""
    assert view.filter is not None
    given = ", ".join(f"{name}={_quoted(text)}" for name, text in view.filter.arguments.items())
    return f"{view.filter.name}[{given}]" if given else view.filter.name


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'


def _ours(log: Path, view: JailView) -> tuple[list[Verdict], Mapping[str, list[int]]]:
    """Return our verdicts, and the numbers of the lines by their text."""
    now, spec = time.time(), view.spec
    rules = Rules(
        compile_filter(
            spec.filter,
            usedns=spec.usedns,
            logtimezone=spec.logtimezone,
            logencoding=spec.logencoding,
            last_year=admitted_year(now),
        )
    )
    verdicts: list[Verdict] = []
    numbers: dict[str, list[int]] = defaultdict(list)
    number = 0
    with log.open("rb") as file:
        for block in read_blocks(file):
            for text, mask in rules.lines_of(block):
                number += 1
                numbers[text].append(number)
                if not text.strip() or text.startswith("#"):  # which fail2ban-regex skips (COMPAT 7)
                    continue
                for hit in resolved(rules.matcher.examine(text, now=now, mask=mask)).hits:
                    if hit.counts:
                        verdicts += _verdicts(hit, text)
    return verdicts, numbers


def _verdicts(hit: Hit, text: str) -> Iterator[Verdict]:
    subject = hit.subject.text if hit.subject is not None else host_of(hit) or ""
    for line in hit.matches or (text,):
        yield Verdict(subject, _NOW if hit.time is None else hit.time, line)


def compare_verdicts(
    theirs: Sequence[Verdict], ours: Sequence[Verdict], numbers: Mapping[str, Sequence[int]]
) -> Iterator[ShadowDifference]:
    """Yield what one side has and the other has not, a line at a time and in the order of the lines."""
    left, right = Counter(theirs), Counter(ours)
    unlike: dict[str, tuple[list[Verdict], list[Verdict]]] = defaultdict(lambda: ([], []))
    for verdict in (left - right).elements():
        unlike[verdict.text][0].append(verdict)
    for verdict in (right - left).elements():
        unlike[verdict.text][1].append(verdict)
    found = [
        ShadowDifference(next(iter(numbers.get(text, ())), None), _told(mine), _told(other), text)
        for text, (mine, other) in unlike.items()
    ]
    yield from sorted(found, key=lambda each: each.line or 0)


def _told(verdicts: Sequence[Verdict]) -> str:
    return "; ".join(f"{each.subject} at {_moment(each.time)}" for each in verdicts) or "nobody"


def _moment(stamp: float) -> str:
    return "no time" if stamp == _NOW else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(stamp))
