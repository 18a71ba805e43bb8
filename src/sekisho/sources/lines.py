"""Cuts a stream of bytes into whole lines.

What comes out does not depend on how the bytes were cut on their way in. A line that is not finished is held back; one
that grows beyond `LINE_LIMIT` is skipped whole, so that a writer without newlines (or the hole that a truncated log may
begin with) costs no memory. Its beginning is not handed on: half a line may hold half an address.
"""

from __future__ import annotations

LINE_LIMIT = 256 * 1024
"""Longest line in bytes, newline not counted. Servers cut their log lines at 8 to 64 KiB; four times that is no log."""


class LineCutter:
    """The lines of one stream.

    `held` is the number of bytes since the last newline, kept or not; `skipped` counts the lines dropped for length.
    """

    __slots__ = ("_limit", "_pending", "_skipping", "held", "skipped")

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._pending = bytearray()
        self._skipping = False
        self.held = 0
        self.skipped = 0

    def feed(self, data: bytes) -> bytes:
        """Return the lines that `data` completes: empty, or bytes that end with a newline."""
        if len(data) <= self._limit:  # so no line within one piece can be too long
            return self._feed(data)
        return b"".join(self._feed(data[at : at + self._limit]) for at in range(0, len(data), self._limit))

    def _feed(self, piece: bytes) -> bytes:
        end = piece.rfind(b"\n") + 1
        if not end:
            self._hold(piece)
            return b""
        start = 0
        if self.held:
            first = piece.find(b"\n") + 1
            if self._skipping or self.held + first - 1 > self._limit:
                start = first
                self.skipped += 1
        whole = bytes(self._pending) + piece[:end] if self._pending and not start else piece[start:end]
        self._pending.clear()
        self._skipping = False
        self.held = 0
        self._hold(piece[end:])
        return whole

    def _hold(self, piece: bytes) -> None:
        self.held += len(piece)
        if self.held > self._limit:
            self._skipping = True
            self._pending.clear()
        else:
            self._pending += piece
