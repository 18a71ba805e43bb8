"""When lines were written, as a jail counts it (COMPAT 2.7)."""

from __future__ import annotations

import pytest
from tests.support.matching import NOON, block_of, failures, matcher_of, read

from sekisho.match.finding import Finding, Remark
from sekisho.match.placing import FARTHEST_BACK
from sekisho.model.block import Phase

CATCHUP, LIVE, REFILL = Phase.CATCHUP, Phase.LIVE, Phase.REFILL
HIT = b" from 192.0.2.1\n"


def remarks(findings: list[Finding]) -> list[str]:
    """The beginnings of what the administrator should read."""
    return [" ".join(each.text.split()[:4]) for each in findings if isinstance(each, Remark)]


@pytest.mark.parametrize(
    ("stamp", "seconds"), [(b"11:58:59", 0), (b"11:59:01", -59), (b"12:00:59", 59), (b"12:05:00", 0)]
)
def test_in_operation_a_line_far_from_now_happens_now(stamp: bytes, seconds: float) -> None:
    """Within a minute it keeps its own time; beyond, the clock or the zone is wrong, and that is said once a day."""
    matcher = matcher_of("from <HOST>$")
    findings = read(matcher, b"2026-07-14 " + stamp + HIT)
    assert failures(findings) == [("192.0.2.1", seconds)]
    assert remarks(findings) == ([] if seconds else ["Detected a log entry"])
    assert remarks(read(matcher, b"2026-07-14 " + stamp + HIT)) == []
    assert len(remarks(read(matcher, b"2026-07-14 11:00:00" + HIT, now=NOON + 86400))) == 1


@pytest.mark.parametrize("phase", [CATCHUP, REFILL])
def test_catching_up_old_lines_are_dropped_and_future_ones_are_now(phase: Phase) -> None:
    """Lines within findtime keep their time; one without a date takes the last."""
    matcher = matcher_of("from <HOST>$")
    assert failures(read(matcher, HIT, phase=phase)) == []
    findings = read(matcher, b"2026-07-14 11:49:59" + HIT, phase=phase)
    assert failures(findings) == []
    assert remarks(findings) == ["Ignoring all log entries"]
    assert failures(read(matcher, b"2026-07-14 11:50:01" + HIT, phase=phase)) == [("192.0.2.1", -599)]
    assert failures(read(matcher, HIT, phase=phase)) == [("192.0.2.1", -599)]
    assert failures(read(matcher, b"2026-07-14 12:30:00" + HIT, phase=phase)) == [("192.0.2.1", 0)]


def test_a_match_without_any_date_is_remarked() -> None:
    """Catching up, nothing can be counted then."""
    assert remarks(read(matcher_of("from <HOST>$"), HIT, phase=CATCHUP)) == ["Found a match but"]


def test_in_operation_a_line_without_a_date_happens_now() -> None:
    """Or when the last one did, if that is not a minute ago."""
    matcher = matcher_of("from <HOST>$")
    assert failures(read(matcher, HIT)) == [("192.0.2.1", 0)]
    assert failures(read(matcher, b"2026-07-14 11:59:30 other\n" + HIT)) == [("192.0.2.1", -30)]
    assert failures(read(matcher, HIT, now=NOON + 31)) == [("192.0.2.1", 31)]


def test_an_impossible_date_is_remarked_and_the_line_happens_now() -> None:
    """As Fail2ban words it."""
    findings = read(matcher_of("from <HOST>$"), b"2026-02-30 11:00:00" + HIT)
    assert failures(findings) == [("192.0.2.1", 0)]
    assert "findFailure failed to parse timeText: 2026-02-30 11:00:00" in [
        each.text for each in findings if isinstance(each, Remark)
    ]


def test_a_borrowed_date_leaves_the_line_whole() -> None:
    """What looked like a date and is none is searched too; where now is taken, it is cut."""
    matcher = matcher_of(r"^2026-02-30 11:00:00 from <HOST>$", r"^ from <HOST>$")
    line = b"2026-02-30 11:00:00" + HIT
    assert failures(read(matcher, line)) == [("192.0.2.1", 0)]
    assert matcher.examine("2026-02-30 11:00:00 from 192.0.2.1", now=NOON).hits[0].regex == 1
    dated = b"2026-07-14 11:59:30 other\n"
    assert failures(read(matcher, dated + line)) == [("192.0.2.1", -30)]


def test_the_nearest_earlier_date_is_found_however_the_lines_were_cut() -> None:
    """In the block, in the end of the block before, and not beyond the last candidate."""
    lines = [b"2026-07-14 11:52:00 a\n", b"stack\n", HIT, b"2026-07-14 11:53:00 b\n", b"trace\n", HIT, HIT]
    whole = b"".join(lines)
    expected = [("192.0.2.1", -480), ("192.0.2.1", -420), ("192.0.2.1", -420)]
    assert failures(read(matcher_of("from <HOST>$"), whole, phase=CATCHUP)) == expected
    matcher, found = matcher_of("from <HOST>$"), []
    for line in lines:
        found += failures(read(matcher, line, phase=CATCHUP))
    assert found == [("192.0.2.1", -480), ("192.0.2.1", -420), ("192.0.2.1", -420)]


def test_the_search_for_a_date_ends() -> None:
    """A long dump without dates costs a bounded look, and the last date known holds."""
    matcher = matcher_of("from <HOST>$")
    dump = b"2026-07-14 11:52:00 a\n" + b"x\n" * (FARTHEST_BACK + 10) + HIT
    assert failures(read(matcher, dump, phase=CATCHUP)) == []


def test_a_dateless_log_is_written_now() -> None:
    """`{NONE}` says so, even while catching up."""
    matcher = matcher_of("from <HOST>$", datepattern=["{NONE}"])
    assert failures(read(matcher, HIT, phase=CATCHUP)) == [("192.0.2.1", 0)]
    assert matcher.examine("from 192.0.2.1", now=NOON).hits[0].time == NOON


def test_each_source_has_its_own_habits() -> None:
    """The last date of one log says nothing about another."""
    matcher = matcher_of("from <HOST>$")
    read(matcher, b"2026-07-14 11:59:30 x\n" + HIT)
    other = block_of(HIT)
    findings = matcher.read(type(other)("/other", other.data, other.position, LIVE), [], now=NOON, findtime=600)
    assert findings == []
