"""Fail2ban's framing: pickled values between markers, read by a closed unpickler and written by hand.

A pickle is a program. This one understands the instructions that build lists, strings, numbers, booleans and None, and
no other: nothing can be imported, called or looked up, so the worst that a peer can do is to send a value that is no
request. Stack and memo are bounded by the frame, each instruction does a fixed amount of work, and nothing recurses.

Facts about the instructions: the documentation of Python's `pickletools`. Facts about the frames: COMPAT 6.6.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence

from sekisho.control.protocol import Answer, Granted, Kind, Request, Value

FIRST_BYTE = b"\x80"
END = b"<F2B_END_COMMAND>"
CLOSE = b"<F2B_CLOSE_COMMAND>"

_MARK = object()

_SIZED: Mapping[int, tuple[str, int]] = {
    # instruction: the format of its size and that size's length; what follows is text
    0x8C: ("<B", 1),  # SHORT_BINUNICODE
    0x58: ("<I", 4),  # BINUNICODE
    0x8D: ("<Q", 8),  # BINUNICODE8
}
_FIXED: Mapping[int, tuple[str, int]] = {
    0x4A: ("<i", 4),  # BININT
    0x4B: ("<B", 1),  # BININT1
    0x4D: ("<H", 2),  # BININT2
    0x47: (">d", 8),  # BINFLOAT
}
_CONSTANT: Mapping[int, Value] = {0x4E: None, 0x88: True, 0x89: False}
_PUT = {0x71: ("<B", 1), 0x72: ("<I", 4)}  # BINPUT, LONG_BINPUT
_GET = {0x68: ("<B", 1), 0x6A: ("<I", 4)}  # BINGET, LONG_BINGET


def parse_pickle(data: bytes) -> object:
    """Return the value that the pickle builds.

    Raises:
        ValueError: the pickle is cut short, or holds an instruction that is not needed for plain values.

    """
    return _Reader(data).run()


class _Reader:
    """The machine: a stack, a memo, and a place in the data."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.stack: list[object] = []
        self.memo: dict[int, object] = {}

    def run(self) -> object:
        """Run until STOP; return what is left."""
        try:
            while (code := self.number("<B", 1)) != 0x2E:  # STOP
                self.step(code)
            (value,) = self.stack
        except (IndexError, KeyError, struct.error):
            raise ValueError("a pickle that is cut short or inconsistent") from None
        return value

    def take(self, length: int) -> bytes:
        piece = self.data[self.at : self.at + length]
        if len(piece) < length:
            raise ValueError("a pickle that is cut short")
        self.at += length
        return piece

    def number(self, form: str, length: int) -> int:
        return int(self.value(form, length))

    def value(self, form: str, length: int) -> int | float:
        found: int | float = struct.unpack(form, self.take(length))[0]
        return found

    def step(self, code: int) -> None:
        stack = self.stack
        if code in _SIZED:
            stack.append(self.take(self.number(*_SIZED[code])).decode("utf-8", "replace"))
        elif code in _FIXED:
            stack.append(self.value(*_FIXED[code]))
        elif code in _CONSTANT:
            stack.append(_CONSTANT[code])
        elif code in _PUT:
            self.memo[self.number(*_PUT[code])] = stack[-1]
        elif code in _GET:
            stack.append(self.memo[self.number(*_GET[code])])
        else:
            self.step_plain(code)

    def step_plain(self, code: int) -> None:
        plain: Mapping[int, Callable[[], object]] = {
            0x80: lambda: self.take(1),  # PROTO
            0x95: lambda: self.take(8),  # FRAME
            0x94: self.memoize,
            0x5D: lambda: self.stack.append([]),  # EMPTY_LIST
            0x28: lambda: self.stack.append(_MARK),
            0x61: self.append,
            0x65: self.appends,
            0x8A: self.long,
        }
        if code not in plain:
            raise ValueError(f"a pickle with the instruction 0x{code:02x}, which plain values do not need")
        plain[code]()

    def memoize(self) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def append(self) -> None:
        item = self.stack.pop()
        self.extend([item])

    def appends(self) -> None:
        items: list[object] = []
        while (item := self.stack.pop()) is not _MARK:
            items.append(item)
        self.extend(items[::-1])

    def extend(self, items: list[object]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise ValueError("a pickle that appends to what is no list")  # noqa: TRY004 - one error for one cause
        target.extend(items)

    def long(self) -> None:
        length = self.number("<B", 1)
        self.stack.append(int.from_bytes(self.take(length), "little", signed=True))


def parse_request(frame: bytes) -> Request:
    """Return the request in a frame (without its end marker).

    `reload` comes as `["reload", JAIL or "--all", [options], [stream]]`: the options are taken, and the stream, which
    is what that client made of the configuration, is not: the server reads its own.

    Raises:
        ValueError: no request.

    """
    raw = parse_pickle(frame)
    if not isinstance(raw, list):
        raise ValueError("expected a list of plain values")  # noqa: TRY004 - one error for one cause
    if raw[:1] == ["reload"] and len(raw) == 4 and isinstance(raw[2], list):
        raw = ["reload", *raw[2], raw[1]]
    if not all(isinstance(word, str | int | float) for word in raw):
        raise ValueError("expected a list of plain values")
    return Request(tuple(str(word) for word in raw))


_EXCEPTIONS: Mapping[Kind, tuple[str, str]] = {
    Kind.REFUSED: ("builtins", "Exception"),
    Kind.UNKNOWN_JAIL: ("fail2ban.exceptions", "UnknownJailException"),
    Kind.DUPLICATE_JAIL: ("fail2ban.exceptions", "DuplicateJailException"),
    Kind.ARGUMENTS: ("builtins", "IndexError"),
    Kind.VALUE: ("builtins", "ValueError"),
    Kind.KEY: ("builtins", "KeyError"),
    Kind.INTERNAL: ("builtins", "RuntimeError"),
}
"""The classes that a client of Fail2ban's expects (COMPAT 6.6)."""


def render_answer(answer: Answer) -> bytes:
    """Return the frame that carries `answer`: the pair (0, value) or (1, exception)."""
    if isinstance(answer, Granted):
        body = _render(0) + _render(answer.value)
    else:
        module, name = _EXCEPTIONS[answer.kind]
        body = _render(1) + f"c{module}\n{name}\n".encode() + _render(answer.detail) + b"\x85R"  # GLOBAL TUPLE1 REDUCE
    return b"\x80\x02" + body + b"\x86." + END


def render_pickle(value: Value) -> bytes:
    """Return a pickle of a plain value."""
    return b"\x80\x02" + _render(value) + b"."


def _render(value: Value) -> bytes:  # noqa: PLR0911 - a row for each kind of value
    match value:
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            size = (value.bit_length() + 8) // 8
            return b"\x8a" + struct.pack("<B", size) + value.to_bytes(size, "little", signed=True)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            text = value.encode("utf-8", "replace")
            return b"X" + struct.pack("<I", len(text)) + text
        case tuple():
            return b"(" + b"".join(map(_render, value)) + b"t"
        case Mapping():
            return b"}(" + b"".join(_render(key) + _render(item) for key, item in value.items()) + b"u"
        case Sequence():
            return b"](" + b"".join(map(_render, value)) + b"e"
