"""Whoever comes back stays out longer, and is known sooner (COMPAT 3.5); the numbers are Fail2ban's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sekisho.judge.escalation import Escalation, known_bad
from sekisho.judge.formula import FormulaError
from sekisho.model.address import parse_subject
from sekisho.model.duration import LONGEST
from sekisho.model.specs import PERMANENT, EscalationSpec
from sekisho.model.verdict import Ban, Failure, History

ON = EscalationSpec(increment=True)
EVE = parse_subject("192.0.2.66")
BAN = Ban("demo", EVE, 1000.0, 600)
EXPONENTIAL = "ban.Time * math.exp(float(ban.Count) * banFactor)"


@pytest.mark.parametrize(
    ("spec", "times"),
    [
        (ON, {0: 600, 1: 1200, 2: 2400, 3: 4800, 10: 614400, 20: 629145600, 25: 629145600}),
        (replace(ON, factor="2"), {1: 2400, 2: 4800, 3: 9600}),
        (replace(ON, factor="24 * 60 / 720"), {1: 2400}),
        (
            replace(ON, factor="2", multipliers=(1, 5, 30, 60)),
            {0: 1200, 1: 6000, 2: 36000, 3: 72000, 4: 72000, 9: 72000},
        ),
        (replace(ON, factor="2", formula=EXPONENTIAL), {0: 600, 1: 4433.43, 2: 32758.89}),
        (replace(ON, formula="ban.Time/10"), {1: 600, 9: 600}),
        (replace(ON, maxtime=3000), {1: 1200, 2: 2400, 3: 3000, 20: 3000}),
        (replace(ON, formula="9 ** 9 ** 9"), {1: LONGEST}),
    ],
)
def test_the_ban_time_grows_as_fail2bans_does(spec: EscalationSpec, times: dict[int, float]) -> None:
    """A plain ban time of 600 s, after so many bans."""
    escalation = Escalation(spec)
    assert {count: escalation.ban_time(600, count) for count in times} == pytest.approx(times, abs=0.005)


def test_chance_is_added_last_and_may_go_beyond_the_longest() -> None:
    """`rndtime` keeps a botnet from knowing when it is let in again; the number is handed in."""
    escalation = Escalation(replace(ON, maxtime=1000, rndtime=60))
    assert [escalation.ban_time(600, 3, chance=chance) for chance in (0.0, 0.5)] == [1000, 1030]


def test_a_first_ban_a_ban_for_ever_and_a_shorter_result_stay_as_they_are() -> None:
    """Only who was banned before is held longer, nobody shorter, and never by a fraction of a second."""
    escalation = Escalation(replace(ON, rndtime=9))
    before = History(1, 500)
    assert escalation.lengthened(BAN, History(), chance=0.9) is BAN
    assert escalation.lengthened(replace(BAN, duration=PERMANENT), before, chance=0.9).duration == PERMANENT
    assert Escalation(replace(ON, maxtime=60)).lengthened(BAN, before, chance=0) is BAN
    assert escalation.lengthened(BAN, before, chance=0.5).duration == 1204


def test_a_formula_without_a_value_leaves_the_plain_ban_time() -> None:
    """An administrator's slip lets nobody in."""
    assert Escalation(replace(ON, formula="1 / (ban.Count - 1)")).lengthened(BAN, History(1, 1), chance=0) is BAN


@pytest.mark.parametrize("factor", ["0", "0 - 1", "9 ** 9 ** 9", "two"])
def test_a_factor_is_a_positive_number(factor: str) -> None:
    """Anything else is a mistake, told when it is read."""
    with pytest.raises(FormulaError):
        Escalation(replace(ON, factor=factor))


def test_a_known_offender_reaches_maxretry_sooner() -> None:
    """After 1, 2, 3, 4 bans a failure weighs 2, 3, 5, 9, but never more than maxretry."""
    failure = Failure("demo", EVE, 2000.0)
    known = [known_bad(failure, History(count, 1000), maxretry=5) for count in (1, 2, 3, 4, 99)]
    assert [(each.weight, each.bans) for each in known if each] == [
        (2, False),
        (3, False),
        (5, True),
        (5, True),
        (5, True),
    ]
    assert known_bad(failure, History(4, 1000), maxretry=100) is not None


@pytest.mark.parametrize(
    ("before", "maxretry"), [(History(), 5), (History(3, 2001), 5), (History(3, 1000), 1)], ids=["new", "late", "one"]
)
def test_who_is_not_known_counts_like_anybody(before: History, maxretry: int) -> None:
    """A line from before the last ban counts once, and with maxretry 1 there is nothing to add."""
    assert known_bad(Failure("demo", EVE, 2000.0), before, maxretry=maxretry) is None
