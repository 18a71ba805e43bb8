"""A closed unpickler: it reads plain values from a pickle of any protocol, and knows no way to do anything else.

A pickle is a program. This machine understands the instructions by which lists, tuples, dicts, text, numbers, booleans
and None are built, in the spellings of every protocol from 0 to 5, since a client may be written in Python 2, in Python
3 or in Go. It has none for importing, calling, looking up or attributes: the worst that a peer can do is to send a
value that is no request.

Nor can it be made to work for long: nothing recurses, each instruction costs what its bytes cost, and whoever runs it
says for how many instructions, so that others have their turn. Keys of dicts must be text: the hashes of numbers can be
foretold, and numbers that collide would make one dict cost minutes. A number of more digits than Python converts is no
number. What a peer builds may refer to itself; `control.pickled` measures it before it is written out.

Facts about the instructions: the documentation of Python's `pickletools`.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Callable, Mapping, Sequence

_STOP = 0x2E
_MOST_KEYS = 1 << 32  # of the memo; what LONG_BINPUT can say
_LONGEST_NUMBER = 4300  # digits; what Python converts by default

_KNOWN: Mapping[int, str] = {
    0x63: "GLOBAL", 0x93: "STACK_GLOBAL", 0x52: "REDUCE", 0x62: "BUILD", 0x69: "INST", 0x6F: "OBJ", 0x81: "NEWOBJ",
    0x92: "NEWOBJ_EX", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x50: "PERSID", 0x51: "BINPERSID",
    0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER", 0x8F: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET",
}  # fmt: skip
"""Instructions that no plain value needs, named where they are refused."""

_DEEPEST = 100  # marks within marks; each is a list
_ODD_ESCAPE = re.compile(rb"\\(?!x[0-9a-fA-F]{2}|[nrt'\"])")  # what Python 2 never wrote, doubled backslashes apart


class MoreThanValues(ValueError):  # noqa: N818 - a fact about the pickle
    """The pickle holds an instruction that plain values do not need, such as one that imports or calls."""


class Unpickler:
    """The machine: a stack, those that a mark put aside, a memo, and a place in the data."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._stack: list[object] = []
        self._aside: list[list[object]] = []
        self._memo: dict[int, object] = {}

    def run(self, most: int) -> bool:
        """Carry out up to `most` instructions; True when the value is complete.

        Raises:
            MoreThanValues: there is an instruction that plain values do not need.
            ValueError: the pickle is cut short or inconsistent.

        """
        try:
            for _ in range(most):
                code = self._data[self._at]
                self._at += 1
                if code == _STOP:
                    return True
                _STEPS[code](self)
        except KeyError:
            if code in _STEPS:
                raise ValueError("a pickle that remembers what it never knew") from None
            raise MoreThanValues(f"the instruction {_KNOWN.get(code, hex(code))}") from None
        except (IndexError, struct.error):
            raise ValueError("a pickle that is cut short or inconsistent") from None
        return False

    @property
    def value(self) -> object:
        """What the pickle built; raises ValueError where it left anything but one value."""
        if len(self._stack) != 1 or self._aside:
            raise ValueError("a pickle that does not end with one value")
        return self._stack[0]

    # -- the data

    def take(self, length: int) -> bytes:
        """Return the next bytes."""
        piece = self._data[self._at : self._at + length]
        if length < 0 or len(piece) < length:
            raise ValueError("a pickle that is cut short")
        self._at += length
        return piece

    def skip(self, length: int) -> None:
        """Pass over bytes that say nothing to us."""
        self.take(length)

    def number(self, form: str) -> int:
        """Return the next number in binary."""
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def sized(self, form: str) -> bytes:
        """Return the next bytes, whose number stands before them."""
        return self.take(self.number(form))

    def line(self) -> bytes:
        """Return the next bytes up to the end of the line."""
        end = self._data.find(b"\n", self._at)
        if end < 0:
            raise ValueError("a pickle that is cut short")
        return self.take(end + 1 - self._at)[:-1]

    def digits(self) -> bytes:
        """Return the next number in text, which has no more digits than Python converts."""
        text = self.line()
        if len(text) > _LONGEST_NUMBER:
            raise ValueError("a number of too many digits")
        return text

    # -- stack and memo

    def push(self, item: object) -> None:
        """Lay a value on top."""
        self._stack.append(item)

    def pop(self) -> object:
        """Take the value from the top."""
        return self._stack.pop()

    def last(self, count: int) -> tuple[object, ...]:
        """Take so many values from the top, the deepest first."""
        return tuple([self._stack.pop() for _ in range(count)][::-1])

    def mark(self) -> None:
        """Begin a stack of its own for the values that follow."""
        if len(self._aside) > _DEEPEST:
            raise ValueError("a pickle that is too deep")
        self._aside.append(self._stack)
        self._stack = []

    def since_mark(self) -> list[object]:
        """Take everything down to the last mark, the deepest first."""
        items = self._stack
        self._stack = self._aside.pop()
        return items

    def extend(self, items: list[object]) -> None:
        """Append values to the list on top."""
        target = self._stack[-1]
        if not isinstance(target, list):
            raise ValueError("a pickle that appends to what is no list")  # noqa: TRY004 - one error for one cause
        target.extend(items)

    def update(self, items: Sequence[object]) -> None:
        """Set keys and values, which come in turn, in the dict on top."""
        target, keys = self._stack[-1], items[::2]
        if not isinstance(target, dict) or len(items) % 2 or not all(isinstance(key, str) for key in keys):
            raise ValueError("a dict with keys that are no text, or without their values")
        target.update(zip(keys, items[1::2], strict=True))

    def dict_since_mark(self) -> None:
        """Put a dict in the place of the keys and values down to the last mark."""
        items = self.since_mark()
        self.push({})
        self.update(items)

    def put(self, key: int | None = None) -> None:
        """Remember the value on top, without a key under the next number."""
        key = len(self._memo) if key is None else key
        if not 0 <= key < _MOST_KEYS:
            raise ValueError("a pickle that is cut short or inconsistent")
        self._memo[key] = self._stack[-1]

    def get(self, key: int) -> None:
        """Lay a remembered value on top."""
        self._stack.append(self._memo[key])


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _long(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _int_or_bool(text: bytes) -> int:
    return text == b"01" if text in (b"00", b"01") else int(text)


def _unquoted(line: bytes) -> str:
    if len(line) < 2 or line[:1] not in (b"'", b'"') or line[:1] != line[-1:]:
        raise ValueError("a string without its quotes")
    text = line[1:-1]
    if _ODD_ESCAPE.search(text.replace(rb"\\", b"")):
        raise ValueError("a string with an unknown escape")
    return _text(codecs.escape_decode(text)[0])


_STEPS: Mapping[int, Callable[[Unpickler], None]] = {
    0x80: lambda it: it.skip(1),  # PROTO
    0x95: lambda it: it.skip(8),  # FRAME
    0x4E: lambda it: it.push(None),  # NONE
    0x88: lambda it: it.push(True),  # NEWTRUE
    0x89: lambda it: it.push(False),  # NEWFALSE
    0x4A: lambda it: it.push(it.number("<i")),  # BININT
    0x4B: lambda it: it.push(it.number("<B")),  # BININT1
    0x4D: lambda it: it.push(it.number("<H")),  # BININT2
    0x8A: lambda it: it.push(_long(it.sized("<B"))),  # LONG1
    0x8B: lambda it: it.push(_long(it.sized("<i"))),  # LONG4
    0x49: lambda it: it.push(_int_or_bool(it.digits())),  # INT
    0x4C: lambda it: it.push(int(it.digits().removesuffix(b"L"))),  # LONG
    0x46: lambda it: it.push(float(it.digits())),  # FLOAT
    0x47: lambda it: it.push(struct.unpack(">d", it.take(8))[0]),  # BINFLOAT
    0x8C: lambda it: it.push(_text(it.sized("<B"))),  # SHORT_BINUNICODE
    0x58: lambda it: it.push(_text(it.sized("<I"))),  # BINUNICODE
    0x8D: lambda it: it.push(_text(it.sized("<Q"))),  # BINUNICODE8
    0x56: lambda it: it.push(it.line().decode("raw-unicode-escape", "replace")),  # UNICODE
    0x55: lambda it: it.push(_text(it.sized("<B"))),  # SHORT_BINSTRING, of Python 2 and Go
    0x54: lambda it: it.push(_text(it.sized("<i"))),  # BINSTRING
    0x53: lambda it: it.push(_unquoted(it.line())),  # STRING
    0x43: lambda it: it.push(_text(it.sized("<B"))),  # SHORT_BINBYTES
    0x42: lambda it: it.push(_text(it.sized("<I"))),  # BINBYTES
    0x8E: lambda it: it.push(_text(it.sized("<Q"))),  # BINBYTES8
    0x96: lambda it: it.push(_text(it.sized("<Q"))),  # BYTEARRAY8
    0x28: lambda it: it.mark(),  # MARK
    0x5D: lambda it: it.push([]),  # EMPTY_LIST
    0x6C: lambda it: it.push(it.since_mark()),  # LIST
    0x61: lambda it: it.extend([it.pop()]),  # APPEND
    0x65: lambda it: it.extend(it.since_mark()),  # APPENDS
    0x29: lambda it: it.push(()),  # EMPTY_TUPLE
    0x74: lambda it: it.push(tuple(it.since_mark())),  # TUPLE
    0x85: lambda it: it.push(it.last(1)),  # TUPLE1
    0x86: lambda it: it.push(it.last(2)),  # TUPLE2
    0x87: lambda it: it.push(it.last(3)),  # TUPLE3
    0x7D: lambda it: it.push({}),  # EMPTY_DICT
    0x64: lambda it: it.dict_since_mark(),  # DICT
    0x73: lambda it: it.update(it.last(2)),  # SETITEM
    0x75: lambda it: it.update(it.since_mark()),  # SETITEMS
    0x94: lambda it: it.put(),  # MEMOIZE
    0x70: lambda it: it.put(int(it.digits())),  # PUT
    0x71: lambda it: it.put(it.number("<B")),  # BINPUT
    0x72: lambda it: it.put(it.number("<I")),  # LONG_BINPUT
    0x67: lambda it: it.get(int(it.digits())),  # GET
    0x68: lambda it: it.get(it.number("<B")),  # BINGET
    0x6A: lambda it: it.get(it.number("<I")),  # LONG_BINGET
}
