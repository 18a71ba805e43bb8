"""The closed unpickler, with Python's own pickle, and what picklers of other languages write, as the other side."""

from __future__ import annotations

import contextlib
import os
import pickle
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.control.unpickle import MoreThanValues, Unpickler

texts = st.text()
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(texts, inner), max_leaves=12
)
protocols = st.integers(0, pickle.HIGHEST_PROTOCOL)


def read(data: bytes) -> object:
    """Return the value of a pickle, read one instruction at a time."""
    machine = Unpickler(data)
    while not machine.run(1):
        pass
    return machine.value


@given(value=values, protocol=protocols)
def test_plain_values_are_read_as_pickle_wrote_them(value: object, protocol: int) -> None:
    """Lists, tuples, dicts, text, numbers, booleans and None arrive, whichever protocol the client uses."""
    assert read(pickle.dumps(value, protocol)) == value


@given(value=values, protocol=protocols)
def test_the_pickler_that_is_written_in_python_is_read_too(value: object, protocol: int) -> None:
    """It spells some values otherwise than the one in C."""
    assert read(pickle._dumps(value, protocol)) == value  # type: ignore[attr-defined]


@given(st.binary(max_size=300))
def test_bytes_are_read_as_text(data: bytes) -> None:
    """A client in Python 3 that sends bytes, short or long, means text."""
    for protocol in (3, 4, 5):
        assert read(pickle.dumps(data, protocol)) == data.decode("utf-8", "replace")
    assert read(pickle.dumps(bytearray(data), 5)) == data.decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b"(lp0\nS'status'\np1\naS'sshd'\np2\na.", ["status", "sshd"]),  # Python 2, protocol 0
        (b"]q\x00(U\x06statusq\x01U\x04sshdq\x02e.", ["status", "sshd"]),  # Python 2, protocol 1
        (b"\x80\x02]q\x01(U\x06statusq\x02U\x04sshdq\x03e.", ["status", "sshd"]),  # Python 2, protocol 2
        (b"](U\x06statusU\x04sshde.", ["status", "sshd"]),  # Go's og-rek, as exporters use it
        (b"\x80\x02(X\x06\x00\x00\x00statusX\x04\x00\x00\x00sshdl.", ["status", "sshd"]),
        (b"(S'a\\x00\\'\\n\\\\x'\nS\"it's\"\nT\x01\x00\x00\x00zt.", ("a\0'\n\\x", "it's", "z")),
        (b"(I01\nI00\nI-7\nL12345678901234567890L\nF0.5\nl.", [True, False, -7, 12345678901234567890, 0.5]),
        (b"(V\\u95a2\\u6240\np5\ng5\nt.", ("関所", "関所")),
        (b"(dp0\nS'a'\nI1\ns.", {"a": 1}),
        (b"(S'a'\nI1\nd.", {"a": 1}),
    ],
)
def test_other_picklers_are_read(written: bytes, value: object) -> None:
    """The spellings of Python 2 and of Go, byte by byte as they write them."""
    assert read(written) == pickle.loads(written) == value


class Malice:
    """A pickle of this runs a program where it is read by `pickle.loads`."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.system, ("touch /tmp/sekisho-was-here",))


@pytest.mark.parametrize("hostile", [Malice(), [Malice()], {"a": Malice()}, {1, 2}, print, object, 1j, range(3)])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_but_plain_values_is_read(hostile: object, protocol: int) -> None:
    """A pickle that would call, look up or import anything is refused at the instruction that begins it."""
    with pytest.raises(MoreThanValues, match=r"the instruction (GLOBAL|STACK_GLOBAL|INST|EMPTY_SET)$"):
        read(pickle.dumps(hostile, protocol))


@pytest.mark.parametrize("code", b"cRbioP\x51\x81\x82\x83\x84\x8f\x90\x91\x92\x93\x97\x980123")
def test_every_other_instruction_is_refused(code: int) -> None:
    """Those that import, call, build, refer to persistent or foreign objects; those of no pickler of plain values."""
    with pytest.raises(MoreThanValues):
        read(b"\x80\x04](X\x02\x00\x00\x00osX\x06\x00\x00\x00system" + bytes((code,)) + b"os\nsystem\n.")


@given(st.sampled_from([b"", b"\x80\x04", b"(", b"]("]), st.binary(max_size=300))
def test_random_bytes_are_refused_or_plain(start: bytes, data: bytes) -> None:
    """Whatever the bytes, the end is a value or a ValueError."""
    with contextlib.suppress(ValueError):
        read(start + data)


@given(values, protocols, st.data())
def test_a_pickle_that_is_cut_short_is_refused(value: object, protocol: int, data: st.DataObject) -> None:
    """Wherever it is cut."""
    whole = pickle.dumps(value, protocol)
    with pytest.raises(ValueError):  # noqa: PT011 - any message will do
        read(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize(
    ("bomb", "why"),
    [
        (b"\x80\x04\x8d" + b"\xff" * 8 + b"x.", "cut short"),  # text of sixteen exabytes
        (b"T" + struct.pack("<i", -1) + b"x.", "cut short"),
        (b"I" + b"9" * 1_000_000 + b"\n.", "too many digits"),
        (b"L" + b"9" * 1_000_000 + b"L\n.", "too many digits"),
        (b"F" + b"9" * 1_000_000 + b"\n.", "too many digits"),
        (b"(" * 1_000_000 + b".", "too deep"),
        (b"}(K\x01K\x02K\x03u.", "keys that are no text"),
        (b"}](K\x01es.", "inconsistent"),
        (b"}(X\x01\x00\x00\x00au.", "without their values"),
        (b"Na.", "inconsistent"),
        (b"NNa.", "no list"),
        (b"h\x07.", "never knew"),
        (b"Np99999999999\n.", "inconsistent"),
        (b"S'\\d'\n.", "unknown escape"),
        (b"Sx\n.", "quotes"),
        (b"NN.", "one value"),
        (b"(N.", "one value"),
        (b".", "one value"),
    ],
)
def test_bombs_are_refused(bomb: bytes, why: str) -> None:
    """Sizes, digits, depth and shapes that would cost memory or time, or that no pickler writes."""
    with pytest.raises(ValueError, match=why):
        read(bomb)


def test_the_machine_works_in_portions() -> None:
    """A long pickle holds nobody up: it stops after as many instructions as it is allowed."""
    machine = Unpickler(b"(" + b"N" * 100 + b"l.")
    assert [machine.run(60), machine.run(60)] == [False, True]
    assert machine.value == [None] * 100
