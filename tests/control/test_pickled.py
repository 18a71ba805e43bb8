"""Fail2ban's framing, with Python's own pickle as the other side."""

from __future__ import annotations

import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.control.pickled import END, parse_pickle, parse_request, render_answer, render_pickle
from sekisho.control.protocol import Denied, Granted, Kind, Value

texts = st.text()
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
requests = st.recursive(scalars, st.lists, max_leaves=12)


@given(value=requests, version=st.integers(2, pickle.HIGHEST_PROTOCOL))
def test_plain_values_are_read_as_pickle_wrote_them(value: object, version: int) -> None:
    """Lists, strings, numbers, booleans and None arrive, whichever protocol the client uses."""
    assert parse_pickle(pickle.dumps(value, version)) == value


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(texts, inner)))
def test_what_is_written_reads_as_it_was(value: Value) -> None:
    """A client of Fail2ban's gets the value that was answered, tuples as tuples."""
    assert pickle.loads(render_pickle(value)) == value


class Malice:
    """A pickle of this runs a program where it is read by `pickle.loads`."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.system, ("touch /tmp/sekisho-was-here",))


@pytest.mark.parametrize("hostile", [Malice(), [Malice()], {"a": 1}, {1, 2}, b"bytes", (1, 2), print, object])
@pytest.mark.parametrize("version", [2, 4, 5])
def test_nothing_but_plain_values_is_read(hostile: object, version: int) -> None:
    """A pickle that would call, look up or import anything is refused before it does."""
    with pytest.raises(ValueError, match="instruction 0x"):
        parse_pickle(pickle.dumps(hostile, version))


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_or_plain(data: bytes) -> None:
    """Whatever the bytes, the end is a value or a ValueError."""
    try:
        parse_pickle(b"\x80\x04" + data)
    except ValueError:
        return


def test_a_string_longer_than_the_frame_is_refused() -> None:
    """A size of four gigabytes allocates nothing."""
    with pytest.raises(ValueError, match="cut short"):
        parse_pickle(b"\x80\x04\x8d" + b"\xff" * 8 + b"x.")


def test_the_stream_of_a_reload_is_not_taken() -> None:
    """A foreign client sends its own reading of the configuration; only its options and the jail count."""
    frame = pickle.dumps(["reload", "sshd", ["--restart"], [["set", "sshd", "bantime", "1"]]])
    assert parse_request(frame).words == ("reload", "--restart", "sshd")


def test_an_error_is_an_exception_that_the_client_knows() -> None:
    """A no arrives as the pair (1, exception) before the end marker."""
    frame = render_answer(Denied(Kind.VALUE, "not banned: ['192.0.2.1']"))
    code, error = pickle.loads(frame.removesuffix(END))
    assert (code, type(error), error.args) == (1, ValueError, ("not banned: ['192.0.2.1']",))
    assert pickle.loads(render_answer(Granted("pong")).removesuffix(END)) == (0, "pong")
