"""Messages to and from ipset as bytes: sets of networks, `hash:net`, and their elements.

ipset speaks over the same netlink as nf_tables (see `wire`), as subsystem 6, in a protocol of its own
(`uapi/linux/netfilter/ipset/ip_set.h`). There are no batches and no transactions: a message is carried out as it
comes, element after element, up to the first that is refused. So all we say is said so that it may be said twice: to
add what is there gives it the new time and leaves its counters alone, to delete what is not there is no fault
(the kernel calls it `exist`: NLM_F_EXCL is absent).

An element is a network and the seconds that it has left; 0 is for ever. A single address is a network of full length.
Numbers are in network order, with a flag that says so, and the status of an answer is an errno or, from 4096 on, one
of ipset's own.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sekisho.enforce.wire import pack_attribute, pack_message, read_attributes

PER_MESSAGE = 1000  # elements; IPv6 with all that may be said takes 44 bytes, and an attribute ends at 65,535
LONGEST = 2_147_483  # seconds, 24.8 days: the kernel counts milliseconds in 31 bits (IPSET_MAX_TIMEOUT)
BUSY, FULL = 4100, 4352  # IPSET_ERR_...
ERRORS = {
    4097: "it speaks another protocol",
    4098: "it knows no such type of set",
    4099: "there are too many sets",
    BUSY: "rules refer to the set, or somebody lists it",
    4102: "the set is of another type",
    4104: "no such prefix length",
    FULL: "the set is full",
}

_SUBSYSTEM = 6 << 8  # NFNL_SUBSYS_IPSET
_PROTOCOL = 6  # every kernel since 2.6.39 takes it; 7 brought nothing that we need
_TYPE, _REVISION = "hash:net", 3  # the revision that brought counters (kernel 3.11)
_REQUEST, _ACK, _DUMP, _EXCL = 0x1, 0x4, 0x300, 0x200
_ASK, _CREATE, _DESTROY, _SWAP, _LIST, _ADD, _DELETE = 1, 2, 3, 6, 7, 9, 10  # IPSET_CMD_...
_AF_INET, _AF_INET6 = 2, 10
_NESTED, _NETWORK_ORDER = 0x8000, 0x4000
_NAME, _TYPE_NAME, _SECOND_NAME, _REVISION_IS, _FAMILY, _FLAGS, _DATA, _ELEMENTS, _LINE = 2, 3, 3, 4, 5, 6, 7, 8, 9
_IP, _PREFIX, _TIMEOUT, _CREATE_FLAGS, _MOST = 1, 3, 6, 8, 19
_BYTES, _PACKETS, _ENTRIES, _REFERENCES = 24, 25, 24, 25  # of an element; of a set's header
_WITH_COUNTERS, _HEADER_ONLY = 8, 4


@dataclass(frozen=True, slots=True)
class Entry:
    """A network in a set: its first address, its prefix length, the seconds left (None: it stays), what it matched."""

    key: bytes
    prefix: int
    timeout: int | None = None
    packets: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a set without its elements: how many there are, and how many rules refer to it."""

    name: str
    entries: int
    references: int


def pack_question(sequence: int) -> bytes:
    """Return the question which protocol is spoken: whoever answers has ipset."""
    return _pack(_ASK, 0, sequence)


def pack_create(name: str, width: int, most: int, sequence: int) -> bytes:
    """Return the request for a set of networks whose addresses have `width` bytes, with room for `most`.

    One that is there already and is no different is no fault.
    """
    options = (
        _number(_TIMEOUT, 0) + _number(_CREATE_FLAGS, _WITH_COUNTERS) + _number(_MOST, most)
    )  # timeout 0: each element has its own, and one without stays
    body = pack_attribute(_TYPE_NAME, _text(_TYPE)) + pack_attribute(_REVISION_IS, bytes([_REVISION]))
    family = _AF_INET if width == 4 else _AF_INET6
    body += pack_attribute(_FAMILY, bytes([family])) + pack_attribute(_NESTED | _DATA, options)
    return _pack(_CREATE, _ACK, sequence, pack_attribute(_NAME, _text(name)) + body)


def pack_destroy(name: str, sequence: int) -> bytes:
    """Return the request that removes a set to which no rule refers."""
    return _pack(_DESTROY, _ACK, sequence, pack_attribute(_NAME, _text(name)))


def pack_swap(name: str, other: str, sequence: int) -> bytes:
    """Return the request that lets two sets change names, and so places in all rules, at one stroke."""
    return _pack(_SWAP, _ACK, sequence, pack_attribute(_NAME, _text(name)) + pack_attribute(_SECOND_NAME, _text(other)))


def pack_add(name: str, entries: Sequence[Entry], sequence: int) -> bytes:
    """Return the request that puts at most `PER_MESSAGE` elements into a set."""
    return _pack_elements(_ADD, name, [_pack_network(entry) + _pack_timeout(entry) for entry in entries], sequence)


def pack_delete(name: str, entries: Sequence[Entry], sequence: int) -> bytes:
    """Return the request that takes at most `PER_MESSAGE` elements out of a set."""
    return _pack_elements(_DELETE, name, [_pack_network(entry) for entry in entries], sequence)


def pack_listing(name: str, sequence: int) -> bytes:
    """Return the request for all elements of a set."""
    return _pack(_LIST, _DUMP, sequence, pack_attribute(_NAME, _text(name)))


def pack_headers(name: str | None, sequence: int) -> bytes:
    """Return the request for the header of one set, or of all."""
    named = b"" if name is None else pack_attribute(_NAME, _text(name))
    return _pack(_LIST, _DUMP, sequence, named + _number(_FLAGS, _HEADER_ONLY))


def parse_entries(body: bytes) -> Iterator[Entry]:
    """Return the elements in one message of a listing."""
    for kind, start, end in read_attributes(body, 0, len(body)):
        if kind == _ELEMENTS:
            for _, first, last in read_attributes(body, start, end):
                yield _parse_entry(body, first, last)


def parse_header(body: bytes) -> Header:
    """Return the header in one message of a listing of headers; a set of another kind may not count its elements."""
    fields = _fields(body, 0, len(body))
    data = fields.get(_DATA, b"")
    found = _fields(data, 0, len(data))
    entries, references = (int.from_bytes(found.get(kind, b""), "big") for kind in (_ENTRIES, _REFERENCES))
    return Header(fields[_NAME].rstrip(b"\0").decode("utf-8", "replace"), entries, references)


def _pack(command: int, flags: int, sequence: int, body: bytes = b"") -> bytes:
    protocol = pack_attribute(1, bytes([_PROTOCOL]))
    return pack_message(_SUBSYSTEM | command, _REQUEST | flags, sequence, protocol + body, family=_AF_INET)


def _pack_elements(command: int, name: str, packed: Iterable[bytes], sequence: int) -> bytes:
    # The line number is asked for; which element was refused we find out by sending each alone, for it is rare.
    elements = b"".join(pack_attribute(_NESTED | _DATA, each) for each in packed)
    body = pack_attribute(_NAME, _text(name)) + _number(_LINE, 0) + pack_attribute(_NESTED | _ELEMENTS, elements)
    return _pack(command, _ACK, sequence, body)


def _pack_network(entry: Entry) -> bytes:
    frame, full = _frame(len(entry.key))
    packed = frame + entry.key
    return packed if entry.prefix == full else packed + pack_attribute(_PREFIX, bytes([entry.prefix]))


def _pack_timeout(entry: Entry) -> bytes:
    return _number(_TIMEOUT, entry.timeout or 0)


@functools.cache
def _frame(width: int) -> tuple[bytes, int]:
    """Return what stands before an address of so many bytes, and the length of its prefix."""
    kind = _NETWORK_ORDER | (1 if width == 4 else 2)  # IPSET_ATTR_IPADDR_IPV4, _IPV6
    return pack_attribute(_NESTED | _IP, pack_attribute(kind, bytes(width)))[:-width], width * 8


def _number(kind: int, value: int) -> bytes:
    return pack_attribute(_NETWORK_ORDER | kind, value.to_bytes(4, "big"))


def _text(text: str) -> bytes:
    return text.encode() + b"\0"


def _fields(data: bytes, start: int, end: int) -> dict[int, bytes]:
    return {kind: data[first:last] for kind, first, last in read_attributes(data, start, end)}


@functools.cache
def _layout(length: int) -> tuple[struct.Struct, tuple[bytes, ...]] | None:
    """Return how the kernel lays out an ordinary element of so many bytes, with what stands between its values.

    A hundred thousand of these are read with one unpacking each; whatever is laid out in another way is walked.
    """
    for width in (4, 16):
        shape = struct.Struct(f"!8s{width}s4sc7sI4sQ4sQ")
        if shape.size == length:
            address = pack_attribute(1 if width == 4 else 2, bytes(width))  # the kernel leaves the order unsaid
            example = pack_attribute(_NESTED | _IP, address) + pack_attribute(_PREFIX, b"\0") + _number(_TIMEOUT, 0)
            example += pack_attribute(_NETWORK_ORDER | _BYTES, bytes(8))
            example += pack_attribute(_NETWORK_ORDER | _PACKETS, bytes(8))
            return shape, shape.unpack(example)[0::2]
    return None


def _parse_entry(data: bytes, start: int, end: int) -> Entry:
    layout = _layout(end - start)
    if layout is not None:
        values = layout[0].unpack_from(data, start)
        if values[0::2] == layout[1]:
            return Entry(values[1], values[3][0], values[5] or None, values[9], values[7])
    fields = _fields(data, start, end)
    key = fields[_IP][4:]
    number = functools.partial(int.from_bytes, byteorder="big")
    prefix = number(fields.get(_PREFIX, b"")) or len(key) * 8
    timeout = number(fields.get(_TIMEOUT, b"")) or None
    return Entry(key, prefix, timeout, number(fields.get(_PACKETS, b"")), number(fields.get(_BYTES, b"")))
