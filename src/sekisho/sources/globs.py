"""Finds the logs that a jail's patterns mean, also those that appear later.

A rotation makes names of its own: `x.log.1` beside `x.log` matches `x.log*`, but whoever reads `x.log` has read it.
So a new name is told only when the file behind it is new: not an inode that was there before (renamed), nor a first
line that another log has lost since (copied and truncated), nor the rotated sibling of a log that matches too.
"""

from __future__ import annotations

import asyncio
import glob
import os
import re
from collections.abc import AsyncIterator, Iterable

from sekisho.model.block import Notice
from sekisho.sources.incarnation import Incarnation

_EVERY = 2.0  # seconds between two looks: an appearing log is found by then
_ROTATED = re.compile(r"[.\-_]\d[\d.\-_]*(?:\.(?:gz|bz2|xz|zst|Z|lz4))?|[.\-_]old|~")


def expand(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that `patterns` mean now, sorted within each pattern, each once.

    A pattern without magic characters means its path, whether that exists or not.
    """
    paths: dict[str, None] = {}
    for pattern in patterns:
        if not glob.has_magic(pattern):
            paths[pattern] = None
            continue
        matching = sorted(glob.glob(pattern))  # noqa: PTH207 - patterns are text of the configuration, often absolute
        names = set(matching)
        paths.update(dict.fromkeys(path for path in matching if not _is_rotated(path, names)))
    return tuple(paths)


def _is_rotated(path: str, names: set[str]) -> bool:
    """Return True when `path` is what a rotation made of another of `names`: `x.log.1`, `x.log-20240229.gz`."""
    return any(
        path[:at] in names and _ROTATED.fullmatch(path, at) for at in range(len(path) - 1, path.rfind("/") + 1, -1)
    )


class GlobWatch:
    """The logs that some patterns mean, told one by one as they appear."""

    def __init__(self, patterns: Iterable[str], *, every: float = _EVERY) -> None:
        self.patterns = tuple(patterns)
        self._every = every
        self._told: set[str] = set()
        self._inodes: set[tuple[int, int]] = set()
        self._heads: dict[str, str] = {}
        self._former_heads: set[str] = set()
        self._dangling: set[str] = set()

    def look(self) -> tuple[str | Notice, ...]:
        """Return the paths that are new since the look before, and what is to be said about them."""
        found: list[str | Notice] = []
        paths = expand(self.patterns)
        known = frozenset(self._told)
        for path in paths:
            if path in known:
                self._remember(path)
        for path in paths:
            if path in known:
                continue
            if os.path.islink(path) and not os.path.exists(path):  # noqa: PTH110, PTH114
                if path not in self._dangling:
                    self._dangling.add(path)
                    found.append(Notice(path, "WARNING", f"Log file {path} is a symbolic link that leads nowhere"))
                if glob.has_magic(path) or path not in self.patterns:
                    continue
            if self._remember(path) or not known:
                found.append(path)
            self._told.add(path)
        return tuple(found)

    async def appearing(self) -> AsyncIterator[str | Notice]:
        """Yield what `look` returns, at once and then whenever a log appears; ends only when it is closed."""
        while True:
            for found in self.look():
                yield found
            if not any(glob.has_magic(pattern) for pattern in self.patterns):
                return
            await asyncio.sleep(self._every)

    def _remember(self, path: str) -> bool:
        """Note which file stands at `path`; True when it was not seen before under any name."""
        try:
            with Incarnation(path) as incarnation:
                inode, head = incarnation.inode, incarnation.position(0).head
        except OSError:
            return True
        before = self._heads.get(path, "")
        if before and before != head:
            self._former_heads.add(before)
        new = inode not in self._inodes and head not in self._former_heads
        self._inodes.add(inode)
        self._heads[path] = head
        return new
