"""What is remembered, and what a death at any moment leaves behind."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sekisho.ledger.ledger import Changes, Consumed, Ledger, LedgerError
from sekisho.model.address import parse_subject
from sekisho.model.position import FilePosition, JournalPosition, Position
from sekisho.model.specs import PERMANENT
from sekisho.model.verdict import Ban, Cause, History, Release, Unban

ALICE, BOB = parse_subject("192.0.2.1"), parse_subject("2001:db8::1")
BAN = Ban(
    "sshd",
    ALICE,
    1000.25,
    3600,
    failures=3,
    matches=("one", "two \udcff", "three"),
    captured={"user": "root", "users": ("a", "b")},
    address=BOB,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Open a new ledger."""
    ledger = Ledger(str(tmp_path / "state" / "ledger.sqlite"), most_matches=2)
    yield ledger
    ledger.close()
    while _AGAIN:
        _AGAIN.pop().close()


_AGAIN: list[Ledger] = []


def again(ledger: Ledger) -> Ledger:
    """Open the same file as a next start would, the first still open as after a kill."""
    _AGAIN.append(Ledger(ledger.path, most_matches=2))
    return _AGAIN[-1]


def test_a_ban_comes_back_as_it_was_made(ledger: Ledger) -> None:
    """All of a ban survives a restart: the newest lines (made storable), captured groups, the address behind."""
    ledger.commit(Changes(bans=[BAN]), now=1001)
    (back,) = again(ledger).standing("sshd", now=1002)
    assert back == replace(BAN, matches=("two ?", "three"))
    assert dict(back.captured) == {"user": "root", "users": ("a", "b")}
    assert again(ledger).standing("other", now=1002) == []


def test_bans_and_position_are_written_together_or_not_at_all(ledger: Ledger) -> None:
    """A transaction that cannot be finished leaves neither the ban nor the position."""
    good = FilePosition(10, 7, "aa")
    ledger.commit(Changes(positions={"/log": good}), now=1000)
    broken = replace(BAN, failures="no number")  # type: ignore[arg-type]
    with pytest.raises(LedgerError):
        ledger.commit(Changes(bans=[BAN, broken], positions={"/log": FilePosition(99, 7, "aa")}), now=1001)
    assert ledger.standing("sshd", now=1002) == []
    assert ledger.position("/log") == good


def test_positions_of_files_and_journals_come_back(ledger: Ledger) -> None:
    """Each kind of position is read as what it was."""
    positions: dict[str, Position] = {
        "/log": FilePosition(5, 2, "ab"),
        "journal": JournalPosition("s=1;i=2", 12.5),
    }
    ledger.commit(Changes(positions=positions), now=1)
    assert {source: again(ledger).position(source) for source in positions} == positions
    assert ledger.position("unread") is None


def test_a_prolonged_ban_ends_later(ledger: Ledger) -> None:
    """The standing ban changes; no second one appears."""
    ledger.commit(Changes(bans=[BAN]), now=1001)
    ledger.commit(Changes(prolonged=[replace(BAN, duration=PERMANENT)]), now=1002)
    (back,) = ledger.standing("sshd", now=99999)
    assert back.until is None


def test_what_ended_while_nobody_ran_stands_no_more(ledger: Ledger) -> None:
    """A start after a ban's end does not restore it, and the same subject can be banned again."""
    ledger.commit(Changes(bans=[BAN]), now=1001)
    assert ledger.standing("sshd", now=5000) == []
    ledger.commit(Changes(bans=[replace(BAN, time=6000)]), now=6000)
    assert [ban.time for ban in ledger.standing("sshd", now=6001)] == [6000]


def test_a_ban_replaces_one_that_an_earlier_life_left_open(ledger: Ledger) -> None:
    """Two bans of one subject never stand together in one jail."""
    ledger.commit(Changes(bans=[BAN]), now=1001)
    ledger.commit(Changes(bans=[replace(BAN, time=2000)]), now=2000)
    assert [ban.time for ban in ledger.standing("sshd", now=2001)] == [2000]


def test_the_history_counts_until_somebody_unbans_by_hand(ledger: Ledger) -> None:
    """A natural end keeps the count; an unban by hand forgives (COMPAT 3.3)."""
    assert ledger.history("sshd", ALICE) == History()
    ledger.commit(Changes(bans=[BAN]), now=1001)
    ledger.commit(Changes(unbans=[Unban(BAN, Release.EXPIRED)]), now=5000)
    assert ledger.history("sshd", ALICE) == History(1, 1000.25)
    second = replace(BAN, count=2, time=6000)
    ledger.commit(Changes(bans=[second]), now=6000)
    ledger.commit(Changes(unbans=[Unban(second, Release.BY_HAND)]), now=6001)
    assert ledger.history("sshd", ALICE) == History()
    assert [ban.time for ban in ledger.recent(since=0)] == [1000.25, 6000]


def test_a_history_over_all_jails_is_the_sum_of_the_latest(ledger: Ledger) -> None:
    """Each jail's newest ban holds its count, and the last time is the latest (COMPAT 3.5); one jail may forgive."""
    for ban in (BAN, replace(BAN, time=5000, count=2), replace(BAN, jail="demo", time=3000, count=4)):
        ledger.commit(Changes(bans=[ban]), now=ban.time)
    assert ledger.history(None, ALICE) == History(6, 5000)
    assert ledger.history("demo", ALICE) == History(4, 3000)
    ledger.commit(Changes(unbans=[Unban(replace(BAN, jail="demo"), Release.EXPIRED)]), now=8000)
    ledger.commit(Changes(forgotten=[("demo", ALICE)]), now=8001)
    assert ledger.history(None, ALICE) == History(2, 5000)


@pytest.mark.parametrize("jail", ["sshd", None])
def test_a_history_is_one_look_into_an_index(ledger: Ledger, jail: str | None) -> None:
    """However long the ledger, no ban costs a walk through it."""
    asked: list[str] = []
    ledger._db.set_trace_callback(asked.append)
    ledger.history(jail, ALICE)
    ledger._db.set_trace_callback(None)
    (query,) = asked
    plan = [row[3] for row in ledger._db.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert [step for step in plan if "bans_by_subject" in step]
    assert not [step for step in plan if step.startswith("SCAN")]


def test_whoever_is_forgotten_counts_from_one_again(ledger: Ledger) -> None:
    """`unban --all` forgives everybody in a jail whose ban is over, and lifts nobody who was not named (COMPAT 3.3)."""
    ledger.commit(Changes(bans=[BAN, replace(BAN, jail="demo")]), now=1001)
    ledger.commit(Changes(forgotten=[("sshd", None), ("demo", ALICE)]), now=1002)
    assert ledger.history(None, ALICE).count == 2
    ledger.commit(Changes(unbans=[Unban(BAN, Release.EXPIRED)]), now=5000)
    ledger.commit(Changes(forgotten=[("sshd", None)]), now=5001)
    assert ledger.history("sshd", ALICE) == History()
    assert ledger.history("demo", ALICE).count == 1


def test_a_long_ban_is_remembered_for_three_times_its_length(ledger: Ledger) -> None:
    """Whoever was barred for a month is still known when the month is over (COMPAT 3.7); a ban that stands stays."""
    long = replace(BAN, time=0, duration=10_000)
    short, standing = (
        replace(BAN, jail="demo", time=0, duration=10),
        replace(BAN, jail="ftp", time=0, duration=PERMANENT),
    )
    ledger.commit(Changes(bans=[long, short, standing]), now=0)
    ledger.commit(Changes(unbans=[Unban(ban, Release.EXPIRED) for ban in (long, short)]), now=10_001)
    assert ledger.purge(before=20_000) == 1
    assert ledger.history("sshd", ALICE).count == 1
    assert ledger.purge(before=30_001) == 1
    assert [ban.jail for ban in ledger.recent(since=0)] == ["ftp"]


def test_consumption_survives_and_is_the_newest(ledger: Ledger) -> None:
    """A restart learns up to where failures have led to a ban."""
    ledger.commit(Changes(bans=[BAN], consumed={("sshd", ALICE): Consumed(1000.0, 2)}), now=1001)
    ledger.commit(Changes(consumed={("sshd", ALICE): Consumed(1200.0, 1)}), now=1201)
    assert again(ledger).consumed("sshd", since=1100) == {ALICE: Consumed(1200.0, 1)}
    assert again(ledger).consumed("sshd", since=1300) == {}


def test_a_ban_by_hand_consumes_no_failure(ledger: Ledger) -> None:
    """Nobody failed for it; whoever fails after a restart has failed as often as without it."""
    ledger.commit(Changes(bans=[replace(BAN, cause=Cause.BY_HAND)]), now=1001)
    assert ledger.consumed("sshd", since=0) == {}


def test_a_ban_is_noted_as_enforced_once(ledger: Ledger) -> None:
    """A start puts every ban in force again, and those noted before are not written again; a longer end is."""
    ledger.commit(Changes(bans=[BAN]), now=1001)
    for now in (1002, 1003):
        ledger.mark_enforced([BAN], now=now)
    assert ledger._db.execute("SELECT enforced FROM bans").fetchall() == [(1002.0,)]
    ledger.commit(Changes(prolonged=[replace(BAN, duration=9000)]), now=1004)
    ledger.mark_enforced([BAN], now=1005)
    assert ledger._db.execute("SELECT enforced FROM bans").fetchall() == [(1005.0,)]


def test_readers_are_exactly_those_set_last(ledger: Ledger) -> None:
    """A jail that left a source is new to it when it returns."""
    ledger.commit(Changes(readers={"/log": ("sshd", "postfix")}), now=1000)
    ledger.commit(Changes(readers={"/log": ("sshd",)}), now=1000)
    assert ledger.readers("/log") == {"sshd"}


def test_purging_forgets_only_what_ended_long_ago(ledger: Ledger) -> None:
    """A standing ban is never purged, however old."""
    forever = Ban("sshd", BOB, 1, PERMANENT, cause=Cause.BY_HAND)
    ledger.commit(Changes(bans=[BAN, forever]), now=1001)
    ledger.commit(Changes(unbans=[Unban(BAN, Release.EXPIRED)]), now=5000)
    assert ledger.purge(before=5000) == 0
    assert ledger.purge(before=12_000) == 1
    assert ledger.standing("sshd", now=10**9) == [forever]


def test_the_file_is_for_root_only(ledger: Ledger) -> None:
    """Log lines are private; nobody else may read the evidence."""
    assert ledger.path is not None
    assert Path(ledger.path).stat().st_mode & 0o777 == 0o600


def test_it_moves_to_another_file_or_stays(ledger: Ledger, tmp_path: Path) -> None:
    """What the other file knows is known then; one that cannot be opened changes nothing."""
    ledger.commit(Changes(bans=[BAN]), now=1001)
    first = str(ledger.path)
    ledger.move(str(tmp_path / "other.sqlite"))
    assert ledger.standing("sshd", now=1002) == []
    (tmp_path / "broken").write_text("no database at all, and longer than a header of one" * 100)
    with pytest.raises(LedgerError):
        ledger.move(str(tmp_path / "broken"))
    assert ledger.standing("sshd", now=1002) == []
    ledger.move(first)
    assert len(ledger.standing("sshd", now=1002)) == 1


def test_fail2bans_database_is_refused_under_any_name(tmp_path: Path) -> None:
    """It is not ours to write to: neither its mode nor its journal is touched."""
    theirs = tmp_path / "bans.db"
    with contextlib.closing(sqlite3.connect(theirs)) as database:
        database.execute("CREATE TABLE fail2banDb (version INTEGER)")
    theirs.chmod(0o640)
    before = theirs.read_bytes()
    with pytest.raises(ValueError, match="is Fail2ban's own database"):
        Ledger(str(theirs))
    assert (theirs.read_bytes(), theirs.stat().st_mode & 0o777) == (before, 0o640)
    assert list(tmp_path.iterdir()) == [theirs]


def test_a_ledger_of_a_newer_release_is_refused(ledger: Ledger) -> None:
    """Going back a release must not damage what the newer one wrote."""
    assert ledger.path is not None
    with sqlite3.connect(ledger.path) as db:
        db.execute("INSERT INTO steps VALUES ('2099 something new')")
    db.close()
    with pytest.raises(ValueError, match="newer release"):
        again(ledger)


def test_what_cannot_be_stored_is_told_from_what_cannot_be_stored_now(ledger: Ledger) -> None:
    """Half a character is stored as a sign; a number beyond all bounds is refused for good."""
    subject = parse_subject("eve\udcff")
    ledger.commit(Changes(bans=[replace(BAN, subject=subject, reason="caf\udce9")]), now=1001)
    assert ledger.history("sshd", subject).count == 1
    ledger.commit(Changes(unbans=[Unban(replace(BAN, subject=subject), Release.BY_HAND)]), now=1002)
    assert ledger.standing("sshd", now=1002) == []
    with pytest.raises(LedgerError) as raised:
        ledger.commit(Changes(bans=[replace(BAN, duration=10**400)]), now=1003)
    assert raised.value.is_final


def test_another_programs_transaction_is_no_end(tmp_path: Path) -> None:
    """While somebody else holds the write lock, reading works and writing may be tried again."""
    path = str(tmp_path / "ledger.sqlite")
    ledger = Ledger(path)
    ledger.commit(Changes(bans=[BAN]), now=1000)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError) as raised:
            ledger.commit(Changes(positions={"/log": FilePosition(1, 1, "")}), now=1001)
        assert not raised.value.is_final
        assert [ban.subject for ban in ledger.standing("sshd", now=1001)] == [BAN.subject]
    ledger.close()
