"""The differential cases of COMPAT section 9 that concern filters, dates and counting, each under its number.

| case | where |
|---|---|
| 19 | `model/test_duration` |
| 20, 21, 22, 23, 27, 28, 29, 30, 35, 36, 55, 56, 62 | here |
| 24, 25, 26, 61 (errors) | here, and all forms of patterns in `match/test_datepattern` |
| 31, 32, 59, 60 | `match/test_placing` |
| 33 | here, and `match/test_buffered` |
| 34 | `match/test_sessions` |
| 37, 57 | `judge/test_window`; here with the lines |
| 41 | `engine/test_engine`, `control/test_bans` |
| 42 | `judge/test_judge` |
| 52, 53, 54 | `cli/test_fail2ban_regex` |
| 61 (`get datepattern`), 62 (the setting) | `control/test_settings` |
| 63 | `judge/test_judge`, `judge/test_standing` |

What a real Fail2ban says about whole logs is asked in `system/test_oracle`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from tests.support.matching import JAIL, NOON, failures, matcher_of, read

from sekisho.config.load import load_filter
from sekisho.judge.judge import Judge
from sekisho.match.filter import compile_filter
from sekisho.match.finding import LineVerdict
from sekisho.match.matcher import Matcher
from sekisho.match.rule import RuleError
from sekisho.model.block import Phase
from sekisho.model.specs import FilterSpec, JailSpec
from sekisho.model.verdict import Ban, Failure

ANY = r"(?s)(?P<ip4>192\.0\.2\.1)"


def examine(line: str, *rules: str, **more: object) -> LineVerdict:
    """The verdict of a fresh filter, at NOON."""
    return matcher_of(*rules or (ANY,), **more).examine(line, now=NOON)  # type: ignore[arg-type]


def when(line: str, **more: object) -> str | None:
    """The date that is read in a line, in UTC; None where there is none."""
    verdict = examine(line, **more)
    return None if verdict.time is None else datetime.fromtimestamp(verdict.time, UTC).strftime("%Y-%m-%d %H:%M:%S")


def hosts(line: str, rule: str, **more: object) -> list[str]:
    """Whom a dated line concerns."""
    hits = examine(f"Jul 14 11:00:00 {line}", rule, **more).hits
    return [hit.subject.text for hit in hits if hit.subject is not None]


@pytest.mark.parametrize(
    ("case", "date", "expected"),
    [
        (20, "Jul 15 11:59:00", "2026-07-15 11:59:00"),
        (20, "Jul 15 12:00:01", "2025-07-15 12:00:01"),
        (20, "Dec 31 23:59:59", "2025-12-31 23:59:59"),
        (20, "12:30:00", "2026-07-13 12:30:00"),
        (20, "05-06-2026 11:00:00", "2026-06-05 11:00:00"),
        (22, "x 1784030400 y", None),
        (23, "20260714-11:00:00", "2026-07-14 11:00:00"),
        (2.8, "1999-07-14 11:00:00", None),
        (2.8, "2029-07-14 11:00:00", "2029-07-14 11:00:00"),
        (2.8, "2031-07-14 11:00:00", None),
        (2.9, "Jul 14 11:00:00.011", "2026-07-14 11:00:00"),
        (2.9, "jul 14 11:00:00", "2026-07-14 11:00:00"),
        (2.9, "[Tue Jul 14 11:00:00.123456 2026]", "2026-07-14 11:00:00"),
        (2.9, "+02:00 Jul 14 11:00:00", "2026-07-14 09:00:00"),
        (2.9, "PDT Jul 14 11:00:00", "2026-07-14 18:00:00"),
        (2.9, "2026-07-14T11:00:00+02:00", "2026-07-14 09:00:00"),
        (2.9, "2026-07-14 24:00:00", None),
        (2.9, "Jul 32", None),
        (2.9, "260714  11:00:00", "2026-07-14 11:00:00"),
        (2.9, "<07/14/26@11:00:00>", "2026-07-14 11:00:00"),
        (2.9, "Jul 14, 2026 11:00:00 PM", "2026-07-14 23:00:00"),
        (2.9, "@400000006a5616b000000000", "2026-07-14 11:00:00"),
    ],
)
def test_default_dates(case: float, date: str, expected: str | None) -> None:
    """Each line of cases 20, 22, 23 and of sections 2.8 and 2.9 (as 2.8, 2.9) has the date that was observed."""
    assert (case, when(f"{date} 192.0.2.1")) == (case, expected)


@pytest.mark.parametrize(
    ("case", "line", "remainder"),
    [
        (21, '1.2.3.4 - - [14/Jul/2026:11:00:00 +0200] "GET /"', '1.2.3.4 - - [] "GET /"'),
        (22, "audit(1784030400.123:45) x", "audit(:45) x"),
        (22, "x 1784030400 y", "x 1784030400 y"),
        (22, "[1784030400] x", "[] x"),
        (2.2, "[2026-07-14 11:00:00] x", "[] x"),
        (2.2, "Jul 14 11:59:00 h sshd[1]: x", " h sshd[1]: x"),
    ],
)
def test_what_is_cut(case: float, line: str, remainder: str) -> None:
    """Cases 21 and 22: the date goes, what stands around it stays."""
    assert (case, examine(line).remainder) == (case, remainder)


@pytest.mark.parametrize(
    ("case", "pattern", "line", "remainder"),
    [
        (24, "^%Y-%m-%d %H:%M:%S", "[2026-07-14 11:00:00] x", None),
        (24, "{^LN-BEG}%Y-%m-%d %H:%M:%S", "[2026-07-14 11:00:00] x", "[] x"),
        (25, "%Y-%m-%d %H:%M:%S", "a2026-07-14 11:00:00 x", None),
        (25, "{UNB}%Y-%m-%d %H:%M:%S", "a2026-07-14 11:00:00 x", "a x"),
        (26, '^(ts="{DATE}" )', 'ts="2026-07-14 11:00:00" x', "x"),
        (26, '^ts="{DATE}"', 'ts="2026-07-14 11:00:00" x', " x"),
    ],
)
def test_date_patterns(case: int, pattern: str, line: str, remainder: str | None) -> None:
    """Cases 24 to 26: where a pattern finds a date, and what it cuts."""
    verdict = examine(line, datepattern=[pattern])
    found = verdict.remainder if verdict.time is not None else None
    assert (case, found, when(line, datepattern=[pattern]) is None) == (case, remainder, remainder is None)


@pytest.mark.parametrize(
    ("zone", "line", "expected"),
    [
        ("UTC+0200", "2026-07-14 11:00:00", "2026-07-14 09:00:00"),
        ("UTC+0200", "2026-07-14 11:00:00Z", "2026-07-14 11:00:00"),
        ("+0200", "2026-07-14 11:00:00", "2026-07-14 09:00:00"),
        ("EST", "2026-07-14 11:00:00", "2026-07-14 16:00:00"),
    ],
)
def test_case_27_log_time_zones(zone: str, line: str, expected: str) -> None:
    """A zone in the line wins over the log's."""
    assert when(line, logtimezone=zone) == expected


@pytest.mark.parametrize("zone", ["Europe/Paris", "UTC+2"])
def test_case_27_zones_that_are_none(zone: str) -> None:
    """Refused as Fail2ban refuses them."""
    with pytest.raises(RuleError, match="Unknown or unsupported time zone"):
        matcher_of(ANY, logtimezone=zone)


@pytest.mark.parametrize(
    ("case", "rule", "line", "expected"),
    [
        (28, "^ x <HOST>$", "Jul 14 12:00:00 x 1.2.3.4", True),
        (28, "^ x <HOST>$", "[Jul 14 12:00:00] x 1.2.3.4", False),
        (29, "from <HOST>$", "Jul 14 12:00:00 from 1.2.3.4", True),
        (29, "from <HOST>$", "Jul 14 12:00:00 from 1.2.3.4 ", False),
    ],
)
def test_anchors(case: int, rule: str, line: str, *, expected: bool) -> None:
    """Cases 28 and 29: anchors hold for what the cut leaves, blanks at the end included."""
    assert (case, examine(line, rule).matched) == (case, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2.3.400", ["1.2.3.400"]),
        ("::ffff:1.2.3.4", ["1.2.3.4"]),
        ("[2001:DB8::1]", ["2001:db8::1"]),
        ("example.com", []),
    ],
)
def test_case_30_identifiers_without_dns(text: str, expected: list[str]) -> None:
    """Addresses are put into their usual form, what only looks like one is kept, a name is nobody."""
    assert hosts(f"from {text}", "from <HOST>$", usedns="no") == expected


def test_case_33_three_lines_report_once() -> None:
    """With maxlines 3, the start of a pair is used up by its first end, and a pair too far apart is none."""
    matcher = matcher_of(r"^ start (\S+)<SKIPLINES> end \1 <HOST>$", maxlines=3)
    story = ["start a", "noise", "end a 1.1.1.1", "end a 1.1.1.1", "start b", "n", "n2", "end b 1.1.1.1"]
    verdicts = [matcher.examine(f"Jul 14 11:59:00 {line}", now=NOON) for line in story]
    assert [len(each.hits[0].matches) if each.hits else 0 for each in verdicts] == [0, 0, 2, 0, 0, 0, 0, 0]


def sshd(mode: str, story: Sequence[str]) -> list[int | None]:
    """What stock sshd makes of one connection: the number of lines behind each failure, None for no failure."""
    spec = load_filter(None, "sshd", {"mode": mode}, journal=False)
    matcher = Matcher(compile_filter(spec, usedns="no", last_year=2029), jail=JAIL)
    found: list[int | None] = []
    for line in story:
        hits = matcher.examine(f"Jul 14 11:59:00 srv sshd[123]: {line}", now=NOON).hits
        found.append(len(hits[0].matches) if hits and hits[0].counts else None)
    return found


@pytest.mark.parametrize(("mode", "last"), [("normal", None), ("aggressive", 1)])
def test_case_35_too_many_keys(mode: str, last: int | None) -> None:
    """Keys that fail are context until the server has had enough; the close counts in mode aggressive only."""
    key = "Failed publickey for root from 192.0.2.1 port 4711 ssh2: RSA SHA256:x"
    enough = "Disconnecting: Too many authentication failures for root [preauth]"
    closed = "Connection closed by 192.0.2.1 port 4711 [preauth]"
    assert sshd(mode, [key, key, enough, closed]) == [None, None, 3, last]


def test_case_36_two_users_in_one_session() -> None:
    """A second name is an attack, and getting in as the first does not undo it."""
    keys = [f"{how} publickey for {user} from 192.0.2.1 port 4711 ssh2: RSA SHA256:x" for how, user in (
        ("Failed", "u1"), ("Failed", "u2"), ("Accepted", "u1"))]  # fmt: skip
    assert sshd("normal", keys) == [None, 2, 1]


@pytest.mark.parametrize(
    ("times", "banned"), [((0, 300, 600), True), ((0, 300, 601), True), ((0, 500, 1000), False), ((0, 0, 700), True)]
)
def test_case_37_how_failures_fade(times: tuple[int, ...], *, banned: bool) -> None:
    """Read from lines, with maxretry 3 and findtime 600: old failures fade to a rate, they do not leave one by one."""
    begin = NOON - 1200
    data = "".join(f"{int(begin + at)} from 192.0.2.1\n" for at in times).encode()
    found = read(matcher_of("from <HOST>$"), data, phase=Phase.CATCHUP, findtime=7200)
    assert failures(found) == [("192.0.2.1", at - 1200) for at in times]
    judge = Judge(JailSpec(JAIL, FilterSpec(JAIL, ()), maxretry=3, findtime=600))
    events = [
        verdict
        for each in found
        if isinstance(each, Failure)
        for verdict in judge.decide(each, now=each.time, standing=None)
    ]
    assert any(isinstance(each, Ban) for each in events) is banned


def test_case_55_an_alternative_with_a_bare_digit() -> None:
    """`<F-ALT_USER2>` fills `user2`; it takes `<F-ALT_USER_2>` to fill `user`."""
    line = "Jul 14 11:00:00 bob from 192.0.2.1"
    bare = examine(line, r"<F-ALT_USER2>\S+</F-ALT_USER2> from <HOST>").hits[0].captured
    assert (bare.get("user"), bare.get("user2")) == (None, "bob")
    underlined = examine(line, r"<F-ALT_USER_2>\S+</F-ALT_USER_2> from <HOST>").hits[0].captured
    assert underlined.get("user") == "bob"


def test_case_56_an_id_with_a_slash() -> None:
    """An id is what it is, as it is since 1.1."""
    assert hosts("id=foo/bar", r"id=<F-ID>\S+</F-ID>") == ["foo/bar"]


@pytest.mark.parametrize(
    ("patterns", "error"),
    [
        (["%Y-%m-%d", "%Y-%m-%d"], "There is already a template with name Year-Month-Day"),
        (["%Q-%m-%d"], "unescaped percent char"),
    ],
)
def test_case_61_patterns_that_are_refused(patterns: list[str], error: str) -> None:
    """One that comes twice, and one with a field that nobody knows."""
    with pytest.raises(RuleError, match=error):
        matcher_of(ANY, datepattern=patterns)


def test_case_62_an_unknown_way_to_use_the_dns() -> None:
    """The safe one is taken: names are nobody."""
    assert hosts("from example.com", "from <HOST>$", usedns="bogus") == []
    assert hosts("from example.com", "from <HOST>$", usedns="raw") == ["example.com"]
