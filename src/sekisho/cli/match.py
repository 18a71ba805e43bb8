"""Show what a filter makes of a log, line by line, without a daemon.

The verdicts are the daemon's: the same prefilter, the same order of expressions, the first that matches decides. Only
age does not matter here.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sekisho.cli.beautify import printable
from sekisho.cli.logtext import Rules, admitted_year, host_of, read_blocks, resolved
from sekisho.config.load import DIRECTORIES, ConfigError, load_filter
from sekisho.match.filter import compile_filter
from sekisho.match.finding import Hit, LineVerdict
from sekisho.match.matcher import Matcher
from sekisho.match.rule import RuleError

DONE, FAILED, MISUSED = 0, 1, 2

EXAMPLES = """\
sekisho match --filter sshd /var/log/auth.log
sekisho match --filter postfix -o mode=auth --json /var/log/mail.log
sekisho match --filter caddy --all /var/log/caddy/access.log
journalctl -u ssh -o short | sekisho match --filter ./my-sshd.conf --all -
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("log", nargs="+", metavar="LOG", help="a log file; - is standard input")
    parser.add_argument("--filter", required=True, metavar="NAME|PATH", help="a filter's name, or its file")
    parser.add_argument(
        "-o", dest="options", action="append", default=[], metavar="KEY=VALUE", help="an argument of the filter"
    )
    parser.add_argument("-c", "--config", metavar="DIR", help="configuration directory")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--all", action="store_true", help="show lines that match nothing, too; of records, why")
    parser.add_argument("--tz", metavar="TZ", help="time zone of dates that name none (as in the variable TZ)")
    parser.add_argument("--now", type=float, metavar="EPOCH", help="the present, for dates without a year")
    parser.add_argument(
        "--dns", choices=("yes", "warn", "no", "raw"), default="raw", help="what to make of host names [raw]"
    )
    parser.add_argument("--journal", action="store_true", help="lines as the journal hands them over: without a date")


def run(args: argparse.Namespace) -> int:
    """Print the verdicts; the exit status."""
    options = dict(word.partition("=")[::2] for word in args.options)
    if any("=" not in word for word in args.options):
        return _complain("an option is written -o KEY=VALUE", MISUSED)
    if args.tz:
        os.environ["TZ"] = args.tz
        time.tzset()
    now = time.time() if args.now is None else args.now
    directory = Path(args.config) if args.config else next((path for path in DIRECTORIES if path.is_dir()), None)
    try:
        spec = load_filter(directory, args.filter, options, journal=args.journal)
        rules = Rules(compile_filter(spec, usedns=args.dns, last_year=admitted_year(now, time.time())))
    except (ConfigError, RuleError) as error:
        return _complain(str(error), FAILED)
    show = _JsonLines(several=len(args.log) > 1) if args.json else _People(several=len(args.log) > 1)
    for name in args.log:
        try:
            with _open(name) as log:
                for line in _judge(rules, log, now=now, journal=args.journal):
                    if args.all or line.verdict.hits or line.verdict.ignored:
                        show.line(name, line)
                    show.count(line)
        except OSError as error:
            return _complain(f"cannot read {name}: {error.strerror}", FAILED)
    show.end()
    return DONE


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    verdict: LineVerdict
    why: tuple[str, ...] = ()


def _judge(rules: Rules, log: BinaryIO, *, now: float, journal: bool) -> Iterator[_Line]:
    number = 0
    for block in read_blocks(log):
        for text, mask in rules.lines_of(block):
            number += 1
            verdict = rules.matcher.examine(text, now=now, stamp=now if journal else None, mask=mask)
            why = () if verdict.hits else _why(rules.matcher, text, verdict, now=now, stamp=now if journal else None)
            yield _Line(number, text, resolved(verdict), why)


def _why(matcher: Matcher, text: str, verdict: LineVerdict, *, now: float, stamp: float | None) -> tuple[str, ...]:
    """Why a line is no failure, where that can be told: of a record, and of a try that has been told."""
    if verdict.retells:
        return ("lines before have told of this try",)
    return () if matcher.records is None else matcher.records.explain(text, now=now, stamp=stamp).reasons


class _JsonLines:
    """One object a line; with several logs each says which."""

    def __init__(self, *, several: bool) -> None:
        self._several = several

    def line(self, name: str, line: _Line) -> None:
        record: dict[str, Any] = {"log": name} if self._several else {}
        record |= {
            "lineno": line.number,
            "matched": line.verdict.matched,
            "ignored": line.verdict.ignored,
            "hits": [
                {"regex": hit.regex, "host": host_of(hit), "time": hit.time, "nofail": hit.nofail}
                for hit in line.verdict.hits
            ],
        }
        if line.why:
            record["why"] = line.why
        sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")

    def count(self, line: _Line) -> None:
        """Nothing is summed up for programs."""

    def end(self) -> None:
        """Nor is there an end."""


class _People:
    """A line a verdict, and a summary."""

    def __init__(self, *, several: bool) -> None:
        self._several = several
        self._kinds: Counter[str] = Counter()
        self._hosts: Counter[str] = Counter()

    def line(self, name: str, line: _Line) -> None:
        where = f"{name}:{line.number}" if self._several else str(line.number)
        verdict = line.verdict
        if not verdict.hits:
            print(f"{where:>6}  {'ignored' if verdict.ignored else 'no match'}  {printable(line.text)}")
        for why in line.why:
            print(f"{'':>6}  - {printable(why)}")
        for hit in verdict.hits:
            print(f"{where:>6}  {_told(hit)}  {printable(line.text)}")

    def count(self, line: _Line) -> None:
        verdict = line.verdict
        self._kinds["matched" if verdict.matched else "ignored" if verdict.ignored else "missed"] += 1
        self._hosts.update(host_of(hit) or "?" for hit in verdict.hits if hit.counts)

    def end(self) -> None:
        kinds = self._kinds
        print(
            f"{kinds.total()} lines: {kinds['matched']} matched, {kinds['ignored']} ignored, {kinds['missed']} missed"
        )
        for host, count in self._hosts.most_common(10):
            print(f"{count:>8}  {printable(host)}")


def _told(hit: Hit) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(hit.time)) if hit.time is not None else "no date"
    kind = "context" if hit.nofail else "failure"
    return f"{kind} of {host_of(hit) or 'nobody known yet'} at {when} by expression {hit.regex + 1}"


def _open(name: str) -> BinaryIO:
    return sys.stdin.buffer if name == "-" else Path(name).open("rb")


def _complain(text: str, status: int) -> int:
    print(f"sekisho match: {text}", file=sys.stderr)
    return status
