"""The socket's server: who is let in, what is answered, and that nothing a peer sends can end it.

Who may connect and say what is `control.access`'s to tell; who made a change by hand is in the log. Limits, so that one
peer cannot starve the others, besides those of a `Conversation`:

- `LIMIT` connections of those who may do everything, and as many of those who may only read, `SHARE` of them of one
  user. Where there is no room, the process that has most connections loses the one that has been silent longest. So
  nobody keeps root out, and who opens connections and leaves them closes his own.
- `FRAME_CAP` bytes in a request, `READER_CAP` in that of somebody who may only read. No more than that is kept.

Each connection is a task of its own, so `ping` is answered while a reload is under way. Words that read a specification
and write it back run one after another. Once `stop` is said, every word is answered `SHUTDOWN` (COMPAT 6.5), and
`stop()` lets answers under way be delivered before it closes.

A socket that somebody removes while the daemon runs is made again, which is looked for every `LOOK` seconds; and
`socketgroup` and `socketaccess` hold from the reload on that brings them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sekisho.control.abuses import Abuses
from sekisho.control.access import Access, Peer, Rights, peer_of, read_access
from sekisho.control.basics import ENDS_SERVER
from sekisho.control.conversation import Conversation
from sekisho.control.door import Door
from sekisho.control.frames import Abuse
from sekisho.control.protocol import Answer, Denied, Granted, Kind, Request
from sekisho.control.table import Unmet, Word
from sekisho.control.words import answer, find
from sekisho.engine.api import EngineApi

log = logging.getLogger("fail2ban.server")

LIMIT = 64  # open connections; a host has a handful of scripts and exporters
SHARE = 16
PATIENCE = 30.0  # seconds; as long as a client waits for us (COMPAT 6.1, --timeout)
LOOK = 10.0  # seconds
_GRACE = 2.0  # seconds for answers under way when the server stops
_SHOWN = 200  # characters of a change by hand that the log shows


@dataclass(frozen=True, slots=True)
class ControlStatistics:
    """What the server has seen. `abuses` counts by kind."""

    open: int
    requests: int
    abuses: dict[str, int]


class ControlServer:
    """Answers words about `engine` on the unix socket at `path`."""

    def __init__(
        self, engine: EngineApi, path: str, *, limit: int = LIMIT, patience: float = PATIENCE, look: float = LOOK
    ) -> None:
        self._engine = engine
        self._limit = limit
        self._patience = patience
        self._look = look
        self._abuses = Abuses(lambda: asyncio.get_running_loop().time())
        self._door = Door(Path(path), self._abuses, admit=self._admit, idle=self._idle)
        self._access = Access()
        self._granted = ("", "")
        self._keeper: asyncio.Task[None] | None = None
        self._talks: dict[Conversation, asyncio.Task[None]] = {}  # in the order of their last word
        self._exclusive = asyncio.Lock()
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)  # by uid, of those who only read
        self._stopping = False
        self._requests = 0

    def __repr__(self) -> str:
        return f"<ControlServer {self._door.path} open={len(self._talks)} requests={self._requests}>"

    def statistics(self) -> ControlStatistics:
        """Return what has been seen since the start."""
        return ControlStatistics(len(self._talks), self._requests, dict(self._abuses.counts))

    # -- its life

    async def start(self) -> None:
        """Listen; afterwards a client that connects is answered. Errors as with `Listener`."""
        self._take_over()
        self._door.open(self._access.group)
        self._keeper = asyncio.get_running_loop().create_task(self._keep(), name="control socket's place")

    def announce_stop(self) -> None:
        """From now on every word is answered `SHUTDOWN`, so that an action that calls the client does not hang."""
        self._stopping = True

    async def stop(self) -> None:
        """Deliver the answers under way, close every connection, and remove the socket if it is still ours."""
        self._stopping = True
        if self._keeper is not None:
            self._keeper.cancel()
        place = self._door.close()
        busy = [task for talk, task in self._talks.items() if talk.busy]
        if busy:
            await asyncio.wait(busy, timeout=_GRACE)
        rest = list(self._talks.values())
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        if place is not None:
            place.remove()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._look)
            self._look_after()

    def _look_after(self) -> None:
        """Let access be what the configuration says now, and listen anew where that asks for it or we are gone."""
        group = self._access.group
        self._take_over()
        if group != self._access.group or not self._door.is_in_place:
            self._door.reopen(self._access.group)

    def _take_over(self) -> None:
        server = self._engine.server
        granted = (server.socketgroup, server.socketaccess)
        if granted != self._granted:
            self._granted, self._access = granted, read_access(server)

    # -- who comes in

    def _admit(self, sock: socket.socket) -> None:
        """Begin a conversation; where there are too many, an idle one ends. Raises OSError where the peer is gone."""
        sock.setblocking(False)
        peer = peer_of(sock)
        rights = self._access.rights(peer)
        if rights is Rights.NOTHING:
            self._abuses.report("somebody whom the socket is not for", peer)
            sock.close()
            return
        turn = self._turns[peer.uid] if rights is Rights.READ else None
        talk = Conversation(sock, peer, turn=turn, patience=self._patience)
        if not self._has_room_for(talk):
            sock.close()
            return
        task = asyncio.get_running_loop().create_task(self._converse(talk), name=f"control of uid {peer.uid}")
        task.add_done_callback(lambda _: self._part(talk))  # also where the task has not begun
        self._talks[talk] = task

    def _has_room_for(self, talk: Conversation) -> bool:
        rivals = [other for other in self._talks if other.is_reader is talk.is_reader]
        own = [other for other in rivals if other.peer.uid == talk.peer.uid] if talk.is_reader else []
        crowd = own if len(own) >= SHARE else rivals if len(rivals) >= self._limit else []
        if not crowd:
            return True
        self._abuses.report("too many connections, so idle ones are closed", talk.peer)
        held = Counter(other.peer.pid for other in crowd)
        idle = [other for other in crowd if not other.busy]
        if idle:
            self._dismiss(max(idle, key=lambda other: held[other.peer.pid]))  # the first of the most
        return bool(idle)

    def _dismiss(self, talk: Conversation) -> None:
        del self._talks[talk]
        talk.dismiss()

    def _idle(self) -> Callable[[], None]:
        """Note who is idle; what is returned dismisses those who still are."""
        noted = [talk for talk in self._talks if not talk.busy]

        def make_room() -> None:
            for talk in noted:
                if talk in self._talks and not talk.busy:
                    self._dismiss(talk)

        return make_room

    def _part(self, talk: Conversation) -> None:
        self._talks.pop(talk, None)
        talk.close()
        self._door.keep_spare()

    # -- what is said

    async def _converse(self, talk: Conversation) -> None:
        try:
            await talk.run(partial(self._answer, talk))
        except (Abuse, OSError) as error:  # a peer may leave whenever it likes
            if isinstance(error, Abuse):
                self._abuses.report(str(error), talk.peer)
            error.__traceback__ = error.__context__ = None  # a ring, which would keep request and answer for a while

    async def _answer(self, talk: Conversation, request: Request) -> Answer:
        """Return the answer to a request; whatever goes wrong is an answer too."""
        self._requests += 1
        if talk in self._talks:
            self._talks[talk] = self._talks.pop(talk)
        peer = talk.peer
        if self._stopping:
            return Granted("SHUTDOWN")
        try:
            word, arguments = find(request.words)
        except Unmet as error:
            return Denied(error.kind, error.detail)
        denied = self._denial(peer, word)
        if denied is not None:
            return denied
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

    def _denial(self, peer: Peer, word: Word) -> Denied | None:
        """Return why the peer may not say the word, as access is now; None where it may."""
        rights = self._access.rights(peer)
        if rights is Rights.ALL or (rights is Rights.READ and not word.changes and not word.private):
            return None
        why = "changes something" if word.changes else "may show secrets"
        what = f"may only read: '{word.path}' {why} (fail2ban.conf: socketaccess)"
        if rights is Rights.NOTHING:
            what = "may not use this socket any more (fail2ban.conf: socketgroup)"
        self._abuses.report(f"a word of somebody who {what.partition(' (')[0]}", peer)
        return Denied(Kind.FORBIDDEN, f"{peer.user} {what}")


def _ends_server(word: Word, arguments: tuple[str, ...]) -> bool:
    return word.path == "stop" and (arguments or ("",))[0] in ENDS_SERVER


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
