"""What follows from failures, in one jail."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sekisho.judge.judge import Judge, Reached, capped, prolong
from sekisho.model.address import Subject, parse_subject
from sekisho.model.specs import PERMANENT, EscalationSpec, FilterSpec, JailSpec
from sekisho.model.verdict import AlreadyBanned, Ban, Counted, Expired, Failure, KnownBad

ALICE = parse_subject("192.0.2.1")
SPEC = JailSpec("demo", FilterSpec("demo", ("x",)), maxretry=3, findtime=600, bantime=3600)


def failure(when: float) -> Failure:
    """Return a failure of Alice at `when`."""
    return Failure("demo", ALICE, when, (f"line at {when}",))


def test_the_third_failure_bans_and_the_count_begins_anew() -> None:
    """Two failures ban nobody; the third bans from its own time, with all its evidence; a fourth is a first."""
    judge = Judge(SPEC)
    for when in (1000, 1001):
        assert judge.decide(failure(when), now=when, standing=None) == [Counted(failure(when), when - 999)]
    counted, ban = judge.decide(failure(1002), now=1002, standing=None)
    assert counted == Counted(failure(1002), 3)
    assert isinstance(ban, Ban)
    assert (ban.time, ban.until, ban.failures) == (1002, 4602, 3)
    assert ban.matches == ("line at 1000", "line at 1001", "line at 1002")
    assert judge.decide(failure(1003), now=1003, standing=ban) == [Counted(failure(1003), 1)]


def test_a_ban_that_would_be_over_is_not_made() -> None:
    """Bantime -5 makes every ban expire at once; bantime 0 still makes one (COMPAT case 63)."""
    over = Judge(replace(SPEC, maxretry=1, bantime=-5)).decide(failure(1000), now=1000, standing=None)
    assert isinstance(over[1], Expired)
    moment = Judge(replace(SPEC, maxretry=1, bantime=0)).decide(failure(1000), now=1000, standing=None)
    assert isinstance(moment[1], Ban)


def test_reaching_maxretry_again_prolongs_the_standing_ban() -> None:
    """Bantime 7, ban at 34, maxretry reached again at 37: the ban still began at 34 and lasts 10 (COMPAT case 42)."""
    standing = Ban("demo", ALICE, 34, 7)
    verdict = Judge(replace(SPEC, maxretry=1, bantime=7)).decide(failure(37), now=37, standing=standing)[1]
    assert isinstance(verdict, AlreadyBanned)
    assert verdict.prolonged == replace(standing, duration=10)


def test_a_permanent_ban_cannot_be_prolonged_and_can_replace_a_shorter() -> None:
    """Nothing ends later than never."""
    forever = Ban("demo", ALICE, 10, PERMANENT)
    assert prolong(forever, Ban("demo", ALICE, 20, 100)) is None
    longer = prolong(Ban("demo", ALICE, 20, 100), forever)
    assert longer is not None
    assert longer.until is None


def test_a_stored_ban_shrinks_to_the_present_bantime() -> None:
    """A permanent ban of yesterday ends with today's bantime; one within it is left alone (COMPAT 3.4)."""
    assert capped(Ban("demo", ALICE, 1000, PERMANENT), reached=1000, spec=SPEC).until == 4600
    assert capped(Ban("demo", ALICE, 1000, 60), reached=1000, spec=SPEC).until == 1060
    assert capped(Ban("demo", ALICE, 1000, 3900), reached=1300, spec=SPEC).until == 4900
    growing = replace(SPEC, escalation=EscalationSpec(increment=True))
    assert capped(Ban("demo", ALICE, 1000, 99999), reached=1000, spec=growing).duration == 99999
    growing = replace(SPEC, escalation=EscalationSpec(increment=True, maxtime=5000))
    assert capped(Ban("demo", ALICE, 1000, PERMANENT), reached=1000, spec=growing).duration == 5000


def test_a_known_offenders_failure_counts_again() -> None:
    """One line reaches maxretry 3 where it weighs 3, on one line of evidence; a counter that is gone is left alone."""
    judge = Judge(SPEC)
    known = KnownBad(failure(1000), 2, 3, bans=True)
    judge.decide(failure(1000), now=1000, standing=None)
    (ban,) = judge.aggravate(known, now=1000, standing=None)
    assert isinstance(ban, Ban)
    assert (ban.failures, ban.matches) == (3, ("line at 1000",))
    assert judge.aggravate(known, now=1000, standing=None) == []
    assert len(judge.windows) == 0


def test_refilling_skips_what_a_ban_has_consumed() -> None:
    """After a restart, the failures behind the last ban count no more; the one after it, in the same second, does."""
    judge = Judge(SPEC, reached={ALICE: Reached(1002, 2)})
    for when in (1001, 1002, 1002, 1002):
        judge.refill(failure(when), now=1010)
    assert judge.decide(failure(1011), now=1011, standing=None)[0] == Counted(failure(1011), 2)


HERD = parse_subject("192.0.2.0/24")


@given(
    steps=st.lists(st.tuples(st.integers(1000, 1500), st.integers(1, 9)), max_size=40).map(sorted),
    cut=st.integers(0, 40),
)
def test_a_prefix_is_judged_as_one_address_would_be_that_did_it_all(steps: list[tuple[int, int]], cut: int) -> None:
    """Whichever of its addresses fail, the same lines ban, before and after a restart; the ban is the prefix's."""

    def bans(judge: Judge, lines: list[tuple[int, int]], whom: str, against: Subject) -> list[tuple[int, Subject]]:
        found = []
        for when, number in lines:
            each = failure(when)._replace(subject=parse_subject(whom.format(number)))
            verdicts = judge.decide(each, now=when, standing=None, against=against)
            assert verdicts[0] == Counted(each, verdicts[0].retry)  # type: ignore[union-attr]
            found += [(when, ban.subject) for ban in verdicts[1:] if isinstance(ban, Ban)]
        return found

    alone = bans(Judge(SPEC), steps, "192.0.2.1", ALICE)
    first = Judge(SPEC)
    banned = bans(first, steps[:cut], "192.0.2.{}", HERD)
    second = Judge(SPEC, reached=first.reached)
    for when, number in steps[:cut]:
        each = failure(when)._replace(subject=parse_subject(f"192.0.2.{number}"))
        second.refill(each, now=steps[:cut][-1][0], against=HERD)
    second.end_refill()
    banned += bans(second, steps[cut:], "192.0.2.{}", HERD)
    assert banned == [(when, HERD) for when, _ in alone]


def test_what_an_address_was_banned_for_counts_no_more_for_its_prefix() -> None:
    """It was judged alone then; of the same second, one failure came after its ban and counts."""
    judge = Judge(SPEC, reached={ALICE: Reached(1002, 2)})
    for when in (1001, 1002, 1002, 1002):
        judge.refill(failure(when), now=1010, against=HERD)
    assert judge.decide(failure(1011), now=1011, standing=None, against=HERD)[0] == Counted(failure(1011), 2)


@given(
    times=st.lists(st.integers(1000, 1500), max_size=40).map(sorted),
    cut=st.integers(0, 40),
)
def test_a_restart_between_any_two_lines_changes_no_ban(times: list[int], cut: int) -> None:
    """Judging all lines, or some, dying, refilling and judging the rest, bans at the same lines."""

    def bans(judge: Judge, lines: list[int]) -> list[int]:
        return [when for when in lines if len(judge.decide(failure(when), now=when, standing=None)) > 1]

    whole = bans(Judge(SPEC), times)
    before, after = times[:cut], times[cut:]
    first = Judge(SPEC)
    banned = bans(first, before)
    second = Judge(SPEC, reached=first.reached)
    for when in before:
        second.refill(failure(when), now=before[-1])
    second.end_refill()
    assert banned + bans(second, after) == whole


def test_a_ban_from_the_future_bars_nobody_now() -> None:
    """The clock was years ahead and has been set right: the kernel has let Alice go, so she is barred anew."""
    judge = Judge(replace(SPEC, maxretry=1))
    ahead = Ban("demo", ALICE, 900_000_000, 3600)
    assert isinstance(judge.decide(failure(1000), now=1000, standing=ahead)[1], Ban)
    forever = replace(ahead, duration=PERMANENT)
    assert isinstance(judge.decide(failure(1000), now=1000, standing=forever)[1], AlreadyBanned)
