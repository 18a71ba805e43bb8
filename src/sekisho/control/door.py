"""Where peers come in: the socket is listened to, found gone and made again, and never left for want of a descriptor.

One descriptor is kept in reserve. Where the daemon has no other left, it is given to one peer after the other: each has
a moment to speak, and is let go when the next one waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

from sekisho.control.abuses import Abuses
from sekisho.control.listener import Listener, SocketInUse

_BREATH = 0.1  # seconds; what a peer has to speak when the next one waits for its descriptor
_AT_ONCE = 16  # connections accepted before others have their turn


class Door:
    """Accepts connections at `path`, and hands each to `admit`."""

    def __init__(
        self,
        path: Path,
        abuses: Abuses,
        *,
        admit: Callable[[socket.socket], None],
        idle: Callable[[], Callable[[], None]],
    ) -> None:
        """`admit` may raise OSError; `idle` notes who is idle now, and returns what dismisses those who still are."""
        self.path = path
        self._abuses = abuses
        self._admit = admit
        self._idle = idle
        self._listener: Listener | None = None
        self._spare = -1

    def open(self, group: int | None) -> None:
        """Let peers in, those of `group` too. Errors as with `Listener`."""
        self._listener = Listener(self.path, group)
        asyncio.get_running_loop().add_reader(self._listener.socket, self._accept)
        self.keep_spare()

    def close(self) -> Listener | None:
        """Let nobody in any more; the socket stays in its place until the caller removes it."""
        listener, self._listener = self._listener, None
        if listener is not None:
            asyncio.get_running_loop().remove_reader(listener.socket)
            listener.close()
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1
        return listener

    @property
    def is_in_place(self) -> bool:
        """Whether clients still find us by the path."""
        return self._listener is not None and self._listener.is_in_place

    def reopen(self, group: int | None) -> None:
        """Listen anew: for another group, or because somebody removed the socket."""
        if not self.is_in_place:
            self._abuses.report("the socket is gone from its path", f"{self.path}; it is made again")
        self._accept()  # whoever has connected already
        place = self.close()
        if place is not None:
            place.remove()
        try:
            self.open(group)
        except (SocketInUse, OSError) as error:
            self._abuses.report("the socket cannot be made again", error)

    def keep_spare(self) -> None:
        """Have a descriptor in reserve again, once there is one; called when a conversation has ended."""
        if self._spare < 0 and self._listener is not None:
            with contextlib.suppress(OSError):
                self._spare = os.open(os.devnull, os.O_RDONLY)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE if self._listener is not None else 0):
            assert self._listener is not None
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
        self._abuses.report("no descriptor left for a connection", error)
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1
            return
        assert self._listener is not None
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener.socket)
        loop.call_later(_BREATH, self._breathe, self._listener, self._idle())

    def _breathe(self, listener: Listener, make_room: Callable[[], None]) -> None:
        if listener is self._listener:
            make_room()
            asyncio.get_running_loop().add_reader(listener.socket, self._accept)
