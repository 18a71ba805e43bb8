"""Fail2ban's framing, with Python's own pickle as the other side."""

from __future__ import annotations

import pickle
import pickletools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.control.pickled import END, Reading, render_answer, render_complaint
from sekisho.control.protocol import FRAME_CAP, PIECE, PORTION, Answer, Denied, Granted, Kind, Mapped, Request, Value
from sekisho.control.unpickle import MoreThanValues

texts = st.text()
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts


def read(frame: bytes) -> Request:
    """Return the request in a frame, in as many goes as it takes."""
    reading = Reading(frame)
    while (request := reading.go_on()) is None:
        pass
    return request


def loaded(answer: Answer) -> Any:  # noqa: ANN401 - whatever it is
    """Return what a client in Python makes of an answer."""
    frame = b"".join(render_answer(answer))
    assert frame.endswith(END)
    return pickle.loads(frame.removesuffix(END))


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(texts, inner)))
def test_what_is_written_reads_as_it_was(value: Value) -> None:
    """A client of Fail2ban's gets the value that was answered, tuples as tuples."""
    assert loaded(Granted(value)) == (0, value)


@pytest.mark.parametrize("number", [0, 255, 256, 65535, 65536, -1, 2**31 - 1, -(2**31)])
def test_ordinary_numbers_are_no_long_ones(number: int) -> None:
    """Picklers in Go make an `int` of these instructions only, and exporters look for one."""
    frame = b"".join(render_answer(Granted(number))).removesuffix(END)
    names = {code.name for code, _, _ in pickletools.genops(frame)}
    assert names <= {"PROTO", "BININT1", "BININT2", "BININT", "TUPLE2", "STOP"}


def test_words_of_every_kind_are_what_would_have_been_typed() -> None:
    """Numbers and booleans as text, structures as JSON, None as nothing."""
    words = ["set", "demo", "action", "note", "f", {"a": [1, None, "ü"]}, True, 2.5, -1, None, ("x",)]
    wanted = ("set", "demo", "action", "note", "f", '{"a": [1, null, "\\u00fc"]}', "True", "2.5", "-1", "", '["x"]')
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert read(pickle.dumps(words, protocol)).words == wanted
    assert read(pickle.dumps(("ping",))).words == ("ping",)


def test_the_stream_of_a_reload_is_not_taken() -> None:
    """A foreign client sends its own reading of the configuration; only its options and the jail count."""
    stream = [["set", f"jail{number}", "addfailregex", f"^ {number} <HOST>$"] for number in range(20_000)]
    assert read(pickle.dumps(["reload", "sshd", ["--restart"], stream])).words == ("reload", "--restart", "sshd")


_LAUGHS = b"".join(b"](h%ch%ce\x94" % (number, number) for number in range(1, 40))


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x80\x04](X\x04\x00\x00\x00echo](N\x94h\x00e\x94" + _LAUGHS + b"e.",  # a billion laughs
        b"\x80\x04](X\x04\x00\x00\x00echo](N\x94h\x01\x94ee.",
        b"\x80\x04]\x94(h\x00h\x00e.",  # a list that is its own first word
        b"\x80\x04](X" + (1 << 20).to_bytes(4, "little") + b"x" * (1 << 20) + b"\x94" + b"h\x00" * 1000 + b"e.",
        b"\x80\x04](" + b"N" * (FRAME_CAP // 2) + b"e.",
        b"\x80\x04]\x8b" + (2_000_000).to_bytes(4, "little") + b"\x7f" * 2_000_000 + b"a.",
        b"\x80\x04" + b"]" * 1000 + b"a" * 999 + b".",
        pickle.dumps("ping"),
        pickle.dumps({"words": ["ping"]}),
    ],
    ids=["laughs", "memo", "itself", "repeated", "many", "digits", "deep", "text", "dict"],
)
def test_hostile_words_are_no_request(hostile: bytes) -> None:
    """What would fill memory once it is written out, and what is no list, is refused."""
    with pytest.raises(ValueError):  # noqa: PT011 - any message will do
        read(hostile)


def test_a_program_is_told_from_a_mistake() -> None:
    """Whoever logs it can say that the pickle would have done something."""
    with pytest.raises(MoreThanValues, match="GLOBAL"):
        read(pickle.dumps([print]))


def test_an_error_is_an_exception_that_the_client_knows() -> None:
    """A no arrives as the pair (1, exception) before the end marker."""
    code, error = loaded(Denied(Kind.VALUE, "not banned: ['192.0.2.1']"))
    assert (code, type(error), error.args) == (1, ValueError, ("not banned: ['192.0.2.1']",))
    assert b"cfail2ban.exceptions\nUnknownJailException\n" in b"".join(render_answer(Denied(Kind.UNKNOWN_JAIL, "x")))
    for kind in set(Kind) - {Kind.UNKNOWN_JAIL, Kind.DUPLICATE_JAIL}:
        assert isinstance(loaded(Denied(kind, "x"))[1], Exception)


def test_a_complaint_is_a_text() -> None:
    """What was no request is answered as Fail2ban answers it."""
    assert pickle.loads(render_complaint("expected a list").removesuffix(END)) == "ERROR: expected a list"


def test_a_long_answer_comes_in_pieces() -> None:
    """Each is made when the one before has been sent, and none is much longer than another."""
    made: list[int] = []

    def make(number: int) -> str:
        made.append(number)
        return f"192.0.2.{number}"

    pieces = render_answer(Granted([("Banned IP list", Mapped(range(100_000), make))]))
    first = next(pieces)
    assert PIECE <= len(first) < 2 * PIECE
    assert len(made) < 10 * PORTION
    whole = (first + b"".join(pieces)).removesuffix(END)
    assert pickle.loads(whole)[1] == [("Banned IP list", [f"192.0.2.{number}" for number in range(100_000)])]
