"""Whom a jail exempts and counts, and whom nobody may bar, in the world as it is at the moment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.house import DEMO, NOW, FakeClock

from sekisho.engine.guard import FRESH, SLACK, Guard
from sekisho.engine.jail import Jail
from sekisho.engine.screening import Screening
from sekisho.judge.exempt import Surroundings
from sekisho.model.address import Subject, parse_subject
from sekisho.model.specs import JailSpec
from sekisho.model.verdict import Ban, Failure

EVE, HERS, ANN = "2001:db8:bad::66", "2001:db8:bad::/64", "2001:db8:bad::1"
WIDE = replace(DEMO, ipv6_prefix=64)


@pytest.fixture
def guarded() -> dict[Subject, str]:
    """Who has a live session."""
    return {}


@pytest.fixture
def clock() -> FakeClock:
    """The time of day."""
    return FakeClock()


@pytest.fixture
def screening(guarded: dict[Subject, str], clock: FakeClock) -> Screening:
    """Screens under a guard that knows them."""
    return Screening(Guard(lambda: dict(guarded), clock, lambda: True))


def jail(spec: JailSpec = DEMO) -> Jail:
    """A jail of that specification."""
    return Jail(spec, reached={}, feeds_on_bans=False, now=NOW)


def failure(who: str) -> Failure:
    """A failure of somebody's."""
    return Failure(jail="demo", subject=parse_subject(who), time=NOW)


def test_an_address_that_the_host_gets_is_exempt_from_then_on(screening: Screening) -> None:
    """The screen is made anew when what it was made of is replaced."""
    demo = jail()
    assert screening.exempts(demo, failure("192.0.2.1")) is None
    screening.surroundings = Surroundings(own=frozenset({parse_subject("192.0.2.1")}))
    assert screening.exempts(demo, failure("192.0.2.1")) == "ignoreself rule"
    assert screening.exempts(demo, failure("192.0.2.2")) is None


def test_a_prefix_counts_for_its_addresses_until_somebody_guarded_is_in_it(
    screening: Screening, guarded: dict[Subject, str], clock: FakeClock
) -> None:
    """Then each address counts alone; a jail of single addresses never asks."""
    wide = jail(WIDE)
    assert screening.suspect(jail(), failure(EVE)).text == EVE
    assert screening.suspect(wide, failure(EVE)).text == HERS
    guarded[parse_subject(ANN)] = "live session"
    clock.time += SLACK
    assert screening.suspect(wide, failure(EVE)).text == EVE


def test_nobody_bars_a_network_with_somebody_guarded_in_it(
    screening: Screening, guarded: dict[Subject, str], clock: FakeClock
) -> None:
    """Neither a machine nor, without force, a person; and the reason is told."""
    guarded[parse_subject(ANN)] = "live session"
    clock.time += FRESH
    demo = jail()
    assert screening.forbids(demo, parse_subject(HERS)) == "live session"
    assert screening.spares(demo, Ban("demo", parse_subject(HERS), NOW, 600)) == "live session"
    assert screening.forbids(demo, parse_subject(EVE)) is None
    assert screening.spares(demo, Ban("demo", parse_subject(EVE), NOW, 600)) is None


def test_a_person_may_bar_an_ignored_address_but_no_network_around_it(screening: Screening) -> None:
    """Who names the address means it."""
    demo = jail(replace(DEMO, ignoreip=("192.0.2.1",)))
    assert screening.forbids(demo, parse_subject("192.0.2.1")) is None
    assert screening.forbids(demo, parse_subject("192.0.2.0/24")) == "192.0.2.1 in it is ignored"
