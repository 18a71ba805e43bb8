"""One incarnation of a log file: an open file, and what tells it from the file that a rotation puts in its place.

A log is only ever a regular file. Whatever else stands at its path (a directory, a FIFO, a device) is refused before
it is opened, without blocking.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from sekisho.model.position import FilePosition
from sekisho.sources.lines import LINE_LIMIT

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


class NotALogError(OSError):
    """Something else than a regular file stands where the log should be."""


class Incarnation:
    """An open log file. Close it when done.

    Raises:
        NotALogError: the path leads to something else than a regular file.
        OSError: the file cannot be opened.

    """

    __slots__ = ("_fd", "_first", "inode", "path")

    def __init__(self, path: str) -> None:
        refuse_other_kinds(os.stat(path))  # noqa: PTH116 - before opening: to open a device may already do something
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            status = os.fstat(fd)
            refuse_other_kinds(status)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        self._first = b""
        self.inode = (status.st_dev, status.st_ino)
        self.path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def closed_on_error(self) -> Iterator[None]:
        """Close the file when the block does not end well."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file; closing twice does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes at `offset`; empty at the end. Raises OSError."""
        return os.pread(self._fd, size, offset)

    def size(self) -> int:
        """Return the size in bytes. Raises OSError."""
        return os.fstat(self._fd).st_size

    def modified(self) -> int:
        """Return when it was last written to, in nanoseconds since the epoch. Raises OSError."""
        return os.fstat(self._fd).st_mtime_ns

    def is_at(self, path: str) -> bool:
        """Return True when `path` leads to this very file. Raises OSError, NotALogError as opening it would."""
        status = os.stat(path)  # noqa: PTH116 - asked at each wake
        refuse_other_kinds(status)
        return (status.st_dev, status.st_ino) == self.inode

    def is_unlinked(self) -> bool:
        """Return True when no name leads to the file any more."""
        return os.fstat(self._fd).st_nlink == 0

    def first_line(self) -> bytes:
        """Return the first line with its newline; empty while it is incomplete, or longer than a line may be."""
        if not self._first:
            self._first = self._read_first()
        return self._first

    def position(self, offset: int) -> FilePosition:
        """Return `offset` as a position in this incarnation."""
        first = self.first_line()
        head = hashlib.sha1(first, usedforsecurity=False).hexdigest() if first else ""
        return FilePosition(offset=offset, inode=self.inode[1], head=head)

    def holds(self, position: FilePosition) -> bool:
        """Return True when `position` was taken in this incarnation, and what it had read still stands."""
        here = self.position(position.offset)
        return here.inode == position.inode and position.head in ("", here.head) and self.size() >= position.offset

    def continues(self, position: FilePosition) -> bool:
        """Return True when this file, whatever its inode, begins and goes on as the one `position` was taken in."""
        if not position.head or not position.offset or self.size() < position.offset:
            return False
        return self.position(0).head == position.head and self.read(position.offset - 1, 1) == b"\n"

    def change(self, offset: int) -> str | None:
        """Return why the file is no longer the one that was read up to `offset`, None when it still is."""
        size = self.size()
        if size < offset:
            return f"it was truncated ({size} bytes, {offset} were read)"
        if self._first and self.read(0, len(self._first)) != self._first:
            return "its first line changed"
        return None

    def forget(self) -> None:
        """Take the file for a new one: what was known of its content no longer holds."""
        self._first = b""

    def _read_first(self) -> bytes:
        line = b""
        while len(line) <= LINE_LIMIT:
            more = self.read(len(line), 4096 if not line else LINE_LIMIT)
            end = more.find(b"\n") + 1
            if end:
                return line + more[:end]
            if not more:
                break
            line += more
        return b""


def end_of_lines(incarnation: Incarnation) -> int:
    """Return the offset after the last newline; where that is far, an offset from which a reader skips to the next."""
    size = incarnation.size()
    start = max(0, size - LINE_LIMIT - 1)
    newline = incarnation.read(start, size - start).rfind(b"\n")
    return start + newline + 1


def refuse_other_kinds(status: os.stat_result) -> None:
    """Raise NotALogError unless `status` is that of a regular file."""
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for test, name in _KINDS if test(status.st_mode)), "no regular file")
        raise NotALogError(f"it is {kind}, not a log file")
