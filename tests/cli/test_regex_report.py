"""The report of fail2ban-regex."""

from __future__ import annotations

from tests.support.matching import NOON, matcher_of

from sekisho.cli.regex_report import MOST_LINES, Lines, Report, Wishes
from sekisho.match.matcher import Matcher


def report_of(matcher: Matcher, lines: list[str], wishes: Wishes | None = None) -> str:
    """The report on these lines."""
    report = Report(matcher.filter, wishes or Wishes(), NOON)
    for line in lines:
        report.add(line, matcher.examine(line, now=NOON, check_all=True))
    return "\n".join(report.render(0.0))


LINES = ["Jul 14 12:00:00 from 192.0.2.1", "Jul 14 12:00:00 good from 192.0.2.2", "nothing"]


def test_the_layout_is_the_one_that_people_know() -> None:
    """Counts, hits, dates and lines, as COMPAT 7 has them."""
    text = report_of(matcher_of("no <HOST>", "from <HOST>$", ignoreregex=["good"]), LINES)
    assert text == (
        "\nResults\n=======\n\n"
        "Failregex: 1 total\n|-  #) [# of hits] regular expression\n|   2) [1] from <HOST>$\n`-\n\n"
        "Ignoreregex: 1 total\n|-  #) [# of hits] regular expression\n|   1) [1] good\n`-\n\n"
        "Date template hits:\n|- [# of hits] date format\n"
        "|  [2] {^LN-BEG}(?:DAY )?MON Day %k:Minute:Second(?:\\.Microseconds)?(?: ExYear)?\n`-\n\n"
        "Lines: 3 lines, 1 ignored, 1 matched, 1 missed\n[processed in 0.00 sec]\n\n"
        "|- Ignored line(s):\n|  Jul 14 12:00:00 good from 192.0.2.2\n`-\n|- Missed line(s):\n|  nothing\n`-"
    )


def test_lists_are_short_unless_all_is_asked_for() -> None:
    """Too many lines are counted, not shown; twenty are too many."""
    lines = [f"missed {number}" for number in range(MOST_LINES)]
    assert "Use --print-all-missed to print all 20 lines" in report_of(matcher_of("<HOST>x"), lines)
    assert "|  missed 18" in report_of(matcher_of("<HOST>x"), lines[:-1])
    assert "|  missed 19" in report_of(matcher_of("<HOST>x"), lines, Wishes(unlimited=frozenset({"missed"})))
    assert "missed 19" not in report_of(matcher_of("<HOST>x"), lines, Wishes(listed=frozenset()))


def test_verbosely_everything_is_named() -> None:
    """Who was found and when, rules without hits, and templates that fitted nothing."""
    text = report_of(matcher_of("from <HOST>$", "zz <HOST>"), ["Jul 14 12:00:00 from 192.0.2.1"], Wishes(verbose=True))
    assert "|      192.0.2.1  Tue Jul 14 " in text
    assert "|   2) [0] zz <HOST>" in text
    assert "|  [0] TAI64N" in text


def test_mere_context_makes_a_line_ignored() -> None:
    """Whatever else matches it, before or behind."""
    matcher = matcher_of("x <HOST>", "<F-NOFAIL>n</F-NOFAIL> <HOST>", "y <HOST>")
    for line in ("x 192.0.2.1 n 192.0.2.1", "n 192.0.2.1 y 192.0.2.1"):
        text = report_of(matcher, [line])
        assert "Failregex: 2 total" in text
        assert "Lines: 1 lines, 1 ignored, 0 matched, 0 missed" in text


def test_from_the_third_failure_of_a_line_on_there_is_a_remark() -> None:
    """Fail2ban makes it behind two failures, and context is none."""
    matcher = matcher_of("x <HOST>", "<F-NOFAIL>n</F-NOFAIL> <HOST>", "y <HOST>", "z <HOST>")
    told = report_of(matcher, ["x ::1 n ::2 y ::3 z ::4"], Wishes(verbose=True)).splitlines()
    assert [line.endswith("(multiple regex matched)") for line in told if line.startswith("|      ::")] == [
        False,
        False,
        False,
        True,
    ]


def test_prefregex_and_lines_completed_later() -> None:
    """Its matches are counted; a line that a later one completes is no longer missed."""
    matcher = matcher_of("^a<SKIPLINES>b <HOST>", maxlines=3)
    assert "Lines: 2 lines, 0 ignored, 2 matched, 0 missed" in report_of(matcher, ["a", "b 192.0.2.1"])
    assert "Prefregex: 1 total" in report_of(matcher_of("<HOST>", prefregex="^b"), ["a", "b 192.0.2.1"])


def test_links_carry_the_expressions() -> None:
    """As `-D` asks for: each expression that might have matched the line."""
    text = report_of(matcher_of("x <HOST>", "z <HOST>"), ["y "], Wishes(debuggex=True))
    assert "|  y | x <HOST> |  https://www.debuggex.com/?re=x+" in text
    assert "|  y | z <HOST> |  https://www.debuggex.com/?re=z+" in text
    assert "&str=y&flavor=python\n" in text


def test_verbosely_prefregex_tells_what_it_captured() -> None:
    """Line by line, and which exception came first."""
    matcher = matcher_of("from <HOST>$", prefregex=r"^ p(?:=<F-MLFID>\d+</F-MLFID>)? <F-CONTENT>.+</F-CONTENT>$")
    text = report_of(matcher, ["Jul 14 12:00:00 p from 192.0.2.1"], Wishes(verbose=True))
    assert "|      {'mlfid': None, 'content': 'from 192.0.2.1'}" in text


def test_nobody_is_called_none() -> None:
    """A session may fail before anybody knows whose it is."""
    matcher = matcher_of("^ <F-MLFID>s\\d</F-MLFID> bad user <F-USER>\\S+</F-USER>$")
    text = report_of(matcher, ["Jul 14 12:00:00 s1 bad user a"], Wishes(verbose=True))
    assert "|      None  Tue Jul 14 " in text


def test_only_lines_that_may_be_listed_are_kept() -> None:
    """However long the log, memory stays what it is; the counts are whole."""
    lines = Lines(3, recalled=2)
    for number in range(1000):
        lines.add(str(number))
    assert lines.number == 1000
    assert lines.texts == ["0", "1", "2"]
    assert not lines.is_open
    assert not lines.recall("997")  # too long ago
    assert lines.recall("999")
    assert lines.number == 999
