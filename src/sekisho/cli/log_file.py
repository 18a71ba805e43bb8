"""A log file from its end: the last lines first, then those that come, through every kind of rotation."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 16
_BLINK = 0.1  # seconds between two looks at a file that does not grow


class LogFile:
    """A log that lies at `path`, open. Lines that are written while its end is read belong to `follow`.

    Raises OSError when it cannot be read.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: BinaryIO = Path(path).open("rb")  # noqa: SIM115 - closed by `close`
        self._end = self._whole()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _whole(self) -> int:
        """Return where the last whole line ends."""
        size = self._file.seek(0, os.SEEK_END)
        for chunk_end in range(size, 0, -_CHUNK):
            start = max(0, chunk_end - _CHUNK)
            self._file.seek(start)
            newline = self._file.read(chunk_end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
        return 0

    def backwards(self) -> Iterator[str]:
        """Yield the lines that are there, the last first, and then those of the file that was rotated away (`.1`)."""
        yield from _backwards(self._file, self._end)
        try:
            before = Path(f"{self._path}.1").open("rb")  # noqa: SIM115 - closed below
        except OSError:
            return
        with before:
            yield from _backwards(before, before.seek(0, os.SEEK_END))

    def follow(self) -> Iterator[str]:
        """Yield each line that comes, without end; a rotated file is read to its end, then the new one."""
        self._file.seek(self._end)
        rest = b""
        while True:
            is_old = self._is_old()  # asked before reading: what the writer still wrote to it is read now
            while chunk := self._file.read(_CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from map(_text, lines)
            if is_old:
                if rest:
                    yield _text(rest)
                rest = b""
                self._file.close()
                self._file = Path(self._path).open("rb")  # noqa: SIM115 - closed by `close`
            elif self._file.tell() > os.fstat(self._file.fileno()).st_size:  # emptied where it lies (copytruncate)
                self._file.seek(0)
                rest = b""
            else:
                time.sleep(_BLINK)

    def _is_old(self) -> bool:
        """Tell whether another file lies at the path by now."""
        try:
            return not os.path.samestat(os.stat(self._path), os.fstat(self._file.fileno()))  # noqa: PTH116 - a pair
        except FileNotFoundError:  # between two renamings
            return False


def _backwards(file: BinaryIO, end: int) -> Iterator[str]:
    """Yield the lines up to `end`, the last first; empty ones tell nothing and are left out."""
    rest = b""  # the beginning of the lines after it, up to the first line's end
    while end > 0:
        start = max(0, end - _CHUNK)
        file.seek(start)
        rest, *lines = (file.read(end - start) + rest).split(b"\n")
        yield from (_text(line) for line in reversed(lines) if line)
        end = start
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")
