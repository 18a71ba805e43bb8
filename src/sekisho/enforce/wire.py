"""Messages to and from nf_tables as bytes: what the kernel's netlink interface for set elements looks like.

A netlink message (RFC 3549, section 2; kernel `uapi/linux/netlink.h`) is a 16-byte header in host order (length, type,
flags, sequence number, port), for netfilter a 4-byte `nfgenmsg` (family, version, resource id in network order), and
attributes. An attribute is its length and type, two 16-bit numbers in host order, and a value padded to four bytes;
attributes nest. Numbers inside nf_tables attributes are in network order (`uapi/linux/netfilter/nf_tables.h`).

nf_tables takes changes only inside a batch: BATCH_BEGIN, messages, BATCH_END, sent in one call. The kernel looks at
every message, answers each that asks for an acknowledgement, and then applies all of them or none. An attribute's
length is 16 bits, so one message holds some 1,000 elements (`PER_MESSAGE`), and a batch as many messages as needed.

An element of a hash set is a key and perhaps a timeout in milliseconds. In an interval set a range is two elements:
its first address, with the timeout, and the address after its last, marked as an end; a range that reaches the last
address there is has no end.
"""

from __future__ import annotations

import enum
import functools
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

PER_MESSAGE = (
    500  # ranges count twice and IPv6 keys are long; 2 x 500 x 52 bytes stay below the 65,535 of one attribute
)
_SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
_FAMILY_INET = 1  # NFPROTO_INET
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_REQUEST, _ACK, _DUMP, _EXCL, _CREATE = 0x1, 0x4, 0x300, 0x200, 0x400
_NESTED, _TYPE_MASK = 0x8000, 0x3FFF
_LIST_TABLE, _LIST_SET, _LIST_ELEMENTS = 1, 2, 3
_KEY, _FLAGS, _TIMEOUT, _EXPIRATION, _EXPRESSION, _EXPRESSIONS = 1, 3, 4, 5, 7, 11
_INTERVAL_END = 1
_COUNTER_BYTES, _COUNTER_PACKETS = 1, 2
_ERROR, _DONE = 2, 3
_INTERRUPTED = 0x10  # NLM_F_DUMP_INTR: the set changed while it was being listed
_GET = (_SUBSYSTEM << 8) | 13
_GET_CHAIN = (_SUBSYSTEM << 8) | 4
_GET_GENERATION = (_SUBSYSTEM << 8) | 16
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")


class Verb(enum.Enum):
    """What a message does with its elements.

    `ADD` fails with EEXIST where an element exists, `ENSURE` leaves such a one as it is; `DELETE` fails with ENOENT
    where there is none, and empties the set when it names no element.
    """

    ADD = (12, _CREATE | _EXCL)
    ENSURE = (12, _CREATE)
    DELETE = (14, 0)


class Element(NamedTuple):
    """One element of a set: an address (`last` None), or the range from `key` to `last` in an interval set.

    `timeout` is what is left of it in milliseconds, None: it stays. `packets` and `octets` are what it has matched.

    A tuple, since a start makes a hundred thousand of them.
    """

    key: bytes
    last: bytes | None = None
    timeout: int | None = None
    packets: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One message of a batch: at most `PER_MESSAGE` elements of one set."""

    verb: Verb
    set_name: str
    elements: Sequence[Element] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """One message of an answer: `error` is an errno or 0 (None: it carries data), `body` follows the headers."""

    sequence: int
    error: int | None
    done: bool
    interrupted: bool
    body: bytes


def pack_batch(table: str, changes: Sequence[Change], sequence: int) -> bytes:
    """Return the batch that makes `changes`; the k-th of them (from 0) bears the number `sequence + 1 + k`."""
    parts = [pack_message(_BATCH_BEGIN, _REQUEST, sequence, b"", resource=_SUBSYSTEM, family=0)]
    for number, change in enumerate(changes, sequence + 1):
        kind, flags = change.verb.value
        body = pack_attribute(_LIST_TABLE, table.encode() + b"\0") + pack_attribute(
            _LIST_SET, change.set_name.encode() + b"\0"
        )
        if change.elements:
            timed = change.verb is not Verb.DELETE
            packed = b"".join(_pack_element(element, timed=timed) for element in change.elements)
            body += pack_attribute(_NESTED | _LIST_ELEMENTS, packed)
        parts.append(pack_message((_SUBSYSTEM << 8) | kind, _REQUEST | _ACK | flags, number, body))
    end = sequence + 1 + len(changes)
    parts.append(pack_message(_BATCH_END, _REQUEST, end, b"", resource=_SUBSYSTEM, family=0))
    return b"".join(parts)


def pack_dump(table: str, set_name: str, sequence: int) -> bytes:
    """Return the request that lists the elements of a set."""
    body = pack_attribute(_LIST_TABLE, table.encode() + b"\0") + pack_attribute(_LIST_SET, set_name.encode() + b"\0")
    return pack_message(_GET, _REQUEST | _DUMP, sequence, body)


def pack_chain_dump(sequence: int) -> bytes:
    """Return the request that lists the chains of every table of the inet family."""
    return pack_message(_GET_CHAIN, _REQUEST | _DUMP, sequence, b"")


def pack_generation_request(sequence: int) -> bytes:
    """Return the request for the ruleset's generation."""
    return pack_message(_GET_GENERATION, _REQUEST, sequence, b"", family=0)


def parse_replies(data: bytes) -> Iterator[Reply]:
    """Return the messages in what one read of the socket gave."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            raise ValueError(f"netlink message of {length} bytes: expected at least {_HEADER.size}")
        error: int | None = None
        if kind in {_ERROR, _DONE} and length >= _HEADER.size + 4:
            error = -struct.unpack_from("=i", data, offset + _HEADER.size)[0]
        body = data[offset + _HEADER.size + 4 : offset + length]
        yield Reply(sequence, error, kind == _DONE, bool(flags & _INTERRUPTED), body)
        offset += (length + 3) & ~3


def parse_notices(data: bytes, kind: int) -> Iterator[tuple[int, dict[int, bytes]]]:
    """Return the port and the attributes of each message of a kind in what one read of the socket gave.

    The port is that of the socket whose request led to the message; `kind` is the subsystem's number, then the type.
    """
    offset = 0
    while offset + _HEADER.size + 4 <= len(data):
        length, found, _, _, port = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            return
        if found == kind:
            attributes = read_attributes(data, offset + _HEADER.size + 4, offset + length)
            yield port, {field: data[start:end] for field, start, end in attributes}
        offset += (length + 3) & ~3


def parse_elements(body: bytes) -> Iterator[tuple[bool, Element]]:
    """Return the elements of one listing message, each with whether it is a range's end (kept in `key`)."""
    for kind, start, end in read_attributes(body, 0, len(body)):
        if kind == _LIST_ELEMENTS:
            for _, first, last in read_attributes(body, start, end):
                yield _parse_element(body, first, last)


def parse_chain(body: bytes) -> tuple[str, str]:
    """Return the table and the name of the chain that one message of a chain listing describes."""
    table = name = ""
    for kind, start, end in read_attributes(body, 0, len(body)):
        if kind == 1:
            table = body[start:end].rstrip(b"\0").decode()
        elif kind == 3:
            name = body[start:end].rstrip(b"\0").decode()
    return table, name


def parse_generation(body: bytes) -> int:
    """Return the number of the ruleset's generation; every transaction of anybody makes a new one."""
    found = [body[start:end] for kind, start, end in read_attributes(body, 0, len(body)) if kind == 1]
    return int.from_bytes(found[0], "big")


def join_ranges(parts: Iterable[tuple[bool, Element]], width: int) -> list[Element]:
    """Return the ranges of an interval set from its half elements; `width` is the length of a key in bytes."""
    ranges: list[Element] = []
    begin: Element | None = None
    for is_end, element in sorted(parts, key=lambda part: (part[1].key, not part[0])):
        if begin is not None:
            last = element.key if not is_end else (int.from_bytes(element.key, "big") - 1).to_bytes(width, "big")
            ranges.append(Element(begin.key, last, begin.timeout, begin.packets, begin.octets))
        begin = None if is_end else element
    if begin is not None:
        ranges.append(Element(begin.key, b"\xff" * width, begin.timeout, begin.packets, begin.octets))
    return ranges


def pack_message(kind: int, flags: int, sequence: int, body: bytes, *, resource: int = 0, family: int = 1) -> bytes:
    """Return one message with its headers."""
    head = _HEADER.pack(_HEADER.size + 4 + len(body), kind, flags, sequence, 0)
    return head + struct.pack("!BBH", family, 0, resource) + body


def pack_attribute(kind: int, value: bytes) -> bytes:
    """Return one attribute, padded to four bytes."""
    return _ATTRIBUTE.pack(4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def _pack_element(element: Element, *, timed: bool) -> bytes:
    before, between = _frame(len(element.key), element.timeout is not None and timed)
    if element.timeout is not None and timed:
        packed = before + element.timeout.to_bytes(8, "big") + between + element.key
    else:
        packed = before + element.key
    if element.last is None or element.last == b"\xff" * len(element.last):
        return packed
    after = (int.from_bytes(element.last, "big") + 1).to_bytes(len(element.last), "big")
    mark = pack_attribute(_FLAGS, struct.pack("!I", _INTERVAL_END))
    return packed + pack_attribute(_NESTED | 1, mark + pack_attribute(_NESTED | _KEY, pack_attribute(1, after)))


@functools.cache
def _frame(width: int, timed: bool) -> tuple[bytes, bytes]:  # noqa: FBT001 - the key of a cache
    """Return the bytes of an element before its timeout (or its key) and between timeout and key."""
    key = pack_attribute(_NESTED | _KEY, pack_attribute(1, bytes(width)))
    if not timed:
        return pack_attribute(_NESTED | 1, key)[:-width], b""
    whole = pack_attribute(_NESTED | 1, pack_attribute(_TIMEOUT, bytes(8)) + key)
    return whole[:8], key[:-width]


def read_attributes(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Return type, start and end of each attribute between two offsets."""
    while start + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, start)
        if length < 4 or start + length > end:
            raise ValueError(f"netlink attribute of {length} bytes where {end - start} are left")
        yield kind & _TYPE_MASK, start + 4, start + length
        start += (length + 3) & ~3


@functools.cache
def _layout(length: int) -> tuple[struct.Struct, tuple[bytes, ...]] | None:
    """Return how the kernel lays out an ordinary element of so many bytes, with what stands between its values.

    An element with a counter, and perhaps a timeout, is what a set of ours consists of; it is read with one unpacking
    instead of a walk over eleven attributes, ten times as fast. Whatever is laid out in another way is walked.
    """
    for width in (4, 16):
        counter = pack_attribute(_COUNTER_BYTES, bytes(8)) + pack_attribute(_COUNTER_PACKETS, bytes(8))
        expression = pack_attribute(_EXPRESSION, pack_attribute(1, b"counter\0") + pack_attribute(2, counter))
        ordinary = pack_attribute(_KEY, pack_attribute(1, bytes(width))) + expression
        timed = ordinary + pack_attribute(_TIMEOUT, bytes(8)) + pack_attribute(_EXPIRATION, bytes(8))
        for example, tail in ((ordinary, ""), (timed, "4sQ4sQ")):
            if len(example) == length:
                shape = struct.Struct(f"!8s{width}s24sQ4sQ{tail}")
                return shape, shape.unpack(example)[0::2]
    return None


def _parse_element(data: bytes, start: int, end: int) -> tuple[bool, Element]:
    layout = _layout(end - start)
    if layout is not None:
        values = layout[0].unpack_from(data, start)
        if values[0::2] == layout[1]:
            return False, Element(values[1], None, values[9] if len(values) > 6 else None, values[5], values[3])
    key = b""
    is_end = False
    left: int | None = None
    timeout: int | None = None
    packets = octets = 0
    for kind, first, last in read_attributes(data, start, end):
        if kind == _KEY:
            key = data[first + 4 : last]
        elif kind == _EXPIRATION:
            left = int.from_bytes(data[first:last], "big")
        elif kind == _TIMEOUT:
            timeout = int.from_bytes(data[first:last], "big")
        elif kind == _FLAGS:
            is_end = bool(int.from_bytes(data[first:last], "big") & _INTERVAL_END)
        elif kind in {_EXPRESSION, _EXPRESSIONS}:
            packets, octets = _parse_counter(data, first, last, listed=kind == _EXPRESSIONS)
    return is_end, Element(key, None, timeout if left is None else left, packets, octets)


def _parse_counter(data: bytes, start: int, end: int, *, listed: bool) -> tuple[int, int]:
    """Return packets and bytes of a counter expression, or of the first of a list of expressions."""
    if listed:
        _, start, end = next(read_attributes(data, start, end), (0, end, end))
    packets = octets = 0
    for kind, first, last in read_attributes(data, start, end):
        if kind == 2:  # NFTA_EXPR_DATA
            for field, low, high in read_attributes(data, first, last):
                if field == _COUNTER_PACKETS:
                    packets = int.from_bytes(data[low:high], "big")
                elif field == _COUNTER_BYTES:
                    octets = int.from_bytes(data[low:high], "big")
    return packets, octets
