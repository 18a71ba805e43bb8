"""A line costs no more than its length: no expression's work grows faster than what a stranger types.

Each expression of each filter in each of its modes, and each form of date, is tried with texts made of itself
(`support/pumps`). Four times the text may take some four times the work; squared work takes sixteen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.corpus.test_corpus import LAST_YEAR
from tests.support.cost import cpu_seconds, outgrows
from tests.support.pumps import Pump, pumps_of

from sekisho.config.files import STOCK
from sekisho.config.load import load_filter
from sekisho.match.filter import CompiledFilter, compile_filter

SHORT, LONG, LONGEST = 2048, 8192, 65536
NOTHING = 0.0003
"""Seconds for the long text that are too few to tell anything: squared work takes more."""
MOST = 2.25
"""By how much the cost may outgrow the text, on a busy machine; squared work does by four, at least."""

_CHOICE = re.compile(r"^(mdre|mdpr|usrre|publickey|failregex)-(\w+) =", re.MULTILINE)
_OPTION = {"publickey": "publickey", "failregex": "logging"}

FILTERS = [path for path in sorted((STOCK / "filter.d").glob("*.conf")) if "\nfailregex" in path.read_text("utf-8")]


def compiled_of(path: Path) -> Iterator[CompiledFilter]:
    """A filter in each of its modes; one that speaks for the rest with each way to begin a line."""
    choices = [{_OPTION.get(key, "mode"): choice} for key, choice in _CHOICE.findall(path.read_text("utf-8"))]
    if path.stem == "pam-generic":
        choices += [{"logtype": logtype} for logtype in ("short", "journal", "rfc5424")]
    for options in ({}, *choices):
        spec = load_filter(None, path.stem, options, journal=False)
        yield compile_filter(spec, usedns="raw", last_year=LAST_YEAR)


def expressions_of(path: Path) -> set[re.Pattern[str]]:
    """All that a filter may search a line for, dates aside."""
    return {
        rule.pattern
        for compiled in compiled_of(path)
        for rule in (*compiled.rules, *compiled.ignores, *((compiled.prefix,) if compiled.prefix else ()))
    }


def dates() -> set[re.Pattern[str]]:
    """All forms of dates that filters look for."""
    return {date.regex for path in FILTERS for each in compiled_of(path) for date in each.detector.templates}


def grows(pattern: re.Pattern[str], pump: Pump, short: int, long: int) -> bool:
    """True when the long text costs far more than its length tells."""
    few, many = pump.text(short), pump.text(long)
    return outgrows(pattern.search, few, many, most=MOST * long / short, nothing=NOTHING)


def too_slow(pattern: re.Pattern[str]) -> Pump | None:
    """What makes an expression's work grow faster than the text; the costliest is tried with the longest line, too."""
    costs = {}
    for pump in pumps_of(pattern):
        costs[pump] = cpu_seconds(partial(pattern.search, pump.text(LONG)))
        if costs[pump] > NOTHING and grows(pattern, pump, SHORT, LONG):
            return pump
    worst = max(costs, key=costs.__getitem__, default=None)
    return worst if worst is not None and grows(pattern, worst, LONG, LONGEST) else None


@pytest.mark.parametrize("path", FILTERS, ids=lambda path: path.stem)
def test_work_grows_with_the_line(path: Path) -> None:
    """Whatever is repeated where an expression repeats, and however the end disappoints it, the work stays linear."""
    assert [(pattern.pattern, pump) for pattern in expressions_of(path) if (pump := too_slow(pattern))] == []


def test_dates_are_found_in_the_line_s_time() -> None:
    """A line of what dates begin with costs no more than its length, whatever the form of date."""
    assert [(pattern.pattern, pump) for pattern in dates() if (pump := too_slow(pattern))] == []
