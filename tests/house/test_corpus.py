"""The shipped filters against sample lines with the verdict expected of each.

A record is `{"filter", "options", "line", "expect": {"match", "epoch", "assert": [...], ...}, "journal"}`; one matcher
reads the records of one set of options, in their order, with a frozen clock and central European time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sekisho.config.load import load_filter
from sekisho.match.fields import last_year_at
from sekisho.match.filter import compile_filter
from sekisho.match.finding import Hit
from sekisho.match.matcher import Matcher
from sekisho.scan.bundle import Bundle

ROOT = Path(__file__).parents[2]
OWN = ROOT / "tests" / "corpus"
SHARED = ROOT.parent / "shared" / "corpus" / "visible"
SIX = ("sshd", "sshd-journal", "postfix", "dovecot", "proftpd", "recidive")

ZONE = "CET-01CEST-02,M3.5.0,M10.5.0"
NOW = 1124013600.0  # 2005-08-14 12:00 there
LAST_YEAR = last_year_at(2026)

Record = dict[str, Any]


@pytest.fixture(autouse=True)
def _central_europe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", ZONE)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def differences(path: Path) -> list[str]:
    """What the shipped filters say otherwise than the records of a file."""
    found: list[str] = []
    matchers: dict[str, tuple[Matcher, Bundle]] = {}
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        record = json.loads(text)
        options, journal = record.get("options", {}), record.get("journal", False)
        key = json.dumps(options, sort_keys=True)
        if key not in matchers:
            spec = load_filter(None, record["filter"], options, journal=journal)
            compiled = compile_filter(spec, usedns="raw", last_year=LAST_YEAR)
            matchers[key] = Matcher(compiled, jail="corpus"), Bundle([("corpus", compiled.searches)])
        why = judge(record, *matchers[key])
        if why:
            found.append(f"{path.name}:{number} {options}: {why}: {record['line']}")
    return found


def judge(record: Record, matcher: Matcher, bundle: Bundle) -> str:
    """Why the matcher's verdict is not the expected one; empty when it is."""
    line, expect = record["line"], record["expect"]
    candidates = bundle.scan(line.encode("utf-8", "surrogateescape"))
    verdict = matcher.examine(line, now=NOW, stamp=NOW if record.get("journal") else None, check_all=True)
    hits = [hit for hit in verdict.hits if hit.counts]
    if verdict.hits and matcher.filter.maxlines == 1 and not candidates:
        return "the scanner would have passed it over"
    if len(hits) != (1 if expect["match"] else 0):
        return f"{len(hits)} failures"
    for name in expect["assert"] if hits else ():
        if name == "match":
            continue
        wanted = expect["epoch"] if name == "time" else expect[name]
        got = told(hits[0], name)
        if got != (sorted(map(str, wanted)) if isinstance(wanted, list) else wanted):
            return f"{name} is {got!r}, not {wanted!r}"
    return ""


def told(hit: Hit, name: str) -> object:
    """What a hit says about a key of the records."""
    who = hit.address or hit.subject
    value: object = {
        "time": hit.time,
        "host": who.text if who is not None else None,
        "attempts": len(hit.matches),
    }.get(name, hit.captured.get(name))
    return sorted(map(str, value)) if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", SIX)
def test_shared_samples_agree(name: str) -> None:
    """Every sample line of the shared corpus gets exactly the verdict that it should."""
    path = SHARED / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"the shared corpus is not beside this checkout ({path.name})")
    assert differences(path) == []


@pytest.mark.parametrize("path", sorted(OWN.glob("*.jsonl")), ids=lambda path: path.stem)
def test_own_samples_agree(path: Path) -> None:
    """Every sample line of our own corpus gets exactly the verdict that it should."""
    assert differences(path) == []
