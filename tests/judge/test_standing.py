"""The bans that stand, and which ends next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.judge.standing import Standing
from sekisho.model.address import Subject, parse_subject
from sekisho.model.specs import PERMANENT
from sekisho.model.verdict import Ban


def ban(host: str, start: float, duration: float) -> Ban:
    """Return a ban of `host`."""
    return Ban("demo", parse_subject(host), start, duration)


def test_a_ban_ends_strictly_after_its_end() -> None:
    """Ten seconds from 1000: still listed at 1009 and 1010, over at 1011 (COMPAT case 63)."""
    standing = Standing()
    standing.put(ban("192.0.2.1", 1000, 10))
    assert standing.take_due(1009) == []
    assert standing.take_due(1010) == []
    assert [due.subject.text for due in standing.take_due(1011)] == ["192.0.2.1"]
    assert len(standing) == 0


def test_a_prolonged_ban_keeps_its_place_and_ends_later() -> None:
    """The list shows bans in the order in which they were made; the old end is forgotten."""
    standing = Standing()
    first = ban("192.0.2.1", 1000, 10)
    standing.put(first)
    standing.put(ban("192.0.2.2", 1001, 10))
    standing.put(replace(first, duration=100))
    assert [b.subject.text for b in standing] == ["192.0.2.1", "192.0.2.2"]
    assert [b.subject.text for b in standing.take_due(1050)] == ["192.0.2.2"]
    assert standing.next_end() == 1100


def test_a_permanent_ban_never_ends() -> None:
    """There is no next end while only permanent bans stand."""
    standing = Standing()
    standing.put(ban("192.0.2.1", 1000, PERMANENT))
    assert standing.next_end() is None
    assert standing.take_due(1e12) == []


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 50), st.booleans()), max_size=200))
def test_whatever_comes_and_goes_exactly_the_overdue_end(steps: list[tuple[int, int, bool]]) -> None:
    """Put, replaced or removed at will, the due bans are those whose end has passed, as a plain dict would have it."""
    standing, model = Standing(), {}
    for host, duration, put in steps:
        one = ban(f"192.0.2.{host}", 0, duration)
        if put:
            standing.put(one)
            model[one.subject] = one
        else:
            standing.remove(one.subject)
            model.pop(one.subject, None)
    due = {b.subject for b in standing.take_due(25)}
    assert due == {subject for subject, b in model.items() if b.until is not None and b.until < 25}


def test_lifting_many_addresses_compares_none_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands lifted from among thousands are looked up; only a network is compared with every ban."""
    standing = Standing()
    for number in range(5):
        standing.put(ban(f"192.0.2.{number}", 1000 + number, 10))
    standing.put(ban("eve", 1000, 10))
    monkeypatch.setattr(Subject, "covers", None)
    asked = ["192.0.2.3", "192.0.2.1", "192.0.2.77", "eve", "192.0.2.1"]
    assert [each.subject.text for each in standing.covered(map(parse_subject, asked))] == [
        "192.0.2.3",
        "192.0.2.1",
        "eve",
    ]
    monkeypatch.undo()
    asked = ["192.0.2.2/31", "192.0.2.2", "eve"]
    assert {each.subject.text for each in standing.covered(map(parse_subject, asked))} == {
        "192.0.2.2",
        "192.0.2.3",
        "eve",
    }


HOSTS = st.builds("2001:db8::{:x}/{}".format, st.integers(0, 31), st.integers(120, 128))


@given(st.lists(st.tuples(HOSTS, st.booleans()), max_size=60), st.integers(0, 31))
def test_who_is_in_a_banned_network_is_barred_by_the_narrowest(steps: list[tuple[str, bool]], number: int) -> None:
    """Put and removed at will, the networks around an address are those that cover it, and its own ban goes first."""
    standing, asked = Standing(), parse_subject(f"2001:db8::{number:x}")
    for host, put in steps:
        one = ban(host, 0, 10)
        if put:
            standing.put(one)
        else:
            standing.remove(one.subject)
    around = sorted(
        (each for each in standing if each.subject != asked and each.subject.covers(asked)),
        key=lambda each: -int(each.subject.text.rpartition("/")[2]),
    )
    assert standing.around(asked) == around
    assert standing.barring(asked) == (standing.get(asked) or next(iter(around), None))
    assert standing.around(parse_subject("192.0.2.1")) == []


def test_what_is_no_address_is_in_no_network() -> None:
    """A user's name may be banned beside networks."""
    standing = Standing()
    for host in ("eve", "192.0.2.0/24"):
        standing.put(ban(host, 0, 10))
    assert [standing.barring(parse_subject(name)) for name in ("eve", "bob")] == [
        standing.get(parse_subject("eve")),
        None,
    ]
    standing.remove(parse_subject("eve"))
    assert [each.subject.text for each in standing.take_due(11)] == ["192.0.2.0/24"]
    assert standing.around(parse_subject("192.0.2.1")) == []
