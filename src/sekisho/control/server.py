"""The socket's server: how much a peer may ask of it, and that nothing a peer sends can end it.

Who may connect and say what is `control.access`'s to tell; who made a change by hand is in the log.

Limits, so that one peer cannot starve the others:

- `LIMIT` connections of those who may do everything, and as many of those who may only read, `SHARE` of them of one
  user. Where there is no room, the process that has most connections loses the one that has been silent longest. So
  nobody keeps root out, and who opens connections and leaves them closes his own.
- `PATIENCE` seconds for a request to arrive once it has begun, and for an answer to be taken.
- `FRAME_CAP` bytes in a request, `READER_CAP` in that of somebody who may only read. No more than that is kept.
- Who may only read is answered one request after the other, and waits four times as long as each answer took.
- Long requests are read, and long answers written, in portions; in between, others are served.
- One descriptor is kept in reserve: where the daemon has no other left, one peer after the other is still answered.

What a peer does wrong is logged once a kind and minute, so that it cannot fill the log either.

Each connection is a task of its own, so `ping` is answered while a reload is under way. Words that read a specification
and write it back run one after another. Once `stop` is said, every word is answered `SHUTDOWN` (COMPAT 6.5), and
`stop()` lets answers under way be delivered before it closes.

A socket that somebody removes while the daemon runs is made again, and `socketgroup` and `socketaccess` hold from the
reload on that brings them: both are looked after every `LOOK` seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sekisho.control import pickled, protocol
from sekisho.control.access import Access, Peer, Rights, peer_of, read_access
from sekisho.control.foreign import parse_greeting
from sekisho.control.frames import Abuse, Frame, Inbox
from sekisho.control.listener import Listener, SocketInUse
from sekisho.control.protocol import FRAME_CAP, Answer, Denied, Granted, Kind, Request
from sekisho.control.table import Unmet, Word
from sekisho.control.unpickle import MoreThanValues
from sekisho.control.words import answer, find
from sekisho.engine.api import EngineApi

log = logging.getLogger("fail2ban.server")

LIMIT = 64  # open connections; a host has a handful of scripts and exporters
SHARE = 16
PATIENCE = 30.0  # seconds; as long as a client waits for us (COMPAT 6.1, --timeout)
LOOK = 10.0  # seconds
READER_CAP = 64 * 1024
_PAUSE, _LONGEST_PAUSE = 4, 1.0  # times the answer's time; seconds
_GRACE = 2.0  # seconds for answers under way when the server stops
_BREATH = 0.1  # seconds without accepting anybody when nothing is left to do it with
_QUIET = 60.0  # seconds between two log lines on the same kind of abuse
_SHOWN = 200  # characters of a change by hand that the log shows
_CHUNK = 1 << 16  # bytes
_AT_ONCE = 16  # connections accepted before others have their turn


@dataclass(frozen=True, slots=True)
class ControlStatistics:
    """What the server has seen. `abuses` counts by kind."""

    open: int
    requests: int
    abuses: dict[str, int]


class _Conversation:
    """One connection. `busy` while a request is being answered."""

    def __init__(self, sock: socket.socket, peer: Peer, *, is_reader: bool) -> None:
        self.sock = sock
        self.peer = peer
        self.is_reader = is_reader
        self.inbox = Inbox(READER_CAP if is_reader else FRAME_CAP)
        self.busy = False
        self.dismissed = False


class ControlServer:
    """Answers words about `engine` on the unix socket at `path`."""

    def __init__(
        self, engine: EngineApi, path: str, *, limit: int = LIMIT, patience: float = PATIENCE, look: float = LOOK
    ) -> None:
        self._engine = engine
        self._path = Path(path)
        self._limit = limit
        self._patience = patience
        self._look = look
        self._access = Access()
        self._granted = ("", "")
        self._listener: Listener | None = None
        self._spare = -1
        self._keeper: asyncio.Task[None] | None = None
        self._talks: dict[_Conversation, asyncio.Task[None]] = {}  # in the order of their last word
        self._exclusive = asyncio.Lock()
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)  # by uid, of those who only read
        self._stopping = False
        self._requests = 0
        self._abuses: dict[str, int] = {}
        self._reported: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<ControlServer {self._path} open={len(self._talks)} requests={self._requests}>"

    def statistics(self) -> ControlStatistics:
        """Return what has been seen since the start."""
        return ControlStatistics(len(self._talks), self._requests, dict(self._abuses))

    # -- its life

    async def start(self) -> None:
        """Listen; afterwards a client that connects is answered. Errors as with `Listener`."""
        self._granted = _granted(self._engine)
        self._access = read_access(self._engine.server)
        self._begin()
        self._spare = os.open(os.devnull, os.O_RDONLY)
        self._keeper = asyncio.get_running_loop().create_task(self._keep(), name="control socket's place")

    def announce_stop(self) -> None:
        """From now on every word is answered `SHUTDOWN`, so that an action that calls the client does not hang."""
        self._stopping = True

    async def stop(self) -> None:
        """Deliver the answers under way, close every connection, and remove the socket if it is still ours."""
        self._stopping = True
        if self._keeper is not None:
            self._keeper.cancel()
        place = self._end()
        busy = [task for talk, task in self._talks.items() if talk.busy]
        if busy:
            await asyncio.wait(busy, timeout=_GRACE)
        rest = list(self._talks.values())
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        if place is not None:
            place.remove()
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1

    def _begin(self) -> None:
        self._listener = Listener(self._path, self._access.group)
        asyncio.get_running_loop().add_reader(self._listener.socket, self._accept)

    def _end(self) -> Listener | None:
        listener, self._listener = self._listener, None
        if listener is not None:
            asyncio.get_running_loop().remove_reader(listener.socket)
            listener.close()
        return listener

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._look)
            self._look_after()

    def _look_after(self) -> None:
        """Let the access be what the configuration says now, and listen anew where that asks for it or we are gone."""
        is_missing = self._listener is None or not self._listener.is_in_place
        granted, group = _granted(self._engine), self._access.group
        if granted != self._granted:
            self._granted, self._access = granted, read_access(self._engine.server)
        if not is_missing and self._access.group == group:
            return
        if is_missing:
            self._report("the socket is gone from its path", f"{self._path}; it is made again")
        self._accept()  # whoever has connected already
        place = self._end()
        if place is not None:
            place.remove()
        try:
            self._begin()
        except (SocketInUse, OSError) as error:
            self._report("the socket cannot be made again", error)

    # -- who comes in

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            if self._listener is None:
                return
            try:
                sock, _ = self._listener.socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:  # EMFILE, ENFILE, ENOMEM
                self._run_short(error)
                return
            try:
                self._admit(sock)
            except OSError:  # the peer is gone already
                sock.close()

    def _run_short(self, error: OSError) -> None:
        """Without a descriptor for one more: use the spare one, and have it again when a conversation ends."""
        self._report("no descriptor left for a connection", error)
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1
            return
        assert self._listener is not None
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener.socket)
        loop.call_later(_BREATH, self._breathe, self._listener, [talk for talk in self._talks if not talk.busy])

    def _breathe(self, listener: Listener, idle: Iterable[_Conversation]) -> None:
        """Accept again; those that have had their time and are idle still make room."""
        if listener is not self._listener:
            return
        for talk in idle:
            if talk in self._talks and not talk.busy:
                self._dismiss(talk)
        asyncio.get_running_loop().add_reader(listener.socket, self._accept)

    def _admit(self, sock: socket.socket) -> None:
        """Begin a conversation; where there are too many, an idle one ends."""
        sock.setblocking(False)
        peer = peer_of(sock)
        rights = self._access.rights(peer)
        if rights is Rights.NOTHING:
            self._report("somebody whom the socket is not for", peer)
            sock.close()
            return
        talk = _Conversation(sock, peer, is_reader=rights is Rights.READ)
        rivals = [other for other in self._talks if other.is_reader is talk.is_reader]
        own = [other for other in rivals if other.peer.uid == peer.uid] if talk.is_reader else []
        crowd = own if len(own) >= SHARE else rivals if len(rivals) >= self._limit else ()
        if crowd:
            self._report("too many connections, so idle ones are closed", peer)
            held = Counter(other.peer.pid for other in crowd)
            idle = [other for other in crowd if not other.busy]
            if not idle:
                sock.close()
                return
            self._dismiss(max(idle, key=lambda other: held[other.peer.pid]))  # the first of the most
        task = asyncio.get_running_loop().create_task(self._converse(talk), name=f"control of uid {peer.uid}")
        task.add_done_callback(lambda _: self._part(talk))  # also where the task has not begun
        self._talks[talk] = task

    def _part(self, talk: _Conversation) -> None:
        self._talks.pop(talk, None)
        talk.sock.close()
        if self._spare < 0 and not self._stopping:
            with contextlib.suppress(OSError):
                self._spare = os.open(os.devnull, os.O_RDONLY)

    def _dismiss(self, talk: _Conversation) -> None:
        """Let an idle peer go: its task finds the stream at an end. To cancel it would leave rings of garbage."""
        del self._talks[talk]
        talk.dismissed = True
        with contextlib.suppress(OSError):
            talk.sock.shutdown(socket.SHUT_RDWR)

    # -- what is said

    async def _converse(self, talk: _Conversation) -> None:
        try:
            while (frame := await self._next_frame(talk)) is not None:
                await self._exchange(talk, frame)
                await asyncio.sleep(0)  # whoever asks without a pause
        except (Abuse, OSError) as error:  # a peer may leave whenever it likes
            if isinstance(error, Abuse):
                self._report(str(error), talk.peer)
            error.__traceback__ = error.__context__ = None  # a ring, which would keep request and answer for a while

    async def _next_frame(self, talk: _Conversation) -> Frame | None:
        """Return the next request, None when the peer is done; a peer may be silent between two as long as it likes."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as patience:
                while (frame := talk.inbox.take()) is None:
                    if not talk.inbox.is_empty and patience.when() is None:
                        patience.reschedule(loop.time() + self._patience)
                    data = await loop.sock_recv(talk.sock, _CHUNK)
                    if talk.dismissed or (not data and talk.inbox.is_empty):
                        return None
                    if not data:
                        raise Abuse("half a request")
                    talk.inbox.feed(data)
        except TimeoutError:
            raise Abuse("no whole request in time") from None
        return None if frame.ends else frame

    async def _exchange(self, talk: _Conversation, frame: Frame) -> None:
        """Answer one request."""
        talk.busy = True
        if talk in self._talks:
            self._talks[talk] = self._talks.pop(talk)
        if not talk.is_reader:
            await self._respond(talk, frame)
        else:
            async with self._turns[talk.peer.uid]:
                begin = asyncio.get_running_loop().time()
                await self._respond(talk, frame)
                spent = asyncio.get_running_loop().time() - begin
                await asyncio.sleep(min(spent * _PAUSE, _LONGEST_PAUSE))
        talk.busy = False

    async def _respond(self, talk: _Conversation, frame: Frame) -> None:
        try:
            request = await _read(frame)
        except ValueError as error:
            text = str(error)
            complaint = (
                [pickled.render_complaint(text)]
                if frame.is_pickled
                else protocol.render_answer(Denied(Kind.REFUSED, f"no request: {text}"))
            )
            await self._send(talk, complaint)
            kind = "a pickle that is more than values" if isinstance(error, MoreThanValues) else "no request"
            raise Abuse(f"{kind}: {text}") from None
        reply = await self._answer(talk.peer, request)
        is_foreign = frame.is_pickled and parse_greeting(frame.body) is None
        await self._send(talk, pickled.render_answer(reply) if is_foreign else protocol.render_answer(reply))

    async def _send(self, talk: _Conversation, pieces: Iterable[bytes]) -> None:
        try:
            async with asyncio.timeout(self._patience):
                for piece in pieces:
                    await asyncio.get_running_loop().sock_sendall(talk.sock, piece)
                    await asyncio.sleep(0)
        except TimeoutError:
            raise Abuse("an answer that was not taken in time") from None

    async def _answer(self, peer: Peer, request: Request) -> Answer:
        """Return the answer to a request; whatever goes wrong is an answer too."""
        self._requests += 1
        if self._stopping:
            return Granted("SHUTDOWN")
        try:
            word, arguments = find(request.words)
        except Unmet as error:
            return Denied(error.kind, error.detail)
        if (word.changes or word.private) and self._access.rights(peer) is not Rights.ALL:
            return self._deny(peer, word)
        shown = _shown(request.words, hidden_after=len(word.key) + 2 if word.private else None)
        if word.changes:
            log.info("%s: %s", _who(peer, request), shown)
        try:
            async with self._exclusive if word.exclusive else contextlib.nullcontext():
                reply = await answer(self._engine, word, arguments)
        except Exception:
            log.exception("Unexpected error on %s", shown)
            return Denied(Kind.INTERNAL, "internal error; the log tells more")
        self._stopping |= _ends_server(word, arguments) and isinstance(reply, Granted)
        if word.changes and not self._stopping:
            self._look_after()
        return reply

    def _deny(self, peer: Peer, word: Word) -> Denied:
        why = "changes something" if word.changes else "may show secrets"
        self._report(f"a word that {why}, of somebody who may only read: {word.path}", peer)
        return Denied(Kind.FORBIDDEN, f"{peer.user} may only read: '{word.path}' {why} (fail2ban.conf: socketaccess)")

    def _report(self, kind: str, detail: object) -> None:
        """Count an abuse, and log it unless one of its kind (up to the colon) was logged just now."""
        now = asyncio.get_running_loop().time()
        key = kind.partition(":")[0]
        self._abuses[key] = self._abuses.get(key, 0) + 1
        if now - self._reported.get(key, -_QUIET) < _QUIET:
            return
        self._reported[key] = now
        log.warning("Control socket: %s (%s; %d so far)", kind, detail, self._abuses[key])


async def _read(frame: Frame) -> Request:
    """Return the request in a frame; raises ValueError where there is none."""
    if not frame.is_pickled:
        return protocol.parse_request(frame.body)
    by, body = parse_greeting(frame.body) or ("", frame.body)
    reading = pickled.Reading(body)
    request = None
    while request is None:
        await asyncio.sleep(0)
        request = reading.go_on()
    return request._replace(by=by)


def _granted(engine: EngineApi) -> tuple[str, str]:
    return engine.server.socketgroup, engine.server.socketaccess


def _ends_server(word: Word, arguments: tuple[str, ...]) -> bool:
    return word.path == "stop" and not arguments


def _who(peer: Peer, request: Request) -> str:
    """Return who asks: the kernel's word, and in whose name he says that he does."""
    named = "" if request.by in ("", peer.user) else f", for {_shown((request.by,))}"
    return f"{peer}{named}"


def _shown(words: tuple[str, ...], *, hidden_after: int | None = None) -> str:
    """Return words as the log shows them: on one line, whatever they hold, and not for ever."""
    plain = [word if word.isprintable() and word and " " not in word else repr(word) for word in words[:_SHOWN]]
    if hidden_after is not None and len(plain) > hidden_after:
        plain[hidden_after:] = ["(not shown)"]
    text = " ".join(plain)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
