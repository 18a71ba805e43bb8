"""Which date of a line is its date: choice of template, stickiness, caching."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.matching import NOON

from sekisho.match.datepattern import default_templates
from sekisho.match.dates import DateDetector, DateMemory

HOUR = 3600
DETECTOR = DateDetector(default_templates(2029), zone=0)


def found(line: str, memory: DateMemory | None = None) -> tuple[str, float | None] | None:
    """What is left of a line without its date, and its seconds after NOON."""
    date = DETECTOR.find(line, memory or DateMemory(), now=NOON)
    if date is None:
        return None
    return line[: date.start] + line[date.end :], None if date.stamp is None else date.stamp - NOON


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Jul 14 11:00:00 x", (" x", -HOUR)),
        ("jul 14 11:00:00.011 x", (" x", -HOUR)),
        ("Jul  4 1:00:00 x", (" x", -10 * 24 * HOUR - 11 * HOUR)),
        ("[Tue Jul 14 11:00:00.123456 2026] x", ("[] x", -HOUR)),
        ("Jul 14 2026 11:00:00 x", (" x", -HOUR)),
        ("2026-07-14T11:00:00+02:00 x", (" x", -3 * HOUR)),
        ("2026-07-14 11:00:00,123 +0200 x", (" x", -3 * HOUR)),
        ("2026.07.14 11:00:00 x", (" x", -HOUR)),
        ("14-07-26 11:00:00 x", (" x", -HOUR)),
        ("05-06-2026 11:00:00 x", (" x", -39 * 24 * HOUR - HOUR)),
        ("07-14-2026 11:00:00 x", (" x", -HOUR)),
        ("07/14/2026:11:00:00 x", (" x", -HOUR)),
        ('1.2.3.4 - - [14/Jul/2026:11:00:00 +0200] "GET /"', ('1.2.3.4 - - [] "GET /"', -3 * HOUR)),
        ("1784026800 x", (" x", -HOUR)),
        ("audit(1784026800.125:45) x", ("audit(:45) x", -HOUR + 0.125)),
        ("11:00:00 x", (" x", -HOUR)),
        ("<07/14/26@11:00:00>x", ("x", -HOUR)),
        ("260714  1:00:00 x", (" x", -11 * HOUR)),
        ("Jul 14, 2026 11:00:00 PM x", (" x", 11 * HOUR)),
        ("Jul-14-26 11:00:00 x", (" x", -HOUR)),
        ("20260714T110000 x", (" x", -HOUR)),
        ("20260714-11:00:00 x", (" x", -HOUR)),
        ("PDT Jul 14 11:00:00 x", (" x", 6 * HOUR)),
        ("+02:00 Jul 14 11:00:00 x", (" x", -3 * HOUR)),
        ("UTC+02 Jul 14 11:00:00 x", ("UTC x", -3 * HOUR)),
        ("2026-02-30 11:00:00 x", (" x", None)),
        ("2026-07-14 24:00:00 x", None),
        ("Jul 32 11:00:00 x", None),
        ("x 1784026800 y", None),
        ("x 11:00:00", None),
        ("x2026-07-14 11:00:00", None),
        ("1999-07-14 11:00:00", None),
        ("2030-07-14 11:00:00", None),
        ("", None),
    ],
)
def test_the_default_templates_read_a_first_line(line: str, expected: tuple[str, float | None] | None) -> None:
    """What is cut, and which instant it is, in a log whose habits are unknown (COMPAT 2.8, 2.9)."""
    assert found(line) == expected


def test_a_date_deep_in_the_message_does_not_win() -> None:
    """The leftmost date is the line's, whichever template is tried first."""
    assert found("h: Jul 14 11:00:00 at 2026-07-14 10:00:00") == ("h:  at 2026-07-14 10:00:00", -HOUR)
    assert found("11:00:00 since 2026-07-14 10:00:00") == (" since 2026-07-14 10:00:00", -HOUR)


def test_the_last_format_is_tried_first() -> None:
    """A log that has written month first goes on to do so, even where day first would be possible."""
    memory = DateMemory()
    assert found("07-14-2026 11:00:00 x", memory) == (" x", -HOUR)
    assert found("07-12-2026 11:00:00 x", memory) == (" x", -49 * HOUR)
    assert found("12-07-2026 11:00:00 x") == (" x", -49 * HOUR)


def test_a_weekday_is_no_zone() -> None:
    """In a log that has named a zone before, either, `Tue` stays a day (Fail2ban loses such dates)."""
    memory = DateMemory()
    assert found("PDT Jul 14 05:00:00 x", memory) == (" x", 0)
    assert found("Tue Jul 14 12:00:00 x", memory) == (" x", 0)


def test_a_date_further_right_than_usual_yields_to_another() -> None:
    """A line in another format, with the usual one inside its message, is read by its own date."""
    memory = DateMemory()
    assert found("x: Jul 14 11:00:00 y", memory) == ("x:  y", -HOUR)
    assert found("z 2026-07-14 10:00:00 Jul 14 11:00:00 y", memory) == ("z  Jul 14 11:00:00 y", -2 * HOUR)


def test_one_line_by_itself_leaves_no_trace() -> None:
    """A source may search its file by date without teaching the matcher habits."""
    assert DETECTOR.stamp("07-14-2026 11:00:00 x", now=NOON) == NOON - HOUR
    assert DETECTOR.stamp("nothing", now=NOON) is None


@given(st.lists(st.integers(-80_000, 80_000), min_size=1, max_size=30), st.booleans())
def test_remembered_minutes_change_nothing(offsets: list[int], has_year: bool) -> None:  # noqa: FBT001
    """Whatever came before, a date is read as if it were the first."""
    memory = DateMemory()
    for offset in offsets:
        from datetime import UTC, datetime

        moment = datetime.fromtimestamp(NOON + offset, UTC)
        line = moment.strftime("%Y-%m-%d %H:%M:%S x" if has_year else "%b %d %H:%M:%S x")
        assert found(line, memory) == (" x", offset)


DATES = ("Jul 14 11:59:07", "Jul 14 11:59:08.5", "2026-07-14 11:59:07", "14/Jul/2026:11:59:07 +0000", "1784030347")
HEADS = ("", "[", "192.0.2.1 - - [", "2001:db8::1 - x [", "10:20:30 [", "07/14/2026:11:59:07 [", "x ", "<")
TAILS = ("", " mx1 sshd", " 2026 mx1", " 20x", ".5 mx1", ",123456 +0200 z", " +0100", "] x", "x", " Z", " utc y", "  a")


@given(st.lists(st.tuples(st.sampled_from(HEADS), st.sampled_from(DATES), st.sampled_from(TAILS)), max_size=40))
def test_remembered_beginnings_change_nothing(lines: list[tuple[str, str, str]]) -> None:
    """What is known of the lines before saves work, and never finds another date than the work would."""
    quick, slow = DateMemory(), DateMemory()
    for parts in lines:
        line = "".join(parts)
        expected = DETECTOR.find(line, slow, now=NOON)
        assert DETECTOR.find(line, quick, now=NOON) == expected
        slow = DateMemory(slow.template, slow.position, slow.leftmost)
