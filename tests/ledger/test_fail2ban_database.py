"""A Fail2ban's database is read as its owner would read it, whatever lies in it, and is never touched."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from tests.support.fail2ban_file import EVIDENCE, make_database, row

from sekisho.ledger.fail2ban_database import ForeignError, Memory, read_database
from sekisho.model.specs import PERMANENT

NOW = 1_784_030_400.0


def read(path: Path) -> Memory:
    """Read a database now; the jail demo bans for two hours."""
    return read_database(path, now=NOW, bantimes={"demo": 7200})


def test_bans_come_with_times_counts_and_evidence(tmp_path: Path) -> None:
    """A ban in force has its jail, times, count, failures, groups, and its lines, whole or cut at their dates."""
    memory = read(make_database(tmp_path / "f", bans=[row("192.0.2.1", NOW - 10, 3600, 4)]))
    ((ban, stands),) = [(each.ban, each.stands) for each in memory.bans]
    assert stands
    assert (ban.jail, ban.subject.text, ban.time, ban.duration, ban.count) == ("demo", "192.0.2.1", NOW - 10, 3600, 4)
    assert (ban.failures, ban.matches) == (3, ("Nov 22 08:35:51 fail user=a", "Nov 22 08:35:52 fail"))
    assert dict(ban.captured) == {"user": "a"}
    assert memory.remarks == ()


def test_history_is_told_from_what_stands(tmp_path: Path) -> None:
    """Of three bans of one address the last stands; one that is over does not; a ban that was lengthened is one."""
    history = [
        *(row("192.0.2.1", NOW - 9000 + 3000 * number, 600, 1 + number) for number in range(3)),
        row("192.0.2.1", NOW - 3000, 6000, 3),
        row("192.0.2.2", NOW - 700, 600),
    ]
    memory = read(make_database(tmp_path / "f", bans=history, present=history[3:]))
    found = [(each.ban.subject.text, each.ban.count, each.ban.duration, each.stands) for each in memory.bans]
    assert found == [
        ("192.0.2.1", 1, 600, False),
        ("192.0.2.1", 2, 600, False),
        ("192.0.2.1", 3, 6000, True),
        ("192.0.2.2", 1, 600, False),
    ]


def test_permanent_and_unknown_ban_times(tmp_path: Path) -> None:
    """-1 is for ever; -2 is the jail's own, which decides whether it stands still."""
    bans = [row("192.0.2.1", 5, -1), row("192.0.2.2", NOW - 7000, -2), row("192.0.2.3", NOW - 7000, -2, jail="gone")]
    memory = read(make_database(tmp_path / "f", bans=bans))
    assert {each.ban.subject.text: (each.ban.duration, each.stands) for each in memory.bans} == {
        "192.0.2.1": (PERMANENT, True),
        "192.0.2.2": (7200, True),
        "192.0.2.3": (600, False),
    }


def test_any_text_is_an_identifier(tmp_path: Path) -> None:
    """A network, an IPv6 address and a name are kept; a name is barred at the address that its evidence has."""
    bans = [
        row("198.51.100.0/24", NOW),
        row("2001:DB8::1", NOW),
        ("demo", "some-id", NOW, 60, 1, '{"ip4": "192.0.2.9", "users": ["a", null]}'),
    ]
    found = {each.ban.subject.text: each.ban for each in read(make_database(tmp_path / "f", bans=bans)).bans}
    assert set(found) == {"198.51.100.0/24", "2001:db8::1", "some-id"}
    assert found["some-id"].target.text == "192.0.2.9"
    assert found["some-id"].captured["users"] == ("a", None)


def test_older_tables_tell_less_and_the_rest_is_derived(tmp_path: Path) -> None:
    """Version 2 has neither ban times nor counts: the jail's ban time holds, and the bans are counted."""
    bans = [row("192.0.2.1", NOW - 9000), row("192.0.2.1", NOW - 100), row("192.0.2.2", NOW - 9000)]
    memory = read(make_database(tmp_path / "f", bans=bans, version=2))
    found = [(each.ban.subject.text, each.ban.count, each.stands) for each in memory.bans]
    assert sorted(found) == [("192.0.2.1", 1, False), ("192.0.2.1", 2, True), ("192.0.2.2", 1, False)]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (("demo", "192.0.2.1", "noon", 60, 1, EVIDENCE), "its time is 'noon'"),
        (("demo", "192.0.2.1", -5, 60, 1, EVIDENCE), "its time is -5"),
        (("demo", "192.0.2.1", 5, "long", 1, EVIDENCE), "its ban time is 'long'"),
        (("demo", "192.0.2.1", 5, -7, 1, EVIDENCE), "its ban time is -7"),
        (("demo", " ", 5, 60, 1, EVIDENCE), "its address is ' '"),
        (("", "192.0.2.1", 5, 60, 1, EVIDENCE), "its jail is ''"),
    ],
)
def test_a_row_that_is_no_ban_costs_no_other(tmp_path: Path, broken: tuple[object, ...], why: str) -> None:
    """It is left out, and the remark says which row and why."""
    memory = read(
        make_database(tmp_path / "f", bans=[row("192.0.2.7", NOW), broken, row("192.0.2.8", NOW)], present=[])
    )
    assert [each.ban.subject.text for each in memory.bans] == ["192.0.2.7", "192.0.2.8"]
    assert memory.remarks == (f"row 2 of bans is left out: {why}",)


@pytest.mark.parametrize("evidence", ["{", b"\xff\xfe", "[]", 7, "[" * 100_000, '{"matches": 5, "failures": "x"}'])
def test_evidence_that_means_nothing_does_not_cost_the_ban(tmp_path: Path, evidence: object) -> None:
    """The ban stands without it, however the evidence is broken."""
    memory = read(make_database(tmp_path / "f", present=[("demo", "192.0.2.1", NOW, 60, 1, evidence)]))
    (only,) = memory.bans
    assert only.stands
    assert only.ban.matches == ()


def test_a_broken_page_loses_its_own_rows_only(tmp_path: Path) -> None:
    """With a page of the file overwritten, the rows before it and those behind it are read, and the loss is told."""
    bans = [row(f"10.0.{number // 250}.{number % 250}", NOW - 3000 + number) for number in range(2000)]
    path = make_database(tmp_path / "f", bans=bans, present=[])
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(data)
    memory = read(path)
    assert 1900 < len(memory.bans) < 2000
    assert any("cannot be read" in remark for remark in memory.remarks)
    assert {"10.0.0.0", "10.0.7.249"} <= {each.ban.subject.text for each in memory.bans}


def test_what_is_no_database_of_fail2ban_s_is_refused(tmp_path: Path) -> None:
    """No file, a folder, a pipe, noise, another program's tables, and one of a newer release."""
    (tmp_path / "noise").write_bytes(os.urandom(9000))
    sqlite3.connect(tmp_path / "empty").close()
    os.mkfifo(tmp_path / "pipe")
    make_database(tmp_path / "newer", version=5)
    for name, why in (
        ("none", "there is no database"),
        (".", "there is no database"),
        ("pipe", "there is no database"),
        ("noise", "file is not a database"),
        ("empty", "does not say its version"),
        ("newer", "its version is 5, 4 is known here"),
    ):
        with pytest.raises(ForeignError, match=why):
            read(tmp_path / name)


def test_the_file_is_only_read(tmp_path: Path) -> None:
    """Nothing appears beside it, and neither its bytes nor its time change."""
    path = make_database(tmp_path / "f", bans=[row("192.0.2.1", NOW)])
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    read(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_at_work_is_waited_for(tmp_path: Path) -> None:
    """While another holds its transaction we wait, and then see all of it."""
    path = make_database(tmp_path / "f", present=[row("192.0.2.1", NOW)])
    writer = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    writer.execute("INSERT INTO bips (jail, ip, timeofban, bantime) VALUES ('demo', '192.0.2.2', ?, 60)", (NOW,))
    found: list[Memory] = []
    reader = threading.Thread(target=lambda: found.append(read(path)))
    reader.start()
    writer.execute("COMMIT")
    reader.join(10)
    writer.close()
    assert [each.ban.subject.text for each in found[0].bans] == ["192.0.2.1", "192.0.2.2"]
