"""One connection: requests are read, answered in order, and the answers written, each within its time.

A peer may be silent between two requests for as long as it likes. A request that has begun must arrive within
`patience`, and an answer be taken within as much; else the connection ends. Long requests are read, and long answers
written, in portions, so that others have their turn; so have they after each answer, whoever asks without a pause.

A peer that may only read is answered in its user's turn, one request after the other, and waits four times as long as
its answer took: others have most of the daemon's time.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterable

from sekisho.control import pickled, protocol
from sekisho.control.access import Peer
from sekisho.control.foreign import parse_greeting
from sekisho.control.frames import Abuse, Frame, Inbox
from sekisho.control.protocol import FRAME_CAP, Answer, Denied, Kind, Request
from sekisho.control.unpickle import MoreThanValues

READER_CAP = 16 * 1024
"""Bytes in a request of somebody who may only read: a thousand addresses to look for, which takes some milliseconds."""

_PAUSE, _LONGEST_PAUSE = 4, 1.0  # times the answer's time; seconds
_CHUNK = 1 << 16  # bytes


class Conversation:
    """What is said with one peer. `turn` is that of a user who may only read; who may do everything has none."""

    def __init__(self, sock: socket.socket, peer: Peer, *, turn: asyncio.Lock | None, patience: float) -> None:
        self.peer = peer
        self.is_reader = turn is not None
        self.busy = False
        self._sock = sock
        self._turn = turn
        self._patience = patience
        self._inbox = Inbox(READER_CAP if turn is not None else FRAME_CAP)
        self._dismissed = False

    async def run(self, answer: Callable[[Request], Awaitable[Answer]]) -> None:
        """Answer requests by `answer` until the peer is done, or dismissed.

        Raises:
            Abuse: the peer broke a rule.
            OSError: the peer is gone.

        """
        while (frame := await self._next_frame()) is not None:
            self.busy = True
            await self._respond_in_turn(frame, answer)
            self.busy = False
            await asyncio.sleep(0)

    def dismiss(self) -> None:
        """Let an idle peer go: its task finds the stream at an end. To cancel it would leave rings of garbage."""
        self._dismissed = True
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the socket."""
        self._sock.close()

    async def _next_frame(self) -> Frame | None:
        """Return the next request, None when the peer is done."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as patience:
                while (frame := self._inbox.take()) is None:
                    if not self._inbox.is_empty and patience.when() is None:
                        patience.reschedule(loop.time() + self._patience)
                    data = await loop.sock_recv(self._sock, _CHUNK)
                    if self._dismissed or (not data and self._inbox.is_empty):
                        return None
                    if not data:
                        raise Abuse("half a request")
                    self._inbox.feed(data)
        except TimeoutError:
            raise Abuse("no whole request in time") from None
        return None if frame.ends else frame

    async def _respond_in_turn(self, frame: Frame, answer: Callable[[Request], Awaitable[Answer]]) -> None:
        if self._turn is None:
            await self._respond(frame, answer)
            return
        async with self._turn:
            begin = asyncio.get_running_loop().time()
            await self._respond(frame, answer)
            spent = asyncio.get_running_loop().time() - begin
            await asyncio.sleep(min(spent * _PAUSE, _LONGEST_PAUSE))

    async def _respond(self, frame: Frame, answer: Callable[[Request], Awaitable[Answer]]) -> None:
        try:
            request = await _read(frame)
        except ValueError as error:
            refusal = Denied(Kind.REFUSED, f"no request: {error}")
            complaint = [pickled.render_complaint(str(error))] if frame.is_pickled else protocol.render_answer(refusal)
            await self._send(complaint)
            kind = "a pickle that is more than values" if isinstance(error, MoreThanValues) else "no request"
            raise Abuse(f"{kind}: {error}") from None
        is_foreign = frame.is_pickled and parse_greeting(frame.body) is None
        await self._send((pickled if is_foreign else protocol).render_answer(await answer(request)))

    async def _send(self, pieces: Iterable[bytes]) -> None:
        try:
            async with asyncio.timeout(self._patience):
                for piece in pieces:
                    await asyncio.get_running_loop().sock_sendall(self._sock, piece)
                    await asyncio.sleep(0)
        except TimeoutError:
            raise Abuse("an answer that was not taken in time") from None


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
