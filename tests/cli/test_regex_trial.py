"""Trying the rules of a filter on a log: block by block it tells what each line by itself tells."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.matching import NOON, matcher_of

from sekisho.cli.regex_report import Report, Wishes
from sekisho.cli.regex_trial import Trial
from sekisho.match.filter import CompiledFilter

FILTERS = (
    matcher_of("Failed for <F-USER>\\S+</F-USER> from <HOST>", "Refused <HOST>", ignoreregex=["good"]),
    matcher_of(
        "^Failed .* from <HOST>$",
        "^Refused <HOST>",
        "^Never <HOST>",
        "^Again <HOST>",
        "^<F-NOFAIL><F-MLFFORGET>Closed</F-MLFFORGET></F-NOFAIL> <HOST>",
        ignoreregex=["^Refused"],
        prefregex=r"^<F-MLFID>\s*h sshd\[\d+\]:</F-MLFID> <F-CONTENT>.+</F-CONTENT>$",
    ),
    matcher_of("^ ?a<SKIPLINES> ?Failed for x from <HOST>", maxlines=3),
    matcher_of("from <HOST>$", datepattern=["{NONE}"]),
    matcher_of("from <HOST>$", datepattern=["^%Y-%m-%d %H:%M:%S", "Epoch"]),
)
DATES = (
    "Jul 14 12:00:00 ",
    "Jul 14 12:00:01 ",
    "2026-07-14 12:00:00 ",
    "[14/Jul/2026:12:00:00 +0000] ",
    "Feb 30 1:1:1 ",
    "",
)
HEADS = ("", "h sshd[7]: ", "h sshd[8]: ", "192.0.2.9 - - ", "# ")
BODIES = (  # what matches some rule, and what says nothing
    *("Failed for x from 192.0.2.1", "Failed for good from 192.0.2.2", "Refused 192.0.2.3", "Closed 192.0.2.1"),
    *(
        "a",
        "",
        "nothing",
        "Refused 192.0.2.3 good",
        "nothing",
        "nothing",
        "a",
        "\u00fc Failed for \u00fc from 2001:db8::1",
        "\x0b from 192.0.2.4",
    ),
)
LINES = st.builds("".join, st.tuples(st.sampled_from(DATES), st.sampled_from(HEADS), st.sampled_from(BODIES)))
LOGS = st.lists(LINES, min_size=1, max_size=6).flatmap(lambda kinds: st.lists(st.sampled_from(kinds), max_size=40))


def told_by_lines(compiled: CompiledFilter, lines: list[str], *, check_all: bool) -> str:
    """The report when each line is tried by itself, by every rule."""
    report = Report(compiled, Wishes(verbose=True, unlimited=frozenset({"matched", "missed", "ignored"})), NOON)
    trial = Trial(compiled, report, now=NOON, check_all=check_all)
    for line in lines:
        trial.try_line(line)
    return report.render(0.0)


def told_by_blocks(compiled: CompiledFilter, blocks: list[list[str]], *, check_all: bool) -> str:
    """The report when blocks of lines are scanned first."""
    report = Report(compiled, Wishes(verbose=True, unlimited=frozenset({"matched", "missed", "ignored"})), NOON)
    trial = Trial(compiled, report, now=NOON, check_all=check_all)
    for block in blocks:
        trial.try_block("".join(f"{line}\n" for line in block).encode())
    return report.render(0.0)


@settings(max_examples=300, deadline=None)
@given(
    compiled=st.sampled_from([matcher.filter for matcher in FILTERS]),
    lines=LOGS,
    cut=st.integers(0, 40),
    check_all=st.booleans(),
)
def test_scanning_first_changes_nothing(
    compiled: CompiledFilter, lines: list[str], cut: int, *, check_all: bool
) -> None:
    """Whatever the log, and wherever its blocks end, the report is that of every rule on every line."""
    blocks = [lines[:cut], lines[cut:]]
    assert told_by_blocks(compiled, blocks, check_all=check_all) == told_by_lines(compiled, lines, check_all=check_all)


def test_a_line_without_a_date_between_two_of_one_second() -> None:
    """Takes the template of neither, and leaves them theirs."""
    lines = ["Jul 14 12:00:00 h a", "nothing", "Jul 14 12:00:00 h a", "# x", "Jul 14 12:00:00 h a"]
    report = told_by_blocks(FILTERS[0].filter, [lines], check_all=True)
    assert report == told_by_lines(FILTERS[0].filter, lines, check_all=True)
    assert "|  [3] {^LN-BEG}(?:DAY )?MON Day" in report


def test_lines_that_say_nothing_are_not_matched() -> None:
    """A line without any literal costs no regular expression, and one that begins as the last one not even a date."""

    class Heard:
        def __init__(self) -> None:
            self.heard: list[str] = []
            self.passed: list[tuple[bytes, str | None]] = []

        def hear(self, line: str, _: object) -> None:
            self.heard.append(line)

        def pass_over(self, raw: bytes, template: str | None, _: str | None = None) -> None:
            self.passed.append((raw, template))

    heard = Heard()
    trial = Trial(FILTERS[0].filter, heard, now=NOON, check_all=True)
    trial.try_block(b"Jul 14 12:00:00 a\nJul 14 12:00:00 b\n# c\n\nx Failed for y from 192.0.2.1\nz")
    name = FILTERS[0].filter.detector.templates[1].name
    assert heard.heard == ["x Failed for y from 192.0.2.1"]
    assert heard.passed == [(b"Jul 14 12:00:00 a", name), (b"Jul 14 12:00:00 b", name), (b"z", None)]
    assert trial.line == "z"
