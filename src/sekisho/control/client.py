"""The socket's client: plain and synchronous, so that a command starts in a moment.

The errors, from the farthest to the nearest:

    ControlError
    ├── NoServer          nothing answers at the path
    ├── PermissionDenied  something may, but not to us
    ├── NoAnswer          connected, but no whole answer came in time
    └── ServerError       the server's own no
"""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

from sekisho.control import foreign
from sekisho.control.protocol import (
    SPEAKS,
    Denied,
    Granted,
    Kind,
    Request,
    Value,
    parse_answer,
    render_request,
)

__all__ = [
    "SPEAKS",
    "ControlError",
    "Granted",
    "Kind",
    "NoAnswer",
    "NoServer",
    "PermissionDenied",
    "Phrase",
    "Said",
    "ServerError",
    "Value",
    "ask",
    "converse",
    "help_text",
    "say",
    "vocabulary",
    "wait_end",
]  # fmt: skip

_CHUNK = 1 << 16


class Said(NamedTuple):
    """An answer of whichever server listens; `is_foreign`: it was Fail2ban's."""

    value: Value
    notes: tuple[str, ...] = ()
    is_foreign: bool = False


class ControlError(Exception):
    """A request that did not come to an answer of the kind that was hoped for; the text is for people."""


class NoServer(ControlError):  # noqa: N818 - named as people would say it
    """Nothing answers at the path; `reason` is the system's, and `stale` tells that something lies there."""

    def __init__(self, path: str, reason: OSError) -> None:
        super().__init__(f"Failed to access socket path: {path}. Is fail2ban running?")
        self.path = path
        self.reason = reason
        self.stale = not isinstance(reason, FileNotFoundError | NotADirectoryError)


class PermissionDenied(ControlError):  # noqa: N818 - named as people would say it
    """The socket, or its directory, is not for us."""

    def __init__(self, path: str) -> None:
        super().__init__(f"Permission denied to socket: {path}, (you must be root)")
        self.path = path


class NoAnswer(ControlError):  # noqa: N818 - named as people would say it
    """The server is there, and said nothing in time or broke off."""


class ServerError(ControlError):
    """The server's no: `kind` for programs, `detail` the bare fact, the text for people."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(denied.text)
        self.kind = denied.kind
        self.detail = denied.detail


def ask(path: str, words: Sequence[str], *, timeout: float | None = 30.0, by: str = "") -> Value:
    """Return the value of `words`; `timeout` in seconds is how long the server may be silent (None: for ever).

    Raises:
        ControlError: as drawn above.

    """
    return converse(path, words, timeout=timeout, by=by).value


def converse(path: str, words: Sequence[str], *, timeout: float | None = 30.0, by: str = "") -> Granted:
    """Return the whole answer to `words`, remarks included; arguments and errors as with `ask`."""
    try:
        answer = parse_answer(_exchange(path, render_request(Request(_plain(words), by)), timeout))
    except ValueError as error:
        raise NoAnswer(f"The server at {path} speaks another language: {error}") from None
    if isinstance(answer, Denied):
        raise ServerError(answer)
    return answer


def say(path: str, words: Sequence[str], *more: Value, timeout: float | None = 30.0, by: str = "") -> Said:
    """Return the answer of whichever server listens, ours or Fail2ban's, to `words` and what comes after them.

    Raises:
        ControlError: as drawn above.

    """
    frame = _exchange(path, foreign.render_request(_plain(words), by, *more), timeout)
    is_foreign = frame.endswith(foreign.END)
    try:
        answer = foreign.parse_answer(frame.removesuffix(foreign.END)) if is_foreign else parse_answer(frame)
    except ValueError as error:
        raise NoAnswer(f"The server at {path} speaks another language: {error}") from None
    if isinstance(answer, Denied):
        raise ServerError(answer)
    return Said(answer.value, answer.notes, is_foreign)


def wait_end(path: str, words: Sequence[str], *, timeout: float, by: str = "") -> bool:
    """Say `words`, which end the server, and wait until its process is gone; False when it still is there in time.

    Raises:
        ControlError: as with `ask`.

    """
    with _connect(path, timeout) as sock:
        pid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))[0]
        try:
            process = os.pidfd_open(pid)
        except OSError:  # a process of another pid namespace (0), or one that is just gone
            process = -1
    say(path, words, timeout=timeout, by=by)
    if process < 0:
        return True
    try:
        poll = select.poll()
        poll.register(process, select.POLLIN)
        return bool(poll.poll(timeout * 1000))
    finally:
        os.close(process)


def help_text() -> str:
    """Return the help on every word, from the server's own table."""
    from sekisho.control.words import help_text as text

    return text()


def _plain(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(os.fsencode(word).decode("utf-8", "replace") for word in words)


def _exchange(path: str, request: bytes, timeout: float | None) -> bytes:
    """Send a request and return the whole frame that answers it, its end included."""
    with _connect(path, timeout) as sock:
        try:
            sock.sendall(request)
            frame = _read_frame(sock)
        except TimeoutError:
            raise NoAnswer(f"The server at {path} did not answer within {timeout:g} seconds") from None
        except OSError as error:
            raise NoAnswer(f"The server at {path} broke off: {error.strerror}") from None
    if not frame.endswith((b"\n", foreign.END)):
        raise NoAnswer(f"The server at {path} broke off without an answer")
    return frame


def _connect(path: str, timeout: float | None) -> socket.socket:
    """Return a connection; where many want one at the same time it waits for its turn, up to `timeout`.

    The kernel does the waiting (SO_SNDTIMEO, unix(7)): Python's own timeout would fail at once there.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    whole, part = divmod(timeout or 0, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", int(whole), int(part * 1e6)))
    try:
        sock.connect(path)
        sock.settimeout(timeout)
    except PermissionError:
        sock.close()
        raise PermissionDenied(path) from None
    except BlockingIOError:
        sock.close()
        raise NoAnswer(f"The server at {path} accepted no connection within {timeout:g} seconds") from None
    except OSError as error:
        sock.close()
        raise NoServer(path, error) from None
    return sock


def _read_frame(sock: socket.socket) -> bytes:
    """Return a JSON line, or a pickle of Fail2ban's with the mark at its end."""
    frame = bytearray()
    while chunk := sock.recv(_CHUNK):
        frame += chunk
        if frame.endswith(b"\n" if frame.startswith(b"{") else foreign.END):
            break
    return bytes(frame)


class Phrase(NamedTuple):
    """A row of the server's table for people: the literal words, their arguments, the help's section and text."""

    path: tuple[str, ...]
    arguments: str
    section: str
    help: str


def vocabulary() -> tuple[Phrase, ...]:
    """Return every word that is for people, those that our client carries out by itself first."""
    from sekisho.control.table import SECTIONS
    from sekisho.control.words import CLIENTS, TABLE

    own = [(*usage.partition(" ")[::2], text) for usage, text in CLIENTS]
    return (
        *(Phrase((word,), arguments, SECTIONS[0].capitalize(), text) for word, arguments, text in own),
        *(
            Phrase(word.key, word.arguments, section.capitalize(), word.help)
            for section in SECTIONS
            for word in TABLE
            if word.section == section and not word.internal
        ),
    )
