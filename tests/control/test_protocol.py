"""Requests and answers as JSON lines."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.control.protocol import (
    PORTION,
    Denied,
    Granted,
    Kind,
    Mapped,
    Request,
    Value,
    parse_answer,
    parse_request,
    render_answer,
    render_request,
)

texts = st.text()
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)


@given(words=st.lists(texts).map(tuple), by=texts)
def test_requests_survive_the_wire(words: tuple[str, ...], by: str) -> None:
    """Whatever is asked arrives as it was said, on one line."""
    line = render_request(Request(words, by))
    assert line.count(b"\n") == 1
    assert parse_request(line) == Request(words, by)


@given(value=values, notes=st.lists(texts).map(tuple))
def test_values_survive_the_wire(value: object, notes: tuple[str, ...]) -> None:
    """Whatever is answered arrives as it was given."""
    assert parse_answer(b"".join(render_answer(Granted(value, notes)))) == Granted(value, notes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("denied", "text"),
    [
        (Denied(Kind.UNKNOWN_JAIL, "x"), "Sorry but the jail 'x' does not exist"),
        (Denied(Kind.ARGUMENTS, "expected: get <JAIL> NAME"), "Sorry but the command is invalid"),
        (Denied(Kind.KEY, "Invalid Action name: x"), "'Invalid Action name: x'"),
        (Denied(Kind.VALUE, "name 'abc' is not defined"), "name 'abc' is not defined"),
    ],
)
def test_denials_have_the_texts_that_users_know(denied: Denied, text: str) -> None:
    """A no has Fail2ban's text, and arrives with its kind and its bare fact."""
    assert denied.text == text
    assert parse_answer(b"".join(render_answer(denied))) == denied


@given(st.binary())
def test_bytes_that_are_no_request_are_an_error_and_nothing_else(line: bytes) -> None:
    """No bytes do more than raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_request(line)


MANY = b'{"words": [' + b",".join([b"1"] * 300_000) + b"]}"


@pytest.mark.parametrize(
    "line",
    [b"[" * 100_000, b"9" * 10_000, b'{"words": 3}', b'{"words": [[]]}', b"[]", b"{}", MANY],
    ids=["deep", "digits", "no list", "lists", "list", "empty", "many"],
)
def test_hostile_lines_are_refused(line: bytes) -> None:
    """Depth, huge numbers and wrong shapes are no requests."""
    with pytest.raises(ValueError):  # noqa: PT011 - any message will do
        parse_request(line)


def test_a_long_answer_comes_in_pieces() -> None:
    """Each is made when the one before has been sent, and together they are one line."""
    made: list[int] = []

    def make(number: int) -> dict[str, Value]:
        made.append(number)
        return {"address": f"192.0.2.{number}"}

    value: dict[str, Value] = {
        "bans": Mapped(range(100_000), make),
        "none": Mapped([], make),
        "few": Mapped([7], make),
        "nothing": {},
    }
    pieces = render_answer(Granted(value))
    first = next(pieces)
    assert len(made) < 10 * PORTION
    line = first + b"".join(pieces)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    bans: Value = [{"address": f"192.0.2.{number}"} for number in range(100_000)]
    assert parse_answer(line) == Granted({"bans": bans, "none": [], "few": [{"address": "192.0.2.7"}], "nothing": {}})


def test_a_mapped_list_is_a_list_to_whoever_looks() -> None:
    """It has a length, items and slices, and equals the list of what it makes."""
    doubled = Mapped([1, 2, 3], lambda number: number * 2)
    assert (len(doubled), doubled[0], doubled[1:], list(doubled)) == (3, 2, [4, 6], [2, 4, 6])
    assert doubled == [2, 4, 6]
    assert repr(doubled) == "<Mapped: 3 values>"


def test_a_kind_of_a_newer_server_is_a_plain_refusal() -> None:
    """A client understands a no whose kind it has never heard of."""
    assert parse_answer(b'{"error": "not today", "kind": "moon"}') == Denied(Kind.REFUSED, "not today")
