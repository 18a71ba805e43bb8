"""Tests of enforce.ipset_wire: bytes as the kernel writes and reads them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.enforce.ipset_wire import (
    LONGEST,
    PER_MESSAGE,
    Entry,
    Header,
    pack_add,
    pack_create,
    pack_delete,
    pack_headers,
    pack_listing,
    pack_question,
    pack_swap,
    parse_entries,
    parse_header,
)
from sekisho.enforce.wire import pack_attribute, read_attributes

HEAD = bytes.fromhex("05000100 06000000 06000200 61000000 0d000300 68617368 3a6e6574 00000000 05000500 02000000")
SHAPE = bytes.fromhex(
    "05000400 03000000 3c000780 08001240 00000400 08001340 0000000a 08001940 00000002 08001a40 00000228"
    "08001840 00000001 08000640 00000000 08000840 00000008"
)
"""What a kernel 6.18 says of a set `a` of one element, to which two rules refer."""
ELEMENT = "38000780 0c000180 08000100 {} 05000300 {} 08000640 {} 0c001840 00000000 00000{} 0c001940 00000000 {}"


def listing(*elements: str) -> bytes:
    """A message of a listing with these elements."""
    return HEAD + SHAPE + pack_attribute(0x8008, b"".join(map(bytes.fromhex, elements)))


def test_an_element_is_read_as_the_kernel_lays_it_out() -> None:
    """Address, prefix length, seconds left, bytes and packets; 0 seconds are for ever."""
    body = listing(
        ELEMENT.format("c0000201", "20000000", "00000258", "078", "00000002"),
        ELEMENT.format("c6336400", "18000000", "00000000", "000", "00000000"),
    )
    assert list(parse_entries(body)) == [
        Entry(bytes([192, 0, 2, 1]), 32, 600, packets=2, octets=120),
        Entry(bytes([198, 51, 100, 0]), 24, None),
    ]


def test_an_element_of_another_layout_is_read_too() -> None:
    """A set with comments, say: what is not known is passed over."""
    comment = pack_attribute(26, b"theirs\0").hex()
    plain = pack_attribute(0x8007, bytes.fromhex("0c000180 08000100 c0000201 05000300 10000000" + comment)).hex()
    assert list(parse_entries(listing(plain))) == [Entry(bytes([192, 0, 2, 1]), 16, None)]


def test_a_header_tells_how_many_there_are_and_who_refers_to_them() -> None:
    """That is all we want to know without listing."""
    assert parse_header(HEAD + SHAPE) == Header("a", entries=1, references=2)


def test_a_header_of_another_kind_of_set_is_read_as_far_as_it_goes() -> None:
    """A list of sets counts nothing on older kernels; all that is asked of it is its name."""
    assert parse_header(HEAD) == Header("a", entries=0, references=0)


@given(
    st.sampled_from([4, 16]).flatmap(lambda width: st.tuples(st.binary(min_size=width, max_size=width))),
    st.integers(1, 32),
    st.none() | st.integers(1, LONGEST),
)
def test_what_is_added_could_be_read_as_it_was_meant(key: tuple[bytes], prefix: int, timeout: int | None) -> None:
    """The element in a request means what its fields say."""
    entry = Entry(key[0], prefix, timeout)
    (read,) = parse_entries(pack_add("sekisho4-sshd", [entry], 7)[20:])
    assert read == entry


def test_the_kernel_is_never_asked_to_complain_about_what_is_there() -> None:
    """Without NLM_F_EXCL adding twice and deleting twice are no faults; each asks for an answer."""
    for message in (
        pack_add("a", [Entry(b"\1\2\3\4", 32)], 7),
        pack_delete("a", [Entry(b"\1\2\3\4", 32)], 7),
        pack_create("a", 4, 10, 7),
        pack_swap("a", "b", 7),
    ):
        length, kind, flags, sequence, _ = struct.unpack_from("=IHHII", message)
        assert (length, kind >> 8, flags, sequence) == (len(message), 6, 0x1 | 0x4, 7)


@pytest.mark.parametrize(
    "message", [pack_question(7), pack_listing("a", 7), pack_headers("a", 7), pack_headers(None, 7)]
)
def test_every_message_begins_with_the_protocol(message: bytes) -> None:
    """Protocol 6, which every kernel in use takes."""
    kind, start, end = next(read_attributes(message, 20, len(message)))
    assert (kind, message[start:end]) == (1, b"\6")


@pytest.mark.parametrize("width", [4, 16])
def test_a_full_message_fits_an_attribute(width: int) -> None:
    """Its length is 16 bits: packing would fail."""
    entries = [Entry(number.to_bytes(width, "big"), 20, LONGEST) for number in range(PER_MESSAGE)]
    message = pack_add("x" * 31, entries, 7)
    assert list(parse_entries(message[20:])) == entries
