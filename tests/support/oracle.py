"""A real Fail2ban as an oracle: what it says about a log, and what Sekisho says about the same log.

`shared/corpus/oracle.py`, beside the checkout, imports the installed Fail2ban; it starts no daemon. Our answers are
those of `sekisho match --json`, run in this process, prefilter included; for bans, those of the matcher and the judge.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sekisho.cli import match
from sekisho.cli.logtext import admitted_year
from sekisho.config.load import load_filter
from sekisho.judge.judge import Judge
from sekisho.judge.standing import Standing
from sekisho.match.filter import compile_filter
from sekisho.match.matcher import Matcher
from sekisho.model.block import Block, Phase
from sekisho.model.position import FilePosition
from sekisho.model.specs import JailSpec
from sekisho.model.verdict import AlreadyBanned, Ban, Counted, Failure
from sekisho.scan.bundle import Bundle

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
ORACLE = CORPUS / "oracle.py"
DEBIAN = Path("/etc/fail2ban")
_EVER = 10**10


class Verdict(NamedTuple):
    """What a line means; `matched` is None where the oracle gave up. A hit: regex, host, time, nofail."""

    lineno: int
    matched: bool | None
    ignored: bool
    hits: tuple[tuple[int, str | None, float | None, bool], ...]


class Event(NamedTuple):
    """A subject that reached maxretry: who, when, by which line, after how many attempts, on what evidence."""

    kind: str
    subject: str
    time: float
    attempts: int
    retry: int
    matches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A log and how to read it. `filter` is a name of Debian's tree or a file; `extra` are words for both sides.

    `encoding` is heeded for bans only.
    """

    filter: str
    log: Path
    now: float
    options: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    journal: bool = False
    encoding: str = "utf-8"
    extra: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """The words that both programs understand."""
        words = ["--filter", self.filter, "--now", str(self.now), "--tz", self.zone, *self.extra]
        return [*words, "--journal"] if self.journal else words


def their_verdicts(question: Question) -> list[Verdict]:
    """One verdict a line."""
    return [_verdict(record) for record in _ask("log", question, "--first")]


def our_verdicts(question: Question) -> list[Verdict]:
    """One verdict a line."""
    parser = argparse.ArgumentParser()
    match.add_arguments(parser)
    options = [word for name, value in question.options.items() for word in ("-o", f"{name}={value}")]
    words = [*question.words(), *options, "-c", str(DEBIAN), "--json", "--all", str(question.log)]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), _zone_kept():
        assert match.run(parser.parse_args(words)) == match.DONE
    return [_verdict(json.loads(line)) for line in printed.getvalue().splitlines()]


def their_bans(question: Question, *, maxretry: int, findtime: int, bantime: int) -> list[Event]:
    """Who was banned, in order, by a clock that follows the log."""
    numbers = (
        "--encoding",
        question.encoding,
        "--maxretry",
        str(maxretry),
        "--findtime",
        str(findtime),
        "--bantime",
        str(bantime),
    )
    return [
        Event(
            each["event"],
            each["fid"],
            each["time"],
            each["attempts"],
            each["retry"],
            tuple(map(_text, each["matches"])),
        )
        for each in _ask("bans", question, *numbers)
    ]


def our_bans(question: Question, *, maxretry: int, findtime: int, bantime: int) -> list[Event]:
    """The same by the daemon's own rooms. Like the oracle, and unlike the daemon, no ban is prolonged by another."""
    with _zone(question.zone):
        spec = load_filter(DEBIAN, question.filter, question.options, journal=False)
        compiled = compile_filter(
            spec, usedns="raw", logencoding=question.encoding, last_year=admitted_year(question.now)
        )
        jail = JailSpec("j", spec, maxretry=maxretry, maxmatches=maxretry, findtime=findtime, bantime=bantime)
        data = question.log.read_bytes()
        block = Block(str(question.log), data, FilePosition(len(data), 1, ""), Phase.CATCHUP)
        candidates = Bundle([("j", compiled.searches)]).scan(data)
        found = Matcher(compiled, jail="j").read(block, candidates, now=question.now, findtime=_EVER)
    judge, standing, events = Judge(jail), Standing(), []
    for failure in (each for each in found if isinstance(each, Failure)):
        standing.take_due(failure.time)
        judge.expire(failure.time)
        counted, *follows = judge.decide(failure, now=failure.time, standing=standing.get(failure.subject))
        assert isinstance(counted, Counted)
        for verdict in follows:
            assert isinstance(verdict, Ban | AlreadyBanned)
            ban = verdict if isinstance(verdict, Ban) else verdict.ban
            kind = "Ban" if isinstance(verdict, Ban) else "already banned"
            if isinstance(verdict, Ban):
                standing.put(verdict)
            events.append(Event(kind, ban.subject.text, ban.time, ban.failures, counted.retry, ban.matches))
    return events


def unlike(question: Question) -> list[str]:
    """The lines that the two judge differently, each with both verdicts."""
    ours, theirs = our_verdicts(question), their_verdicts(question)
    assert len(ours) == len(theirs)
    assert ours, "a log without lines proves nothing"
    lines = question.log.read_bytes().split(b"\n")
    return [
        f"{lines[mine.lineno - 1]!r}: ours {mine}, theirs {other}"
        for mine, other in zip(ours, theirs, strict=True)
        if mine != other
    ]


def _ask(mode: str, question: Question, *words: str) -> Iterator[dict[str, Any]]:
    more = ["--log", str(question.log), "--options", json.dumps(dict(question.options)), "--config", str(DEBIAN)]
    argv = ["/usr/bin/python3", str(ORACLE), mode, *question.words(), *more, *words]
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr.strip().rpartition("\n")[2]  # the last line alone: no source of others
    return (json.loads(line) for line in told.stdout.split("\n") if line)


def _verdict(record: dict[str, Any]) -> Verdict:
    hits = tuple(
        (hit["regex"], hit["host"], hit["time"], hit["nofail"])
        for hit in record.get("hits", ())
        if not hit.get("pending", False)
    )
    return Verdict(record["lineno"], record["matched"], record.get("ignored", False), hits)


def _text(match: object) -> str:
    return "".join(map(str, match)) if isinstance(match, list) else str(match)


@contextlib.contextmanager
def _zone_kept() -> Iterator[None]:
    before = os.environ.get("TZ")
    try:
        yield
    finally:
        os.environ.pop("TZ", None)
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


@contextlib.contextmanager
def _zone(name: str) -> Iterator[None]:
    with _zone_kept():
        os.environ["TZ"] = name
        time.tzset()
        yield
