"""What a line of the log tells, and whom it concerns."""

from __future__ import annotations

import pytest

from sekisho.cli.log_lines import BANS, LogLine, Wanted, parse_line
from sekisho.daemon.logformat import Layout
from sekisho.engine.report import entry
from sekisho.model.address import parse_subject
from sekisho.model.logtarget import parse_target
from sekisho.model.verdict import Ban, Counted, Expired, Failure, Ignored, Release, Unban

NOW = 1_784_030_400.25
SUBJECT = parse_subject("192.0.2.1")
BAN = Ban("demo", SUBJECT, NOW, 60)
FAILURE = Failure("demo", SUBJECT, NOW)


def written(text: str, *, target: str = "/x", level: int = 25) -> str:
    """A line as the daemon writes it."""
    (line,) = Layout(parse_target(target), 77).lines(name="fail2ban.actions", level=level, now=NOW, messages=[text])
    return line


@pytest.mark.parametrize(
    ("verdict", "event"),
    [
        (Counted(FAILURE, 1), "found"),
        (Ignored(FAILURE, "ip"), "ignore"),
        (Expired(BAN), "ignore"),
        (BAN, "ban"),
        (Unban(BAN, Release.EXPIRED), "unban"),
        (Unban(BAN, Release.STOPPED), "unban"),
    ],
)
def test_what_the_engine_writes_is_understood(verdict: Counted | Ignored | Expired | Ban | Unban, event: str) -> None:
    """Each verdict's line tells its jail, its event and its address."""
    (text,) = entry(verdict).texts
    line = parse_line(written(text))
    assert (line.jail, line.event, line.address) == ("demo", event, "192.0.2.1")


@pytest.mark.parametrize(
    ("text", "event", "address"),
    [
        ("Restore Ban 2001:db8::/64", "restore", "2001:db8::/64"),
        ("Increase Ban 192.0.2.1 (2 # 2h -> 2026-07-14 14:00:00)", "increase", "192.0.2.1"),
        ("Found 192.0.2.1, bad - 2026-07-14 12:00:00, 1 # -> 2.0, Ban", "found", "192.0.2.1"),
        ("Found a name - with - 2026-07-14 12:00:00", "found", "a name - with"),
        ("192.0.2.1 already banned", "already", "192.0.2.1"),
        ("Failed to execute ban", "", ""),
    ],
)
def test_other_events(text: str, event: str, address: str) -> None:
    """Those of the observer, and identifiers that are no addresses."""
    line = parse_line(written(f"[demo] {text}"))
    assert (line.event, line.address) == (event, address)


@pytest.mark.parametrize("target", ["/x", "/x[padding=off]"])
def test_a_line_is_shown_as_it_was_written(target: str) -> None:
    """With time, logger, process and level in the columns that everybody knows; a program gets them by name."""
    line = parse_line(written("[demo] Ban 192.0.2.1", target=target))
    assert str(line) == written("[demo] Ban 192.0.2.1")
    document = line.document()
    assert document.pop("time").endswith(":00.250")
    assert document == {
        "pid": 77,
        "logger": "fail2ban.actions",
        "level": "NOTICE",
        "jail": "demo",
        "event": "ban",
        "address": "192.0.2.1",
        "text": "[demo] Ban 192.0.2.1",
    }


def test_a_line_of_another_format_is_text() -> None:
    """Nothing is made up."""
    line = parse_line("NOTICE|x")
    assert (line, str(line)) == (LogLine("NOTICE|x"), "NOTICE|x")
    assert line.document()["time"] is None


@pytest.mark.parametrize(
    ("wanted", "admitted"),
    [
        (Wanted(), True),
        (Wanted(jail="demo"), True),
        (Wanted(jail="dem"), False),
        (Wanted(subject=SUBJECT), True),
        (Wanted(subject=parse_subject("192.0.2.0/24")), True),
        (Wanted(subject=parse_subject("192.0.2.10")), False),
        (Wanted(events=BANS), True),
        (Wanted(events=frozenset({"found"})), False),
        (Wanted(level=25), True),
        (Wanted(level=30), False),
        (Wanted(since="2026-07-01"), True),
        (Wanted(since="2026-08-01 12:00:00"), False),
    ],
)
def test_whether_a_line_is_wanted(wanted: Wanted, admitted: bool) -> None:  # noqa: FBT001 - a column of the table
    """By jail, address, event, level and time."""
    assert wanted.admits(parse_line(written("[demo] Ban 192.0.2.1"))) is admitted


def test_an_error_that_names_the_address_is_about_it() -> None:
    """And one that names a longer address is not."""
    line = parse_line(written("[demo] Failed to ban 192.0.2.1: exit status 1", level=40))
    assert Wanted(subject=SUBJECT).admits(line)
    assert not Wanted(subject=parse_subject("192.0.2.11")).admits(line)
    assert not Wanted(subject=parse_subject("2.0.2.1")).admits(line)
    assert not Wanted(subject=parse_subject("92.0.2.1")).admits(line)


def test_what_is_older_ends_the_search() -> None:
    """A line without a time does not."""
    wanted = Wanted(since="2026-08-01")
    assert wanted.ends_before(parse_line(written("x")))
    assert not wanted.ends_before(LogLine("x"))
