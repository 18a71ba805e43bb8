"""Tests of enforce.wire."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.enforce.wire import (
    Change,
    Element,
    Verb,
    join_ranges,
    pack_batch,
    pack_dump,
    parse_chain,
    parse_elements,
    parse_generation,
    parse_replies,
)


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute as the kernel writes it."""
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def listed(key: bytes, *, timeout: int | None = None, packets: int = 0, end: bool = False) -> bytes:
    """An element as the kernel lists it."""
    body = attribute(1, attribute(1, key))
    counter = attribute(1, struct.pack("!Q", packets * 60)) + attribute(2, struct.pack("!Q", packets))
    if end:
        body += attribute(3, struct.pack("!I", 1))
    else:
        body += attribute(7, attribute(1, b"counter\0") + attribute(2, counter))
    if timeout is not None:
        body += attribute(4, struct.pack("!Q", timeout + 5)) + attribute(5, struct.pack("!Q", timeout))
    return attribute(1, body)


def test_an_element_is_packed_as_nft_packs_it() -> None:
    """One address with a timeout gives the bytes that the nft program sends for it (seen with strace)."""
    batch = pack_batch("sekisho", [Change(Verb.ADD, "s", [Element(b"\x0a\x01\x00\x03", None, 5_000_000)])], 1)
    element = bytes.fromhex("1c000180 0c000400 00000000004c4b40 0c000180 08000100 0a010003".replace(" ", ""))
    assert element in batch
    kinds = []
    while batch:
        length, kind, *_ = struct.unpack_from("=IHHII", batch)
        kinds.append(kind)
        batch = batch[length:]
    assert kinds == [0x10, 0x0A0C, 0x11]


def test_an_element_without_timeout_stays_for_ever() -> None:
    """No timeout attribute is sent for it, nor for one that is deleted."""
    for verb, timeout in ((Verb.ADD, None), (Verb.DELETE, 7)):
        batch = pack_batch("t", [Change(verb, "s", [Element(b"\1\2\3\4", None, timeout)])], 1)
        assert bytes.fromhex("10000180 0c000180 08000100 01020304".replace(" ", "")) in batch


@pytest.mark.parametrize("width", [4, 16])
@pytest.mark.parametrize("timeout", [None, 1, 10**13])
def test_a_listed_element_is_read(width: int, timeout: int | None) -> None:
    """Key, what is left of the timeout, and the counter come back, for both families."""
    key = bytes(range(width))
    body = attribute(3, listed(key, timeout=timeout, packets=3) * 2)
    assert list(parse_elements(body)) == [(False, Element(key, None, timeout, 3, 180))] * 2


def test_an_unusual_layout_is_read_attribute_by_attribute() -> None:
    """Attributes in another order, a list of expressions, and unknown ones change nothing but the speed."""
    counter = attribute(2, struct.pack("!Q", 4)) + attribute(1, struct.pack("!Q", 240))
    expression = attribute(1, b"counter\0") + attribute(2, counter)
    body = attribute(5, struct.pack("!Q", 9)) + attribute(99, b"new") + attribute(11, attribute(1, expression))
    body += attribute(4, struct.pack("!Q", 10)) + attribute(1, attribute(1, b"\1\2\3\4"))
    message = attribute(3, attribute(1, body))
    assert list(parse_elements(message)) == [(False, Element(b"\1\2\3\4", None, 9, 4, 240))]


def test_same_length_is_not_same_layout() -> None:
    """An element that is as long as an ordinary one, but another thing, is not mistaken for it."""
    ordinary = listed(b"\1\2\3\4", packets=3)
    assert next(parse_elements(attribute(3, ordinary)))[1].packets == 3
    strange = ordinary.replace(b"counter\0", b"limiter\0")
    assert next(parse_elements(attribute(3, strange)))[1].key == b"\1\2\3\4"


def test_ranges_are_joined_from_their_halves() -> None:
    """Start and end make a range; without an end it reaches the last address; neighbours may share a border."""
    parts = [
        (False, Element(b"\x0a\x00\x00\x00", None, 5)),
        (True, Element(b"\x0b\x00\x00\x00")),
        (False, Element(b"\x0b\x00\x00\x00", None, 6)),
        (True, Element(b"\x0b\x00\x00\x08")),
        (False, Element(b"\xff\x00\x00\x00")),
        (True, Element(b"\x00\x00\x00\x00")),
    ]
    assert join_ranges(parts, 4) == [
        Element(b"\x0a\x00\x00\x00", b"\x0a\xff\xff\xff", 5),
        Element(b"\x0b\x00\x00\x00", b"\x0b\x00\x00\x07", 6),
        Element(b"\xff\x00\x00\x00", b"\xff\xff\xff\xff"),
    ]


def test_answers_are_told_apart() -> None:
    """Acknowledgement, refusal, data, and the end of a listing that something interrupted."""
    ack = struct.pack("=IHHIIi", 36, 2, 0, 7, 0, 0) + bytes(16)
    refusal = struct.pack("=IHHIIi", 36, 2, 0, 8, 0, -17) + bytes(16)
    data = struct.pack("=IHHII", 24, 0x0A0C, 2, 9, 0) + b"\1\0\0\0body"
    done = struct.pack("=IHHIIi", 20, 3, 0x12, 9, 0, 0)
    replies = list(parse_replies(ack + refusal + data + done))
    assert [(r.sequence, r.error, r.done, r.interrupted) for r in replies] == [
        (7, 0, False, False),
        (8, 17, False, False),
        (9, None, False, False),
        (9, 0, True, True),
    ]
    assert replies[2].body == b"body"


def test_a_chain_and_a_generation_are_read() -> None:
    """A chain listing names table and chain; a generation is a number."""
    assert parse_chain(attribute(1, b"sekisho\0") + attribute(2, b"12345678") + attribute(3, b"jail-x\0")) == (
        "sekisho",
        "jail-x",
    )
    assert parse_generation(attribute(1, struct.pack("!I", 77))) == 77


@given(st.binary(max_size=200))
def test_garbage_ends_with_an_error_or_nothing(data: bytes) -> None:
    """No answer, however broken, does worse than a ValueError."""
    for parse in (parse_replies, parse_elements):
        try:
            list(parse(data))
        except ValueError:
            continue


def test_a_request_to_list_names_its_set() -> None:
    """Table and set are in it, zero-terminated."""
    assert b"sekisho\0" in pack_dump("sekisho", "addr-set-x", 1)
    assert b"addr-set-x\0" in pack_dump("sekisho", "addr-set-x", 1)
