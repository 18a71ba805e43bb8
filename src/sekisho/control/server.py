"""The socket's server: who may connect, how much a peer may ask of it, and that nothing a peer sends can end it.

Access is by file mode: the socket is 0600 in a directory of 0700, so that only its owner reaches it; the kernel tells
who a peer is (SO_PEERCRED), and the log names it for each change by hand.

Limits, so that one peer cannot starve the others: `LIMIT` connections, where the one that has been silent longest makes
room for a new one; `PATIENCE` seconds for a whole frame to arrive and for an answer to be taken; `FRAME_CAP` bytes in a
frame. What a peer does wrong is logged once a kind and minute, so that it cannot fill the log either.

Each connection is a task of its own, so `ping` is answered while a reload is under way. Words that read a specification
and write it back run one after another. Once `stop` is said, every word is answered `SHUTDOWN` (COMPAT 6.5), and
`stop()` lets answers under way be delivered before it closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

from sekisho.control import pickled, protocol
from sekisho.control.foreign import parse_greeting
from sekisho.control.protocol import FRAME_CAP, Answer, Denied, Granted, Kind, Request
from sekisho.control.table import Unmet, Word
from sekisho.control.words import answer, find
from sekisho.engine.api import EngineApi

log = logging.getLogger("fail2ban.server")

LIMIT = 64  # open connections; a host has a handful of scripts and exporters
PATIENCE = 30.0  # seconds; as long as a client waits for us (COMPAT 6.1, --timeout)
_GRACE = 2.0  # seconds for answers under way when the server stops
_QUIET = 60.0  # seconds between two log lines on the same kind of abuse
_SHOWN = 200  # characters of a change by hand that the log shows
_PATH_CAP = 107  # bytes; sun_path holds 108 with its NUL (unix(7))
_BACKLOG = 128


class SocketInUse(Exception):  # noqa: N818 - a fact that the daemon acts on
    """Another server answers on the socket."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, as the kernel says."""

    pid: int
    uid: int

    def __str__(self) -> str:
        return f"uid {self.uid}, pid {self.pid}"


@dataclass(frozen=True, slots=True)
class ControlStatistics:
    """What the server has seen. `abuses` counts by kind."""

    open: int
    requests: int
    abuses: dict[str, int]


class _Abuse(Exception):  # noqa: N818 - a fact about a peer
    """The peer broke a rule; the connection ends. The first argument is the kind, which the log counts by."""


class _Conversation:
    """One connection. `busy` while a request is being answered."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer) -> None:
        self.reader = reader
        self.writer = writer
        self.peer = peer
        self.busy = False


class ControlServer:
    """Answers words about `engine` on the unix socket at `path`."""

    def __init__(self, engine: EngineApi, path: str, *, limit: int = LIMIT, patience: float = PATIENCE) -> None:
        self._engine = engine
        self._path = Path(path)
        self._limit = limit
        self._patience = patience
        self._listener: asyncio.Server | None = None
        self._inode: tuple[int, int] | None = None
        self._talks: dict[_Conversation, asyncio.Task[None]] = {}  # in the order of their last word
        self._exclusive = asyncio.Lock()
        self._stopping = False
        self._requests = 0
        self._abuses: dict[str, int] = {}
        self._reported: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<ControlServer {self._path} open={len(self._talks)} requests={self._requests}>"

    def statistics(self) -> ControlStatistics:
        """Return what has been seen since the start."""
        return ControlStatistics(len(self._talks), self._requests, dict(self._abuses))

    async def start(self) -> None:
        """Listen; afterwards a client that connects is answered.

        The directory's last level is made if it is missing. A socket that nobody listens on is replaced.

        Raises:
            SocketInUse: another server answers there.
            OSError: the path cannot hold a socket.

        """
        listener = _listen(self._path)
        status = self._path.stat()
        self._inode = (status.st_dev, status.st_ino)
        self._listener = await asyncio.start_unix_server(self._accept, sock=listener, limit=FRAME_CAP)

    def announce_stop(self) -> None:
        """From now on every word is answered `SHUTDOWN`, so that an action that calls the client does not hang."""
        self._stopping = True

    async def stop(self) -> None:
        """Deliver the answers under way, close every connection, and remove the socket if it is still ours."""
        self._stopping = True
        if self._listener is None:
            return
        self._listener.close()
        busy = [task for talk, task in self._talks.items() if talk.busy]
        if busy:
            await asyncio.wait(busy, timeout=_GRACE)
        rest = list(self._talks.values())
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        self._listener = None
        with contextlib.suppress(FileNotFoundError):
            status = self._path.stat()
            if (status.st_dev, status.st_ino) == self._inode:
                self._path.unlink()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin a conversation; where there are too many, the one that has been silent longest ends."""
        if len(self._talks) >= self._limit:
            idle = next((talk for talk in self._talks if not talk.busy), None)
            self._report("too many connections", f"more than {self._limit}; closed the one that was silent longest")
            if idle is None:
                writer.transport.abort()
                return
            idle.writer.transport.abort()
            self._talks.pop(idle).cancel()
        talk = _Conversation(reader, writer, _peer_of(writer))
        task = asyncio.get_running_loop().create_task(self._converse(talk), name=f"control {talk.peer}")
        self._talks[talk] = task

    async def _converse(self, talk: _Conversation) -> None:
        try:
            while await self._exchange(talk):
                pass
        except _Abuse as abuse:
            self._report(str(abuse), str(talk.peer))
        except (ConnectionError, BrokenPipeError):
            pass  # a peer may leave whenever it likes
        finally:
            self._talks.pop(talk, None)
            talk.writer.close()
            with contextlib.suppress(ConnectionError, BrokenPipeError, TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await talk.writer.wait_closed()

    async def _exchange(self, talk: _Conversation) -> bool:
        """Read one request and answer it; False when the peer is done."""
        try:
            async with asyncio.timeout(self._patience):
                first = await talk.reader.read(1)
                if not first:
                    return False
                is_pickled = first in (pickled.FIRST_BYTE, pickled.CLOSE[:1])
                if not is_pickled and first != b"{":
                    raise _Abuse("bytes that are neither framing")
                marker = pickled.END if is_pickled else b"\n"
                frame = (first + await talk.reader.readuntil(marker))[: -len(marker)]
        except TimeoutError:
            raise _Abuse("no whole request in time") from None
        except asyncio.IncompleteReadError:
            raise _Abuse("half a request") from None
        except asyncio.LimitOverrunError:
            raise _Abuse(f"a request of more than {FRAME_CAP} bytes") from None
        if frame == pickled.CLOSE:
            return False
        talk.busy = True
        if talk in self._talks:
            self._talks[talk] = self._talks.pop(talk)
        try:
            request = _parse_request(frame, is_pickled=is_pickled)
        except ValueError as error:
            raise _Abuse(f"no request: {error}") from None
        reply = await self._answer(talk.peer, request)
        is_foreign = is_pickled and parse_greeting(frame) is None
        talk.writer.write(pickled.render_answer(reply) if is_foreign else protocol.render_answer(reply))
        try:
            async with asyncio.timeout(self._patience):
                await talk.writer.drain()
        except TimeoutError:
            talk.writer.transport.abort()
            raise _Abuse("an answer that was not taken in time") from None
        talk.busy = False
        return True

    async def _answer(self, peer: Peer, request: Request) -> Answer:
        """Return the answer to a request; whatever goes wrong is an answer too."""
        self._requests += 1
        if self._stopping:
            return Granted("SHUTDOWN")
        try:
            word, arguments = find(request.words)
        except Unmet as error:
            return Denied(error.kind, error.detail)
        if word.changes:
            log.info("%s: %s", _who(peer, request), _shown(request.words))
        try:
            async with self._exclusive if word.exclusive else contextlib.nullcontext():
                reply = await answer(self._engine, word, arguments)
        except Exception:
            log.exception("Unexpected error on %s", _shown(request.words))
            return Denied(Kind.INTERNAL, "internal error; the log tells more")
        self._stopping |= _ends_server(word, arguments) and isinstance(reply, Granted)
        return reply

    def _report(self, kind: str, detail: str) -> None:
        """Count an abuse, and log it unless one of its kind was logged just now."""
        now = asyncio.get_running_loop().time()
        key = kind.partition(":")[0]
        self._abuses[key] = self._abuses.get(key, 0) + 1
        if now - self._reported.get(key, -_QUIET) < _QUIET:
            return
        self._reported[key] = now
        log.warning("Control socket: %s (%s; %d so far)", kind, detail, self._abuses[key])


def _parse_request(frame: bytes, *, is_pickled: bool) -> Request:
    if not is_pickled:
        return protocol.parse_request(frame)
    greeting = parse_greeting(frame)
    if greeting is None:
        return pickled.parse_request(frame)
    by, rest = greeting
    return pickled.parse_request(rest)._replace(by=by)


def _ends_server(word: Word, arguments: tuple[str, ...]) -> bool:
    return word.path == "stop" and not arguments


def _who(peer: Peer, request: Request) -> str:
    return f"{_shown((request.by,))} ({peer})" if request.by else str(peer)


def _shown(words: tuple[str, ...]) -> str:
    """Return words as the log shows them: on one line, whatever they hold, and not for ever."""
    plain = [word if word.isprintable() and word and " " not in word else repr(word) for word in words[:_SHOWN]]
    text = " ".join(plain)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _peer_of(writer: asyncio.StreamWriter) -> Peer:
    sock: socket.socket = writer.get_extra_info("socket")
    pid, uid, _gid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return Peer(pid, uid)


def _listen(path: Path) -> socket.socket:
    """Return a socket that listens at `path`, in place of a stale one.

    It is bound under another name and moved into place, so that nobody ever finds it with a wider mode than 0600, or
    finds none where a stale one was.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    if len(os.fsencode(fresh)) > _PATH_CAP:
        raise OSError(f"socket path {path} is too long: the system allows about {_PATH_CAP - 10} bytes")
    path.parent.mkdir(mode=0o700, exist_ok=True)
    refuse_unless_free(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        fresh.unlink(missing_ok=True)
        listener.bind(str(fresh))
        fresh.chmod(0o600)
        listener.listen(_BACKLOG)
        fresh.rename(path)
    except OSError:
        listener.close()
        fresh.unlink(missing_ok=True)
        raise
    listener.setblocking(False)
    return listener


def refuse_unless_free(path: Path) -> None:
    """Raise SocketInUse where a server answers at `path`, FileExistsError where something else than a socket is."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(f"{path} is there and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return
        except TimeoutError:
            pass  # somebody listens, and is busy
    raise SocketInUse(f"another server answers on {path}")
