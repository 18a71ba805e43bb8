"""Fail2ban's framing: pickled values between markers, read by a closed unpickler and written by hand (COMPAT 6.6).

What is written is protocol 2, which Python 2, Python 3 and the picklers of Go read alike, with integers in the forms
that become a plain `int` there. The only class that is ever named is that of an exception.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

from sekisho.control.protocol import FRAME_CAP, MOST_WORDS, PORTION, Answer, Granted, Kind, Request, Value, in_pieces
from sekisho.control.unpickle import Unpickler

FIRST_BYTES = b"\x80(]c"
"""How a pickled request begins: with its protocol, or before protocol 2 with a list; `c` would begin an attack."""
END = b"<F2B_END_COMMAND>"
CLOSE = b"<F2B_CLOSE_COMMAND>"

_INSTRUCTIONS = 10_000  # in one go, which takes some milliseconds
_MOST_GOES = 100  # a thousand jails' stream at `reload` takes thirty; what more would build is memory
_DEEPEST = 20


class Reading:
    """A frame that is being read; a long one in several goes, so that others have their turn."""

    def __init__(self, frame: bytes) -> None:
        self._machine = Unpickler(frame)
        self._goes = 0

    def go_on(self) -> Request | None:
        """Read on for some milliseconds; the request, once it is complete.

        `reload` comes as `["reload", JAIL or "--all", [options], [stream]]`: the options are taken, and the stream,
        which is what that client made of the configuration, is not: the server reads its own.

        Raises:
            MoreThanValues: the frame would do more than say words.
            ValueError: no request.

        """
        self._goes += 1
        if not self._machine.run(_INSTRUCTIONS):
            if self._goes == _MOST_GOES:
                raise ValueError("a pickle of too many instructions")
            return None
        raw = self._machine.value
        if not isinstance(raw, list | tuple):
            raise ValueError("expected a list of plain values")  # noqa: TRY004 - one error for one cause
        words = list(raw)
        if words[:1] == ["reload"] and len(words) == 4 and isinstance(words[2], list | tuple):
            words = ["reload", *words[2], words[1]]
        _measure(words)
        return Request(tuple(map(_word, words)))


def _word(value: object) -> str:
    """Return a value as it would have been typed: structures as JSON, None as nothing."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return str(value) if isinstance(value, bool | int | float) else json.dumps(value)


def _measure(words: list[object]) -> None:
    """Raise ValueError for words that are too many, too long or too deep once written out; they may repeat others."""
    values, text = 0, 0
    rest: list[tuple[Collection[object], int]] = [(words, 0)]
    while rest:
        items, depth = rest.pop()
        values += len(items)
        if values > MOST_WORDS or depth > _DEEPEST:
            raise ValueError("words that are too many or too deep")
        for item in items:
            if isinstance(item, str):
                text += len(item)
            elif isinstance(item, dict):
                rest += [(item.keys(), depth + 1), (item.values(), depth + 1)]
            elif isinstance(item, list | tuple):
                rest.append((item, depth + 1))
        if text > FRAME_CAP:
            raise ValueError("words that are too long")


_EXCEPTIONS: Mapping[Kind, tuple[str, str]] = {
    Kind.REFUSED: ("builtins", "Exception"),
    Kind.UNKNOWN_JAIL: ("fail2ban.exceptions", "UnknownJailException"),
    Kind.DUPLICATE_JAIL: ("fail2ban.exceptions", "DuplicateJailException"),
    Kind.ARGUMENTS: ("builtins", "IndexError"),
    Kind.VALUE: ("builtins", "ValueError"),
    Kind.KEY: ("builtins", "KeyError"),
    Kind.FORBIDDEN: ("builtins", "PermissionError"),
    Kind.INTERNAL: ("builtins", "RuntimeError"),
}
"""The classes that a client of Fail2ban's expects (COMPAT 6.6)."""

_TOO_FEW = "list index out of range"  # how Fail2ban's server has always said that arguments are missing


def render_answer(answer: Answer) -> Iterator[bytes]:
    """Return the frame that carries `answer`, in pieces: the pair (0, value) or (1, exception)."""
    if isinstance(answer, Granted):
        body = chain([b"\x80\x02K\x00"], _parts(answer.value))
    else:
        module, name = _EXCEPTIONS[answer.kind]
        detail = _TOO_FEW if answer.kind is Kind.ARGUMENTS else answer.detail
        raised = f"c{module}\n{name}\n".encode() + _render(detail) + b"\x85R"  # GLOBAL ... TUPLE1 REDUCE
        body = chain([b"\x80\x02K\x01", raised])
    return in_pieces(chain(body, [b"\x86.", END]))


def render_complaint(text: str) -> bytes:
    """Return the frame that answers what was no request."""
    return b"\x80\x02" + _render(f"ERROR: {text}") + b"." + END


def _parts(value: Value) -> Iterator[bytes]:
    """Yield what builds `value`, a long list in portions."""
    if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
        yield _render(value)
    elif isinstance(value, Mapping):
        yield b"}("
        for key, item in value.items():
            yield _render(key)
            yield from _parts(item)
        yield b"u"
    elif isinstance(value, tuple):
        yield b"("
        for item in value:
            yield from _parts(item)
        yield b"t"
    elif len(value) > PORTION:
        yield b"]"
        for start in range(0, len(value), PORTION):
            yield b"(" + b"".join(map(_render, value[start : start + PORTION])) + b"e"
    else:
        yield b"]("
        for item in value:
            yield from _parts(item)
        yield b"e"


def _render(value: Value) -> bytes:
    match value:
        case str():
            text = value.encode("utf-8", "replace")
            return b"X" + struct.pack("<I", len(text)) + text
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return _render_int(value)
        case float():
            return b"G" + struct.pack(">d", value)
        case _:
            return b"".join(_parts(value))


def _render_int(value: int) -> bytes:
    if 0 <= value < 1 << 8:
        return b"K" + struct.pack("<B", value)
    if 0 <= value < 1 << 16:
        return b"M" + struct.pack("<H", value)
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    size = (value.bit_length() + 8) // 8
    return b"\x8a" + struct.pack("<B", size) + value.to_bytes(size, "little", signed=True)
