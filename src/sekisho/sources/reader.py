"""Reads whole lines from one incarnation of a log, in blocks of a bounded size."""

from __future__ import annotations

from sekisho.model.position import FilePosition
from sekisho.sources.incarnation import Incarnation
from sekisho.sources.lines import LINE_LIMIT, LineCutter

BLOCK = 256 * 1024
"""Bytes read at once: what a block of failures becomes fits a cache. With the line held back, 512 KiB at most."""


class LineReader:
    """Whole lines of one incarnation, from an offset in bytes on. Reading raises OSError as the file does."""

    def __init__(self, incarnation: Incarnation, offset: int) -> None:
        self.incarnation = incarnation
        self._at = offset
        self._cutter = LineCutter()

    @property
    def offset(self) -> int:
        """The end of the last whole line."""
        return self._at - self._cutter.held

    @property
    def is_skipping(self) -> bool:
        """Whether the line being read is too long to be kept."""
        return self._cutter.held > LINE_LIMIT

    def position(self) -> FilePosition:
        """Return where to go on: behind the last whole line of this incarnation."""
        return self.incarnation.position(self.offset)

    def read(self, until: int | None = None) -> bytes | None:
        """Return the next whole lines, up to the offset `until`; empty where none was completed, None at the end."""
        size = BLOCK if until is None else min(BLOCK, until - self._at)
        data = self.incarnation.read(self._at, size) if size > 0 else b""
        if not data:
            return None
        self._at += len(data)
        return self._cutter.feed(data)

    def is_beyond_end(self) -> bool:
        """Whether the file has lost some of the unfinished line that was read."""
        return self.incarnation.size() < self._at

    def restart(self, offset: int) -> None:
        """Go on at `offset`, forgetting what was held back."""
        self._at = offset
        self._cutter = LineCutter()
