"""Jails in miniature: a few expressions, a few lines, a fixed present."""

from __future__ import annotations

import calendar
from collections.abc import Sequence

from sekisho.match.filter import compile_filter
from sekisho.match.finding import Finding
from sekisho.match.matcher import Matcher
from sekisho.model.block import Block, Phase
from sekisho.model.position import FilePosition
from sekisho.model.specs import FilterSpec, RecordSpec
from sekisho.model.verdict import Failure
from sekisho.scan.bundle import Bundle

NOON = float(calendar.timegm((2026, 7, 14, 12, 0, 0)))
"""2026-07-14 12:00 UTC."""

JAIL = "demo"


def matcher_of(
    *failregex: str,
    prefregex: str | None = None,
    ignoreregex: Sequence[str] = (),
    datepattern: Sequence[str] = (),
    maxlines: int = 1,
    usedns: str = "no",
    logtimezone: str | None = "UTC",
    logencoding: str = "utf-8",
    record: RecordSpec | None = None,
) -> Matcher:
    """A matcher of these expressions; dates without a zone are UTC."""
    spec = FilterSpec(
        JAIL,
        failregex,
        prefregex=prefregex,
        ignoreregex=tuple(ignoreregex),
        datepattern=tuple(datepattern),
        maxlines=maxlines,
        record=record,
    )
    compiled = compile_filter(spec, usedns=usedns, logtimezone=logtimezone, logencoding=logencoding, last_year=2029)
    return Matcher(compiled, jail=JAIL)


def records_of(
    *when: str, logformat: str = "json", failregex: Sequence[str] = (), usedns: str = "no", **fields: str
) -> Matcher:
    """A matcher of records by these rules; `fields` are the options `host`, `message` ... as written, a line each."""
    options = {name: tuple(text.split("\n")) for name, text in fields.items()}
    return matcher_of(*failregex, usedns=usedns, record=RecordSpec(logformat, when, **options))


def block_of(data: bytes, phase: Phase = Phase.LIVE) -> Block:
    """A block of a file."""
    return Block("/var/log/demo.log", data, FilePosition(len(data), 1, ""), phase)


def read(
    matcher: Matcher, data: bytes, *, now: float = NOON, phase: Phase = Phase.LIVE, findtime: int = 600
) -> list[Finding]:
    """What a matcher finds in the lines of a file, scanned as the daemon scans them."""
    bundle = Bundle([(JAIL, matcher.filter.searches)])
    return matcher.read(block_of(data, phase), bundle.scan(data), now=now, findtime=findtime)


def failures(findings: Sequence[Finding]) -> list[tuple[str, float]]:
    """Who failed, and how many seconds after NOON."""
    return [(each.subject.text, each.time - NOON) for each in findings if isinstance(each, Failure)]
