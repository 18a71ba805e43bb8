"""What is said over the socket: requests, answers, and how they are written as JSON lines.

A client connects, sends requests and reads one answer for each, in order. One line is one message:

    {"words": ["set", "sshd", "banip", "192.0.2.1"], "by": "ann"}
    {"ok": 1, "notes": []}          or
    {"error": "Sorry but the jail 'ssh' does not exist", "kind": "unknown jail", "detail": "ssh"}

`by` is who the client says is behind it (the log names it beside the uid that the kernel vouches for). `notes` are
remarks that belong on the user's screen and in no program's input: problems of the configuration, say. `error` is for
people; `kind` is for programs; `detail` is the raw text behind the two. The first byte of a frame tells the framing, so
that Fail2ban's (COMPAT 6.6, `pickled`) lives beside this one. Values have the shapes that Fail2ban's have (COMPAT 6.3),
so that a client shows them alike wherever they come from.

The records here are named tuples, not dataclasses: `dataclasses` imports `inspect`, and with it a third of the time
that the client has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain
from typing import Any, NamedTuple, TypeVar, overload

Item = TypeVar("Item")

Value = None | bool | int | float | str | Sequence["Value"] | Mapping[str, "Value"]

FRAME_CAP = 4 * 1024 * 1024
"""Bytes in one frame: twice what execve passes to a program, and room for a thousand jails' stream from a client of
Fail2ban's at `reload`."""

SPEAKS = "1.1.0"
"""The version of Fail2ban whose words are spoken here; programs compare it before they use a word."""


MOST_WORDS = 1 << 18
"""Words in a request: as many of eight bytes as execve passes to a program."""

PORTION = 1000
"""Items of a long list that are rendered in one go."""

PIECE = 1 << 16
"""Bytes of an answer that are sent in one go; in between, others are answered."""


class Kind(StrEnum):
    """Why a request was not met, as far as a program can act on it."""

    REFUSED = "refused"
    UNKNOWN_JAIL = "unknown jail"
    DUPLICATE_JAIL = "duplicate jail"
    ARGUMENTS = "arguments"
    VALUE = "value"
    KEY = "key"
    FORBIDDEN = "forbidden"
    INTERNAL = "internal"


class Mapped(Sequence[Value]):
    """The values that `make` makes of `items`, made when they are rendered: a jail may have a hundred thousand bans."""

    def __init__(self, items: Sequence[Item], make: Callable[[Item], Value]) -> None:
        self._items: Sequence[Any] = items
        self._make = make

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Value: ...

    @overload
    def __getitem__(self, index: slice) -> list[Value]: ...

    def __getitem__(self, index: int | slice) -> Value:
        if isinstance(index, slice):
            return [self._make(item) for item in self._items[index]]
        return self._make(self._items[index])

    def __eq__(self, other: object) -> bool:
        return list(self) == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Mapped: {len(self)} values>"


class Request(NamedTuple):
    """The words to act on, and who the client says is asking."""

    words: tuple[str, ...]
    by: str = ""


class Granted(NamedTuple):
    """The value that the words stand for, and remarks for the user's screen."""

    value: Value
    notes: tuple[str, ...] = ()


class Denied(NamedTuple):
    """Why not. `detail` is the bare fact (a jail's name, a message); `text` is what people read."""

    kind: Kind
    detail: str

    @property
    def text(self) -> str:
        """The friendly texts of COMPAT 6.1."""
        match self.kind:
            case Kind.UNKNOWN_JAIL:
                return f"Sorry but the jail '{self.detail}' does not exist"
            case Kind.DUPLICATE_JAIL:
                return f"The jail '{self.detail}' already exists"
            case Kind.ARGUMENTS:
                return "Sorry but the command is invalid"
            case Kind.KEY:
                return repr(self.detail)
            case _:
                return self.detail


Answer = Granted | Denied


def render_request(request: Request) -> bytes:
    """Return the line that carries `request`."""
    return json.dumps({"words": request.words, "by": request.by}).encode() + b"\n"


def parse_request(line: bytes) -> Request:
    """Return the request in `line`.

    Raises:
        ValueError: the line is not a request; the message says what was expected.

    """
    message = _parse_object(line)
    words, by = message.get("words"), message.get("by", "")
    if (
        not isinstance(words, list)
        or len(words) > MOST_WORDS
        or not all(isinstance(word, str | int | float) for word in words)
    ):
        raise ValueError("expected a list of plain values under 'words'")
    if not isinstance(by, str):
        raise ValueError("expected text under 'by'")  # noqa: TRY004 - one error for one cause: not a request
    return Request(tuple(str(word) for word in words), by)


def render_answer(answer: Answer) -> Iterator[bytes]:
    """Return the line that carries `answer`, in pieces."""
    if isinstance(answer, Granted):
        message: dict[str, Value] = {"ok": answer.value}
        if answer.notes:
            message["notes"] = answer.notes
    else:
        message = {"error": answer.text, "kind": answer.kind, "detail": answer.detail}
    return in_pieces(text.encode() for text in chain(_texts(message), "\n"))


def in_pieces(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the parts joined to pieces of about `PIECE` bytes."""
    piece = bytearray()
    for part in parts:
        piece += part
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, Mapping):
        for number, (key, item) in enumerate(value.items()):
            yield f"{', ' if number else '{'}{json.dumps(key)}: "
            yield from _texts(item)
        yield "}" if value else "{}"
    elif isinstance(value, str) or not isinstance(value, Sequence):
        yield json.dumps(value)
    elif len(value) > PORTION:
        for start in range(0, len(value), PORTION):
            part = json.dumps(list(value[start : start + PORTION]), default=list)
            yield f"{', ' if start else '['}{part[1:-1]}"
        yield "]"
    else:
        for number, item in enumerate(value):
            yield ", " if number else "["
            yield from _texts(item)
        yield "]" if value else "[]"


def parse_answer(line: bytes) -> Answer:
    """Return the answer in `line`; an unknown kind (a newer server's) becomes `REFUSED`.

    Raises:
        ValueError: the line is not an answer.

    """
    message = _parse_object(line)
    if "ok" in message:
        notes = message.get("notes", ())
        return Granted(message["ok"], tuple(map(str, notes)) if isinstance(notes, list) else ())
    if "error" not in message:
        raise ValueError("expected 'ok' or 'error'")
    kind = message.get("kind")
    if kind not in set(Kind):
        return Denied(Kind.REFUSED, str(message["error"]))
    return Denied(Kind(str(kind)), str(message.get("detail", message["error"])))


def _parse_object(line: bytes) -> dict[str, Value]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {str(error)[:100]}") from None
    if not isinstance(message, dict):
        raise ValueError("expected a JSON object")  # noqa: TRY004 - as above
    return message
