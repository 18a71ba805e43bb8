"""Nobody can blame a bystander in a record: its fields are filled with text that imitates records and lines.

Each text in a record that the filter's rules do not ask for is a stranger's, and is written as the service would write
it: the record's own signs are escaped. (Lines of text: `test_forgery`.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

import pytest
from tests.corpus.test_corpus import LOGS, NOW, Sample, central_europe, options_of, stamp_of, stock_rules, told
from tests.support.records import dotted, texts_of, with_text

from sekisho.match.filter import CompiledFilter
from sekisho.match.matcher import Matcher

BYSTANDER = "198.51.100.66"
MOST = 40
"""Imitations tried in a field; there are some hundreds."""

__all__ = ["central_europe"]  # a fixture


def is_record(sample: Sample) -> bool:
    """True where the filter reads records."""
    return stock_rules(sample).filter.record is not None


def imitations_of(sample: Sample) -> Iterator[str]:
    """Pieces of the line, from any word to any later one, with the bystander in the offender's place."""
    line = sample["line"].replace(sample["expect"]["host"], BYSTANDER)
    words = [found.start() for found in re.finditer(r"(?<!\w)\w|(?<=\w)\W", line)] + [len(line)]
    here = line.find(BYSTANDER)
    for start in words:
        for end in words:
            if start <= here < end:
                yield line[start:end]


def asked_for(compiled: CompiledFilter) -> set[str]:
    """The fields that only the service fills: those that conditions, `host` and `time` name."""
    rules = compiled.record
    if rules is None:
        return set()
    conditions = (each for rule in (*rules.whens, *rules.exceptions) for each in rule.conditions)
    return {field.text for field in (*rules.host, *rules.time, *(each.field for each in conditions))}


def forged_records_of(sample: Sample, compiled: CompiledFilter) -> Iterator[str]:
    """The record with each text that a stranger wrote, or the part of it, replaced by imitations."""
    choice, user = Random(sample["line"]), sample["expect"].get("user")
    rules, imitations = compiled.record, list(imitations_of(sample))
    messages = {field.text for field in rules.message} if rules is not None else set()
    service = asked_for(compiled) | {"stream", "time"}
    for path, text in texts_of(sample["line"]):
        name = dotted(path)
        if name in messages or name == "log":
            own = list(imitations_of({**sample, "line": text}))
            for found in re.finditer(rf"(?<![\w.@-]){re.escape(user)}(?![\w.@-])", text) if user else ():
                for words in choice.sample(own, min(MOST, len(own))) + choice.sample(
                    imitations, min(9, len(imitations))
                ):
                    yield with_text(sample["line"], path, text[: found.start()] + words + text[found.end() :])
        elif name not in service and name.rpartition(".")[0] not in service:
            for words in choice.sample(imitations, min(MOST, len(imitations))):
                yield with_text(sample["line"], path, words, ascii_only=choice.random() < 0.5)


def offences() -> Iterator[Sample]:
    """Each sample that names an offender once, with the options that have the most rules."""
    seen = set()
    for name in sorted(LOGS, key=lambda name: "aggressive" not in name):
        for sample in LOGS[name]:
            expect = sample["expect"]
            if expect["match"] and "host" in expect["assert"] and sample["line"] not in seen:
                seen.add(sample["line"])
                yield sample


@pytest.mark.parametrize("name", sorted({each["filter"] for each in offences() if is_record(each)}))
def test_no_field_of_a_record_blames_a_bystander(name: str) -> None:
    """However a stranger's field imitates the rest of its line, the bystander is not the one who failed."""
    matchers: dict[str, Matcher] = {}
    blamed = []
    for sample in offences():
        if sample["filter"] != name:
            continue
        matcher = matchers.setdefault(options_of(sample), stock_rules(sample).matcher)
        for line in forged_records_of(sample, matcher.filter) if matcher.filter.record is not None else ():
            verdict = matcher.examine(line, now=NOW, stamp=stamp_of(sample))
            blamed += [line for hit in verdict.hits if hit.counts and told(hit, "host") == BYSTANDER]
    assert blamed[:5] == []


def test_forged_records_are_records() -> None:
    """What is tried are whole records, most of which fail as their samples do: one that is refused shows nothing."""
    tried = failed = 0
    for sample in offences():
        if sample["filter"] == "caddy":
            matcher = stock_rules(sample).matcher
            for line in forged_records_of(sample, matcher.filter):
                tried += 1
                failed += matcher.examine(line, now=NOW, stamp=stamp_of(sample)).matched
    assert tried > 1000
    assert failed > 0.9 * tried
