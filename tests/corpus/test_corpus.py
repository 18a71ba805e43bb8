"""Every sample of the corpus is judged as it says, by the stock filters.

A sample is one JSON object a line: `filter` and its `options`, the `line`, what to `expect` (only the keys under
`assert` are checked), whether it is a `journal` entry's line, and in `desc` what it is there to show. Samples with the
same options are one log, in file order: sessions and remembered dates carry over. Lines without a year are read on
14 August 2005, in central Europe. A line that matches must match exactly one expression that counts.

SEKISHO_SAMPLES names a directory with more such files.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from sekisho.cli.logtext import Rules
from sekisho.config.files import STOCK
from sekisho.config.load import load_filter
from sekisho.match.filter import compile_filter
from sekisho.match.finding import Hit, LineVerdict

ZONE = "CET-01CEST-02,M3.5.0,M10.5.0"
NOW = 1124013600.0
LAST_YEAR = 2039


Sample = dict[str, Any]


def logs() -> Iterator[tuple[str, list[Sample]]]:
    """All samples of filters that are in stock, as logs: those of one file and one set of options, in order."""
    directories = [Path(__file__).parent]
    if more := os.environ.get("SEKISHO_SAMPLES"):
        directories.append(Path(more))
    for path in sorted(path for directory in directories for path in directory.glob("*.jsonl")):
        samples = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if (STOCK / "filter.d" / f"{samples[0]['filter']}.conf").exists():
            for options, log in groupby(sorted(samples, key=options_of), options_of):  # sorted() keeps a log's order
                yield f"{path.stem} in {path.parent.name}: {options}", list(log)


def options_of(sample: Sample) -> str:
    """A name for the sample's options."""
    return " ".join(f"{key}={text}" for key, text in sorted(sample["options"].items())) or "as it is"


LOGS = dict(logs())


@pytest.fixture(autouse=True)
def central_europe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the process into the samples' time zone."""
    monkeypatch.setenv("TZ", ZONE)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def stock_rules(sample: Sample) -> Rules:
    """The stock filter that a sample names, with its options."""
    spec = load_filter(None, sample["filter"], sample["options"], journal=sample["journal"])
    return Rules(compile_filter(spec, usedns="raw", last_year=LAST_YEAR))


def stamp_of(sample: Sample) -> float | None:
    """When the journal says it happened; None: the line tells."""
    return NOW if sample["journal"] else None


def difference(sample: Sample, verdict: LineVerdict) -> str | None:
    """What a verdict has that its sample does not expect; None: nothing."""
    expect = sample["expect"]
    hits = [hit for hit in verdict.hits if hit.counts]
    if len(hits) != int(expect["match"]):
        return f"{len(hits)} failures by the expressions {[hit.regex for hit in hits]}"
    for key in expect["assert"] if hits else ():
        if key != "match" and (found := told(hits[0], key)) != wanted(expect, key):
            return f"{key} is {found!r} instead of {wanted(expect, key)!r}"
    return None


def told(hit: Hit, key: str) -> object:
    """What a hit says of a sample's key."""
    match key:
        case "time":
            return hit.time
        case "host":
            who = hit.address or hit.subject
            return who.text if who else hit.hostname
        case "attempts":
            return len(hit.matches)
        case "users":
            return set(hit.captured.get("users", ()))
        case _:
            return hit.captured.get(key)


def wanted(expect: dict[str, Any], key: str) -> object:
    """What a sample says of its key."""
    match key:
        case "time":
            return expect["epoch"]
        case "users":
            return set(expect["users"])
        case _:
            return expect[key]


@pytest.mark.parametrize("name", LOGS)
def test_samples_are_judged_as_they_say(name: str) -> None:
    """Each line of the log gets the verdict, the address, the time and the fields that its sample expects."""
    matcher = stock_rules(LOGS[name][0]).matcher
    wrong = []
    for sample in LOGS[name]:
        verdict = matcher.examine(sample["line"], now=NOW, stamp=stamp_of(sample), check_all=True)
        if why := difference(sample, verdict):
            wrong.append(f"{why}: {sample['line']}")
    assert wrong == []


@pytest.mark.parametrize("name", LOGS)
def test_samples_are_judged_so_when_scanned(name: str) -> None:
    """The daemon's way, where a scanner chooses the lines and rules and the first match decides, changes nothing."""
    rules = stock_rules(LOGS[name][0])
    log = "".join(f"{sample['line']}\n" for sample in LOGS[name])
    wrong = []
    for sample, (line, mask) in zip(LOGS[name], rules.lines_of(log.encode()), strict=True):
        verdict = rules.matcher.examine(line, now=NOW, stamp=stamp_of(sample), mask=mask)
        if why := difference(sample, verdict):
            wrong.append(f"{why}: {sample['line']}")
    assert wrong == []
