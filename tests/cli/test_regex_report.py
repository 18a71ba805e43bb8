"""The report of fail2ban-regex."""

from __future__ import annotations

from tests.support.matching import NOON, matcher_of

from sekisho.cli.regex_report import MOST_LINES, Report, Wishes
from sekisho.match.matcher import Matcher


def report_of(matcher: Matcher, lines: list[str], wishes: Wishes | None = None) -> str:
    """The report on these lines."""
    report = Report(matcher.filter, wishes or Wishes(), NOON)
    for line in lines:
        report.hear(line, matcher.examine(line, now=NOON, check_all=True))
    return report.render(0.0)


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
    """Too many lines are counted, not shown."""
    lines = [f"missed {number}" for number in range(MOST_LINES)]
    assert "|  missed 18" in report_of(matcher_of("<HOST>x"), lines[1:])
    assert "Use --print-all-missed to print all 20 lines" in report_of(matcher_of("<HOST>x"), lines)
    assert "|  missed 19" in report_of(matcher_of("<HOST>x"), lines, Wishes(unlimited=frozenset({"missed"})))
    assert "missed 19" not in report_of(matcher_of("<HOST>x"), lines, Wishes(listed=frozenset()))


def test_verbosely_everything_is_named() -> None:
    """Who was found and when, rules without hits, and templates that fitted nothing."""
    text = report_of(matcher_of("from <HOST>$", "zz <HOST>"), ["Jul 14 12:00:00 from 192.0.2.1"], Wishes(verbose=True))
    assert "|      192.0.2.1  Tue Jul 14 " in text
    assert "|   2) [0] zz <HOST>" in text
    assert "|  [0] TAI64N" in text
    assert "(multiple regex matched)" not in text
    dated = report_of(matcher_of("<HOST>"), ["Jul 14 12:00:00 x"], Wishes(verbose_date=True))
    assert "\n|      # regex:   ^" in dated


def test_prefregex_and_lines_completed_later() -> None:
    """Its matches are counted; a line that a later one completes is no longer missed."""
    matcher = matcher_of("^a<SKIPLINES>b <HOST>", maxlines=3)
    assert "Lines: 2 lines, 0 ignored, 2 matched, 0 missed" in report_of(matcher, ["a", "b 192.0.2.1"])
    assert "Prefregex: 1 total" in report_of(matcher_of("<HOST>", prefregex="^b"), ["a", "b 192.0.2.1"])


def test_prefregex_tells_what_it_took_for_the_first_lines() -> None:
    """Verbosely, and as many as are listed of anything else."""
    matcher = matcher_of("<HOST>", prefregex="^b <F-CONTENT>.+</F-CONTENT>")
    text = report_of(matcher, ["b 192.0.2.1"] * 3, Wishes(verbose=True, most=2))
    told = "|      {'content': '192.0.2.1'}\n"
    assert f"Prefregex: 3 total\n|  ^b (?P<content>.+)\n{told}{told}|      ...\n`-" in text


def test_context_makes_a_line_one_that_is_ignored() -> None:
    """Whatever else matches it."""
    matcher = matcher_of("^<F-NOFAIL>a</F-NOFAIL> <HOST>", r"^\w <HOST>")
    assert "Lines: 2 lines, 1 ignored, 1 matched, 0 missed" in report_of(matcher, ["a 192.0.2.1", "b 192.0.2.1"])


def test_what_is_kept_does_not_grow_with_the_log() -> None:
    """Only lines that can still be listed are remembered, and only those that can still be completed."""
    matcher = matcher_of("^a<SKIPLINES>b <HOST>", maxlines=3)
    text = report_of(matcher, [*(f"x{number}" for number in range(40)), "a", "b 192.0.2.1"], Wishes(most=39))
    assert "Lines: 42 lines, 0 ignored, 2 matched, 40 missed" in text
    report = Report(matcher.filter, Wishes(), NOON)
    for _ in range(1000):
        report.pass_over(b"x", None)
    assert len(report._kinds["missed"].lines) == MOST_LINES + 3
    assert "to print all 1000 lines" in report.render(0.0)


def test_links_carry_the_expression() -> None:
    """As `-D` asks for."""
    assert "https://www.debuggex.com/?re=x+" in report_of(matcher_of("x <HOST>"), ["y"], Wishes(debuggex=True))
