"""What is told of a log read in blocks, with most lines passed over, is what is told of every line tried."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.matching import NOON

from sekisho.cli.logtext import admitted_year
from sekisho.cli.regex_lines import LogFile, LogLines
from sekisho.cli.regex_output import Output, parse_output
from sekisho.cli.regex_report import Report, Wishes
from sekisho.cli.regex_trial import Trial
from sekisho.config.load import load_filter
from sekisho.match.filter import CompiledFilter, compile_filter
from sekisho.model.specs import FilterSpec

CORPUS = Path(__file__).parent.parent / "corpus"
FILTERS = {
    "plain": FilterSpec("plain", ("Failed for <HOST>$", "from <HOST>")),
    "prefixed": FilterSpec(
        "prefixed",
        (
            "^bad from <HOST>$",
            "^<F-NOFAIL>conn</F-NOFAIL> from <HOST>$",
            "^fail user <F-USER>\\S+</F-USER>$",
            "^<F-MLFGAINED>ok</F-MLFGAINED> user <F-USER>\\S+</F-USER>$",
        ),
        prefregex=r"^ app\[<F-MLFID>\d+</F-MLFID>\]: <F-CONTENT>.+</F-CONTENT>$",
        ignoreregex=("good",),
    ),
    "blind": FilterSpec("blind", ("^<HOST>$",), ignoreregex=("192",)),
    "several lines": FilterSpec("several", ("^ start<SKIPLINES> end <HOST>$",), maxlines=3),
    "no dates": FilterSpec("no dates", ("from <HOST>",), datepattern=("{NONE}",)),
    "own dates": FilterSpec("own dates", ("^ from <HOST>",), datepattern=("%Y-%m-%d %H:%M:%S", "@%H:%M:%S")),
}
DATES = (
    "",
    "Jul 14 12:00:00 ",
    "Jul 14 12:00:01 ",
    "2026-07-14 12:00:00 ",
    "[2026-02-30 12:00:00] ",
    "# ",
    "@12:00:00 ",
)
TEXTS = (
    "from 192.0.2.1",
    " Failed for 192.0.2.2",
    "app[1]: bad from 192.0.2.3",
    "app[1]: conn from 192.0.2.3",
    "app[1]: fail user a",
    "app[2]: fail user b",
    "app[2]: ok user c",
    "app[2]: good bad from 192.0.2.3",
    "good",
    "start",
    "end 192.0.2.4",
    "192.0.2.5",
    "noise",
    "noise Jul 14 12:00:00",
    "",
    "nois\u00e9\r",
    "#",
)
lines_of_logs = st.lists(st.tuples(st.sampled_from(DATES), st.sampled_from(TEXTS)).map("".join), max_size=40)


def compiled_of(spec: FilterSpec) -> CompiledFilter:
    """A filter as the command has it, with the years of NOON."""
    return compile_filter(spec, usedns="raw", logtimezone="UTC", last_year=admitted_year(NOON))


def told(compiled: CompiledFilter, blocks: list[bytes], wishes: Wishes, *, is_fast: bool, check_all: bool) -> list[str]:
    """The report on a log."""
    report = Report(compiled, wishes, NOON)
    trial = Trial(compiled, report, now=NOON, check_all=check_all)
    for block in blocks:
        if is_fast:
            trial.try_block(block)
            continue
        for raw in block.split(b"\n"):
            trial.try_line(compiled.decode(raw)[0])
    return list(report.render(0.0))


@given(
    lines=lines_of_logs,
    cut=st.integers(0, 40),
    name=st.sampled_from(sorted(FILTERS)),
    wishes=st.sampled_from(
        [
            Wishes(),
            Wishes(most=2),
            Wishes(verbose=True),
            Wishes(listed=frozenset({"missed"}), unlimited=frozenset({"missed"})),
        ]
    ),
    check_all=st.booleans(),
)
@example(
    lines=["Jul 14 12:00:00 noise"] * 5 + ["noise"] + ["Jul 14 12:00:00 app[1]: bad from 192.0.2.3"],
    cut=2,
    name="prefixed",
    wishes=Wishes(most=1),
    check_all=True,
)
def test_passing_over_lines_changes_nothing(
    lines: list[str], cut: int, name: str, wishes: Wishes, *, check_all: bool
) -> None:
    """Whatever stands in a log, and wherever its blocks end."""
    compiled = compiled_of(FILTERS[name])
    blocks = ["".join(f"{line}\n" for line in part).encode() for part in (lines[:cut], lines[cut:])]
    fast = told(compiled, blocks, wishes, is_fast=True, check_all=check_all)
    assert fast == told(compiled, blocks, wishes, is_fast=False, check_all=check_all)


@pytest.mark.parametrize("name", ["sshd", "postfix", "dovecot", "proftpd", "apache-auth", "nginx-http-auth"])
def test_the_stock_filters_tell_the_same(name: str) -> None:
    """Of a log of all our samples, theirs and others'."""
    compiled = compiled_of(load_filter(None, name))
    samples = [path.read_bytes() for path in sorted(CORPUS.glob("*.jsonl"))]
    assert samples
    block = b"".join(samples_of(sample) for sample in samples)
    wishes = Wishes(verbose=True, unlimited=frozenset({"missed"}))
    fast = told(compiled, [block], wishes, is_fast=True, check_all=True)
    assert fast == told(compiled, [block], wishes, is_fast=False, check_all=True)
    assert any("matched" in line and ", 0 matched" not in line for line in fast)


def samples_of(corpus: bytes) -> bytes:
    """The lines of a corpus as a log."""
    import json

    records = (json.loads(record) for record in corpus.splitlines())
    return "".join(f"{record['line']}\n" for record in records if "line" in record).encode()


def test_a_file_and_lines_are_tried_alike(tmp_path: Path) -> None:
    """And whoever waits is told how much of the file is done with."""
    text = "Jul 14 12:00:00 from 192.0.2.1\n# from 192.0.2.2\n\nnoise\nlast from 192.0.2.3"
    (tmp_path / "log").write_text(text)
    compiled = compiled_of(FILTERS["plain"])
    done: list[int] = []
    for log in (LogFile((), tmp_path / "log"), LogLines((), ((line, None) for line in text.split("\n")))):
        said: list[str] = []
        output = Output(parse_output("ip", compiled), said.append)
        Trial(compiled, output, now=NOON, check_all=True).run(log, done.append)
        assert said == ["192.0.2.1", "192.0.2.3"]
    assert sum(done) == len(text)


def test_lines_that_match_nothing_are_what_inverted_output_is_about() -> None:
    """They are not passed over there."""
    compiled = compiled_of(FILTERS["plain"])
    said: list[str] = []
    trial = Trial(compiled, Output(parse_output("msg", compiled), said.append, inverted=True), now=NOON, check_all=True)
    trial.try_block(b"Jul 14 12:00:00 a\nJul 14 12:00:00 from 192.0.2.1\nJul 14 12:00:00 b\n")
    assert said == ["Jul 14 12:00:00 a", "Jul 14 12:00:00 b"]
