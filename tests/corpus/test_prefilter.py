"""What a shipped expression matches is never passed over, and it does not matter how the bytes came.

Hypothesis draws texts from the expressions themselves, as they stand in the stock filters in all their modes; its
filter's own kind of date is put into each. Whatever rule then hits the line, both scanners must have said that it may.
Of filters that read records they are put into fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support import crafted
from tests.support.crafted import SUMMER
from tests.support.matching import failures

from sekisho.config.catalogue import read_catalogue
from sekisho.config.files import STOCK, Files
from sekisho.config.layers import merge
from sekisho.config.load import constants_of, load_filter
from sekisho.match.condition import Condition
from sekisho.match.dates import DateMemory
from sekisho.match.filter import CompiledFilter, compile_filter
from sekisho.match.layers import Kind
from sekisho.match.matcher import Matcher
from sekisho.match.when import When
from sekisho.model.block import Block, Phase
from sekisho.model.position import FilePosition
from sekisho.scan.bundle import Bundle
from sekisho.scan.fallback import FallbackScanner
from sekisho.scan.literals import find_clues
from sekisho.scan.scanner import _patterns_of

FILES = Files(None)
CATALOGUE = {entry.filter: entry for entry in read_catalogue(FILES, merge(FILES, "jail"), constants_of(None))}
EVERY = [(name, {"mode": mode} if mode else {}) for name, entry in CATALOGUE.items() for mode in entry.modes or ("",)]
ALL = [
    (name, options.get("mode", ""))
    for name, options in EVERY
    for spec in [load_filter(None, name, options)]
    if spec.record is None and spec.maxlines == 1  # a failure's other lines cannot be drawn
]
ASKS_FIELDS = re.compile(r"^(?:when|message)\s*=", re.MULTILINE)
RECORDS = [
    *(
        (name, options if load_filter(None, name, options).record else {**options, "logformat": "json"})
        for name, options in EVERY
        if ASKS_FIELDS.search((STOCK / "filter.d" / f"{name}.conf").read_text())
    ),
    ("caddy", {"codes": "401 403"}),
    *((name, {"logformat": "docker"}) for name in ("sshd", "keycloak")),
    *((name, {"logformat": "docker json"}) for name in ("caddy", "keycloak")),
]
TEXT = st.characters(codec="utf-8", exclude_characters="\r\n")


@cache
def stock(name: str, mode: str) -> CompiledFilter:
    """A stock filter in one of its modes."""
    spec = load_filter(None, name, {"mode": mode} if mode else {}, journal=False)
    return compile_filter(spec, usedns="raw", logtimezone="UTC", logencoding="utf-8", last_year=2029)


@cache
def scanners(name: str, mode: str) -> tuple[Bundle, FallbackScanner]:
    """Both kinds of scanner for a stock filter."""
    searches = stock(name, mode).searches
    patterns, always = _patterns_of(find_clues(searches))
    return Bundle([("stock", searches)]), FallbackScanner(patterns, always=always)


@cache
def dated(name: str) -> tuple[str, str, str]:
    """What stands before the date in the filter's example, the date, and what stands behind it.

    Nothing each where a line that a rule hits has none: it takes that of a line before.
    """
    compiled = stock(name, "")
    found = {line: compiled.detector.find(line, DateMemory(), now=SUMMER) for line in CATALOGUE[name].example}
    for line, date in found.items():
        if date is None and Matcher(compiled, jail="x").examine(line, now=SUMMER).hits:
            return "", "", ""
    for line, date in found.items():
        if date is not None:
            return line[: date.start], line[date.start : date.end], line[date.end :]
    pytest.fail(f"the example of {name} has no date")


def with_date(name: str, text: str, draw: st.DrawFn) -> str:
    """The text with the example's date as the example has it: in front, between two such characters, or further on."""
    before, date, behind = dated(name)
    if not before:
        return f"{date}{text}"
    places = [found.start(1) for found in re.finditer(f"{re.escape(before[-1])}(){re.escape(behind[:1])}", text)]
    if not places:
        return f"{text}{before[-20:]}{date}{behind}"
    place = draw(st.sampled_from(places))
    return f"{text[:place]}{date}{text[place:]}"


@st.composite
def lines(draw: st.DrawFn, compiled: CompiledFilter, name: str) -> str:
    """A line that a rule of the filter is likely to match: its text, within what prefregex wants around it."""
    rule = draw(st.sampled_from(compiled.rules))
    text = draw(st.from_regex(rule.pattern, alphabet=TEXT)).rstrip("\n")
    if compiled.prefix is not None:
        around = draw(st.from_regex(compiled.prefix.pattern, alphabet=TEXT)).rstrip("\n")
        found = compiled.prefix.pattern.search(around)
        if found is not None and "content" in found.re.groupindex:
            text = around[: found.start("content")] + text + around[found.end("content") :]
    return re.sub(r"[\r\n]", "", with_date(name, text, draw))


@pytest.mark.parametrize(("name", "mode"), ALL)
def test_what_a_rule_matches_is_let_through(name: str, mode: str) -> None:
    """The mask of the line has the bit of every rule that hits it, with Hyperscan and without; some rule does."""
    compiled = stock(name, mode)
    rules_that_hit: set[int] = set()

    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(lines(compiled, name))
    def is_let_through(line: str) -> None:
        hits = {hit.regex for hit in Matcher(compiled, jail="x").examine(line, now=SUMMER, check_all=True).hits}
        for scanner in scanners(name, mode):
            masks = [candidate.mask for candidate in scanner.scan(line.encode())]
            assert all(masks and masks[0] >> hit & 1 for hit in hits), (line, hits, masks)
        rules_that_hit.update(hits)

    is_let_through()
    assert rules_that_hit


def quoted(draw: st.DrawFn, record: object) -> str:
    """JSON of a record, some of its characters written by their numbers."""

    def spell(found: re.Match[str]) -> str:
        letter = found[0]
        return f"\\u{ord(letter):04x}" if draw(st.integers(0, 30)) == 0 and ord(letter) < 0x10000 else letter

    text = json.dumps(record, ensure_ascii=draw(st.booleans()))
    return re.sub(r'(?<!\\)[\w .:/=-](?=[^"\\]*"\s*[,}:\]])', spell, text)


def put(record: dict[str, Any], path: str, text: str) -> None:
    """Set a field where a path leads."""
    *steps, last = path.split(".")
    for step in steps:
        record = record.setdefault(step, {})
    record[last] = text


def avoid(draw: st.DrawFn, record: dict[str, Any], exception: Condition) -> None:
    """Set a field so that an exception that asks for something else does not hold."""
    if exception.operator == "!=":
        put(record, exception.field.text, exception.values[0])
    elif exception.operator == "!~" and exception.rule is not None:
        put(record, exception.field.text, draw(st.from_regex(exception.rule.pattern, alphabet=TEXT)).strip("\n"))


@st.composite
def records(draw: st.DrawFn, compiled: CompiledFilter) -> str:
    """A line that a rule of the filter is likely to match."""
    rules = compiled.record
    assert rules is not None
    rule = draw(st.sampled_from(compiled.numbered))
    record: dict[str, Any] = {"time": "2026-07-14T11:59:00Z"}
    text = ""
    if isinstance(rule, When):
        for condition in rule.conditions:
            if condition.operator in ("=", "in"):
                put(record, condition.field.text, draw(st.sampled_from(condition.values)))
            elif condition.operator in ("!=", "exists", "not in"):
                put(record, condition.field.text, draw(st.text("abc", min_size=1)))
            elif condition.rule is not None:
                found = draw(st.from_regex(condition.rule.pattern, alphabet=TEXT))
                put(record, condition.field.text, found.strip("\n"))
    else:
        text = draw(st.from_regex(rule.pattern, alphabet=TEXT)).rstrip("\n")
        if compiled.prefix is not None:
            text = (
                draw(st.sampled_from(["", "Jul 14 11:00:00 gate sshd[1]: ", "2026-07-14 11:00:00 gate sshd: "])) + text
            )
        if rules.message:
            put(record, rules.message[0].text, text)
    for exception in (each for rule in rules.exceptions for each in rule.conditions):
        avoid(draw, record, exception)
    put(record, rules.host[0].text if rules.host else "ip", "192.0.2.1")
    written = {
        Kind.JSON: lambda: quoted(draw, record),
        Kind.LOGFMT: lambda: " ".join(f"{name}={quoted(draw, value)}" for name, value in record.items()),
        Kind.TEXT: lambda: text,
    }
    inner = written[rules.layers.kind]()
    return quoted(draw, {"log": inner + "\n", "time": "2026-07-14T11:59:00Z"}) if rules.layers.docker else inner


@pytest.mark.parametrize(("name", "options"), RECORDS, ids=str)
def test_what_a_rule_of_records_matches_is_let_through(name: str, options: dict[str, str]) -> None:
    """However the service spells the characters of its texts; the mask has the bit of every rule that hits the line."""
    spec = load_filter(None, name, options)
    compiled = compile_filter(spec, usedns="raw", logtimezone="UTC", logencoding="utf-8", last_year=2029)
    patterns, always = _patterns_of(find_clues(compiled.searches))
    both = Bundle([("stock", compiled.searches)]), FallbackScanner(patterns, always=always)
    rules_that_hit: set[int] = set()
    spelled = 0

    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(records(compiled))
    def is_let_through(line: str) -> None:
        nonlocal spelled
        hits = {hit.regex for hit in Matcher(compiled, jail="x").examine(line, now=SUMMER, check_all=True).hits}
        for scanner in both:
            masks = [candidate.mask for candidate in scanner.scan(line.encode())]
            assert all(masks and masks[0] >> hit & 1 for hit in hits), (line, hits, masks)
        rules_that_hit.update(hits)
        spelled += bool(hits) and "\\u00" in line

    is_let_through()
    assert rules_that_hit
    assert spelled
    assert always == 0


LOGS = {
    "sshd": crafted.sessions("cuts", lines=400, until=SUMMER - 60, span=300),
    "postfix": crafted.sessions("cuts", lines=400, until=SUMMER - 60, span=300, kind="mail"),
}
LOGS |= {"dovecot": LOGS["postfix"], "proftpd": LOGS["postfix"]}


def blocks(data: bytes, choice: Random) -> Iterator[bytes]:
    """The log in pieces of whole lines, as chance has it."""
    rows = data.splitlines(keepends=True)
    while rows:
        count = choice.choice([1, 1, 2, 3, 10, 100])
        yield b"".join(rows[:count])
        rows = rows[count:]


@pytest.mark.parametrize(("name", "mode"), [each for each in ALL if each[0] in LOGS])
@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_verdicts_do_not_depend_on_how_the_log_was_cut(name: str, mode: str, seed: int) -> None:
    """One block or hundreds: who failed, when, on what evidence; sessions and dates carry over."""
    whole = evidence(name, mode, [LOGS[name]])
    assert evidence(name, mode, list(blocks(LOGS[name], Random(seed)))) == whole
    assert whole or (name, mode) in {("postfix", "rbl"), ("postfix", "errors"), ("postfix", "extra")}


def evidence(name: str, mode: str, pieces: list[bytes]) -> list[tuple[str, float, object]]:
    """The failures of a log that comes in these pieces."""
    matcher, bundle = Matcher(stock(name, mode), jail="stock"), scanners(name, mode)[0]
    found = []
    for piece in pieces:
        block = Block("/log", piece, FilePosition(len(piece), 1, ""), Phase.CATCHUP)
        found += matcher.read(block, bundle.scan(piece), now=SUMMER, findtime=600)
    proofs = [getattr(each, "matches", None) for each in found]
    return [(*each, proof) for each, proof in zip(failures(found), proofs, strict=True)]
