"""What rotations make of a log: under which names its earlier incarnations lie, and in which order.

An incarnation is found again by its inode, under whatever name. Those between it and the present log are known by two
things: a name that only a rotation gives (`x.log.1`, `x.log-20240229`), and a last write that is later. Rotations that
compress or move to another directory leave nothing to read.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from sekisho.model.position import FilePosition
from sekisho.sources.incarnation import Incarnation

_COMPRESSED = r"\.(?:gz|bz2|xz|zst|lz4|Z)"
_SUFFIX = re.compile(rf"(?P<log>.+?)(?:[.\-_]\d[\d.\-_]*|[.\-_]old)?(?:{_COMPRESSED})?", re.DOTALL)
_INFIX = re.compile(r"[.\-_]\d{4}-?\d\d-?\d\d[\d.\-_]*(?=\.\w+$)")  # a date at least: `app-1.log` may be its own log
_SEAM = 1024  # bytes before the offset that a copy must share with the original


def is_rotated(path: str, names: Collection[str]) -> bool:
    """Return True when by its name `path` is what a rotation made of another of `names`."""
    suffixed = _SUFFIX.fullmatch(path)
    origins = {_INFIX.sub("", path), suffixed["log"] if suffixed else path}
    return any(origin != path and origin in names for origin in origins)


def is_copy(new: Incarnation, old: Incarnation, offset: int) -> bool:
    """Return True when `new` says up to `offset` what `old` said, going by its first line and the bytes before."""
    first = old.first_line()
    start = max(0, offset - _SEAM)
    last = old.read(start, offset - start)
    return first != b"" and new.first_line() == first and new.read(start, offset - start) == last


def find_incarnation(path: str, position: FilePosition) -> Incarnation | None:
    """Return the incarnation that `position` was taken in: at `path`, or renamed in the same directory; None: gone."""
    for candidate in (path, *_names_of(path, position.inode)):
        with suppress(OSError):
            incarnation = Incarnation(candidate)
            with incarnation.closed_on_error():
                if incarnation.holds(position):
                    return incarnation
            incarnation.close()
    return None


def later_incarnation(path: str, current: Incarnation, *, read: Collection[tuple[int, int]] = ()) -> Incarnation:
    """Return what was written after `current`: the next that rotations have put aside, else the log itself.

    `read` are the inodes of those that have been read: a program that still writes to one does not make it the next.

    Raises:
        OSError: it cannot be opened.

    """
    written = current.modified()
    known = {current.inode, *read}
    between = [(when, name) for when, name, inode in _earlier(path) if when > written and inode not in known]
    return Incarnation(min(between)[1] if between else path)


def earlier_incarnations(path: str, current: Incarnation, *, since: float) -> list[str]:
    """Return the paths of those before `current` that were written to at or after `since`, oldest first."""
    written = current.modified()
    return [
        name
        for when, name, inode in sorted(_earlier(path))
        if since * 1e9 <= when <= written and inode != current.inode
    ]


def _earlier(path: str) -> Iterator[tuple[int, str, tuple[int, int]]]:
    """When written, path and inode of each file that a rotation made of the log, and that can be read."""
    real = os.path.realpath(path)
    with suppress(OSError), os.scandir(os.path.split(real)[0]) as entries:
        for entry in entries:
            if not is_rotated(entry.path, (real,)) or re.search(_COMPRESSED + "$", entry.name):
                continue
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode) and status.st_size:
                    yield status.st_mtime_ns, entry.path, (status.st_dev, status.st_ino)


def _names_of(path: str, inode: int) -> list[str]:
    """Return the names of the inode beside the path, and beside the file that it links to."""
    names: list[str] = []
    for directory in sorted({str(Path(path).parent), str(Path(os.path.realpath(path)).parent)}):
        with suppress(OSError), os.scandir(directory) as entries:
            names += [entry.path for entry in entries if entry.inode() == inode]
    return names
