"""Nobody can blame a bystander: fields that a stranger writes are filled with text that imitates the line.

From every sample that matches, each such field (the user name, and what Postfix quotes in `<...>`) is replaced by runs
of words of the line itself, with the bystander's address in place of the offender's. Whatever the line then means, it
must not mean the bystander.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

import pytest
from tests.corpus.test_corpus import LOGS, NOW, Sample, central_europe, options_of, stamp_of, stock_rules, told

from sekisho.match.matcher import Matcher

BYSTANDER = "198.51.100.66"
MOST = 40
"""Imitations tried in a field; there are some hundreds."""

__all__ = ["central_europe"]  # a fixture


def fields_of(sample: Sample) -> Iterator[tuple[int, int]]:
    """Where the line holds what a stranger wrote."""
    patterns = [r"(?<=[ =])<([^<>]+)>"] if sample["filter"] == "postfix" else []
    if user := sample["expect"].get("user"):
        patterns.append(rf"(?<![\w.@-])({re.escape(user)})(?![\w.@-])")
    for pattern in patterns:
        yield from (found.span(1) for found in re.finditer(pattern, sample["line"]))


def imitations_of(sample: Sample) -> Iterator[str]:
    """Pieces of the line, from any word to any later one, with the bystander in the offender's place."""
    line = sample["line"].replace(sample["expect"]["host"], BYSTANDER)
    words = [found.start() for found in re.finditer(r"(?<!\w)\w|(?<=\w)\W", line)] + [len(line)]
    here = line.find(BYSTANDER)
    for start in words:
        for end in words:
            if start <= here < end:
                yield line[start:end]


def forgeries_of(sample: Sample) -> Iterator[str]:
    """The sample's line with each field replaced by imitations, a different choice for each field."""
    choice = Random(sample["line"])  # a string seeds it alike everywhere
    imitations = list(imitations_of(sample))
    for start, end in fields_of(sample):
        for text in choice.sample(imitations, min(MOST, len(imitations))):
            for before, after in (("", ""), ("x ", ""), ("x", " x")):
                yield f"{sample['line'][:start]}{before}{text}{after}{sample['line'][end:]}"


def offences() -> Iterator[Sample]:
    """Each sample that names an offender once, with the options that have the most rules."""
    seen = set()
    for name in sorted(LOGS, key=lambda name: "aggressive" not in name):
        for sample in LOGS[name]:
            expect = sample["expect"]
            if expect["match"] and "host" in expect["assert"] and sample["line"] not in seen:
                seen.add(sample["line"])
                yield sample


@pytest.mark.parametrize("name", sorted({sample["filter"] for sample in offences()}))
def test_no_field_blames_a_bystander(name: str) -> None:
    """However a stranger's field imitates the rest of its line, the bystander is not the one who failed."""
    matchers: dict[str, Matcher] = {}
    blamed = []
    for sample in offences():
        if sample["filter"] != name:
            continue
        matcher = matchers.setdefault(options_of(sample), stock_rules(sample).matcher)
        for line in forgeries_of(sample):
            verdict = matcher.examine(line, now=NOW, stamp=stamp_of(sample))
            blamed += [line for hit in verdict.hits if hit.counts and told(hit, "host") == BYSTANDER]
    assert blamed[:5] == []
