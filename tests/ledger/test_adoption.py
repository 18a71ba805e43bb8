"""Another program's bans become ours once, in their order, and cost none that we have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sekisho.ledger.adoption import PastBan, Taken
from sekisho.ledger.ledger import Changes, Ledger
from sekisho.model.address import parse_subject
from sekisho.model.specs import PERMANENT
from sekisho.model.verdict import Ban, History, Release, Unban

ALICE = parse_subject("192.0.2.1")
NOW = 10_000.0


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Open a new ledger."""
    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    yield ledger
    ledger.close()


def ban(time: float, duration: float, *, count: int = 1) -> Ban:
    """Return a ban of Alice's."""
    return Ban("demo", ALICE, time, duration, failures=3, count=count, matches=("a line",))


def adopt(ledger: Ledger, *bans: Ban, stands: bool = True) -> Taken:
    """Take over bans, of which the last stands in the other program if `stands`."""
    last = len(bans) - 1
    return ledger.adopt([PastBan(each, stands=stands and place == last) for place, each in enumerate(bans)], now=NOW)


def test_what_stands_stands_and_what_is_over_counts(ledger: Ledger) -> None:
    """The standing ban is as it was made, and the history says how often and when."""
    taken = adopt(ledger, ban(1000, 600), ban(9000, 3600, count=2))
    assert (taken.standing, taken.past) == ([ban(9000, 3600, count=2)], [ban(1000, 600)])
    assert ledger.standing("demo", now=NOW) == [ban(9000, 3600, count=2)]
    assert ledger.history("demo", ALICE) == History(2, 9000)
    assert ledger.evidence("demo", ALICE)[0] == 6
    assert [each.time for each in ledger.recent(since=0)] == [1000, 9000]


def test_failures_that_led_to_it_count_no_more(ledger: Ledger) -> None:
    """What the other program has counted by the time of its ban is consumed, that second included."""
    adopt(ledger, ban(9000, 3600))
    (mark,) = ledger.consumed("demo", since=0).values()
    assert (mark.time, mark.ties) == (9000, 3)


def test_twice_is_once(ledger: Ledger) -> None:
    """The second time all are known, and of a third time only what is new since is taken."""
    bans = [ban(1000, 600), ban(9000, 3600, count=2)]
    adopt(ledger, *bans)
    again = adopt(ledger, *bans)
    assert (again.standing, again.past, again.known) == ([], [], {"demo": 2})
    later = adopt(ledger, *bans, ban(9500, 7200, count=3))
    assert later.standing == [ban(9500, 7200, count=3)]
    assert ledger.standing("demo", now=NOW) == later.standing
    assert len(ledger.recent(since=0)) == 3


def test_one_that_was_lengthened_there_is_here(ledger: Ledger) -> None:
    """The same ban with a later end replaces the end, and is put in force again."""
    adopt(ledger, ban(9000, 3600))
    assert adopt(ledger, ban(9000, 9999)).standing == [ban(9000, 9999)]
    assert [each.duration for each in ledger.standing("demo", now=NOW)] == [9999]


def test_our_own_ban_is_never_shortened(ledger: Ledger) -> None:
    """Ours for ever stays so, whether theirs is older or newer; theirs counts as history where it is newer."""
    ours = ban(9000, PERMANENT)
    ledger.commit(Changes(bans=[ours]), now=9000)
    for theirs in (ban(8000, 60), ban(8000, 9000), ban(9500, 3600)):
        assert adopt(ledger, theirs).standing == []
        assert ledger.standing("demo", now=NOW) == [ours]


def test_our_shorter_ban_ends_as_late_as_theirs(ledger: Ledger) -> None:
    """Theirs is older and lasts longer: ours lasts as long."""
    ledger.commit(Changes(bans=[ban(9000, 1200)]), now=9000)
    (longer,) = adopt(ledger, ban(8000, 9000)).standing
    assert (longer.time, longer.until) == (9000, 17_000)
    assert ledger.standing("demo", now=NOW) == [longer]


def test_theirs_stands_where_ours_is_over(ledger: Ledger) -> None:
    """Our later but shorter ban has ended; theirs has not, is put in force, and is known from then on."""
    ours = ban(9000, 60)
    ledger.commit(Changes(bans=[ours]), now=9000)
    ledger.commit(Changes(unbans=[Unban(ours, Release.EXPIRED)]), now=9061)
    theirs = ban(8000, 9000)
    assert adopt(ledger, theirs).standing == [theirs]
    assert adopt(ledger, theirs).known == {"demo": 1}


def test_whom_a_person_forgave_here_stays_forgiven(ledger: Ledger) -> None:
    """An unban by hand of an adopted ban holds when the database is adopted again; a new ban there counts anew."""
    theirs = ban(9000, 3600, count=5)
    adopt(ledger, theirs)
    ledger.commit(Changes(unbans=[Unban(theirs, Release.BY_HAND)]), now=9100)
    assert adopt(ledger, theirs).known == {"demo": 1}
    assert ledger.standing("demo", now=NOW) == []
    assert adopt(ledger, ban(9500, 3600)).standing == [ban(9500, 3600)]
