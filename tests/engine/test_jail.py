"""A running jail's parts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.house import DEMO, NOW

from sekisho.engine.jail import Jail
from sekisho.match.rule import RuleError
from sekisho.model.specs import BackendSpec, FilterSpec


def test_rules_that_do_not_hold_change_nothing() -> None:
    """A jail is not made of a bad expression, and one that runs goes on with the old ones."""
    bad = replace(DEMO, filter=FilterSpec("demo", ("(",)))
    with pytest.raises(RuleError):
        Jail(bad, reached={}, feeds_on_bans=False, now=NOW)
    jail = Jail(DEMO, reached={}, feeds_on_bans=False, now=NOW)
    before = jail.compiled
    with pytest.raises(RuleError):
        jail.recompile(bad, now=NOW)
    assert jail.compiled is before


def test_its_status_names_what_it_reads_and_what_ails_it() -> None:
    """A file jail shows files, a journal jail its matches; troubles are told."""
    jail = Jail(DEMO, reached={}, feeds_on_bans=False, now=NOW)
    jail.files = ("/memory.log",)
    jail.has_begun = True
    jail.troubles["/memory.log"] = "does not exist"
    status = jail.status()
    assert (status.files, status.journalmatch, status.health) == (("/memory.log",), (), ("does not exist",))
    spec = replace(DEMO, backend=BackendSpec("systemd"), journalmatch=("_COMM=demo",))
    journal = Jail(spec, reached={}, feeds_on_bans=False, now=NOW).status()
    assert (journal.files, journal.journalmatch) == ((), ("_COMM=demo",))


def test_a_year_far_ahead_is_no_date() -> None:
    """The daemon takes the years that Fail2ban takes: those up to the end of the decade that holds now + 3 years."""
    compiled = Jail(DEMO, reached={}, feeds_on_bans=False, now=NOW).compiled  # in 2027
    assert compiled.date_of(b"2039-01-01 10:00:00 x", NOW) is not None
    assert compiled.date_of(b"2040-01-01 10:00:00 x", NOW) is None
