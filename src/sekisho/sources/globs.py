"""Finds the logs that patterns mean, again and again, so that a log is found when it appears.

A rotation makes names of its own, and a pattern like `x*.log` or `x.log*` matches them too. Whoever reads `x.log` has
read what lies in them; to take them for logs would count it twice. They are told by their names (`x.log.1`,
`x.log-20240229.gz` and `x-20240229.log` beside `x.log`), by an inode that was seen under another name (renamed), and by
a first line that another log has lost since (copied and truncated).
"""

from __future__ import annotations

import glob
from collections.abc import Collection
from typing import Any

from sekisho.sources.incarnation import Incarnation
from sekisho.sources.rotation import is_rotated

_REMEMBERED = 10_000  # files; a rotation is noticed against the latest of them


def expand(patterns: Collection[str]) -> tuple[str, ...]:
    """Return the paths that `patterns` mean now, each once, those of one pattern in order of their names.

    A pattern without wildcards means its path, whether that exists or not.
    """
    paths: dict[str, None] = {}
    for pattern in patterns:
        if glob.has_magic(pattern):
            matching = sorted(glob.glob(pattern))  # noqa: PTH207 - the text of the configuration, mostly absolute
            names = frozenset(matching)
            paths.update(dict.fromkeys(path for path in matching if not is_rotated(path, names)))
        else:
            paths[pattern] = None
    return tuple(paths)


class Globs:
    """The logs that patterns mean as time goes by."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, int], str] = {}  # under which name an inode was first seen
        self._heads: dict[str, str] = {}  # the first line that a name has (hashed)
        self._former: dict[str, None] = {}  # and those that some name had before

    def expand(self, patterns: Collection[str]) -> tuple[str, ...]:
        """Return what `expand` returns, without what a rotation made since the first time."""
        paths = expand(patterns)
        known_first = sorted(paths, key=lambda path: path not in self._heads)  # what they have lost shows the copies
        leftovers = {path for path in known_first if self._is_leftover(path) and path not in patterns}
        return tuple(path for path in paths if path not in leftovers)

    def _is_leftover(self, path: str) -> bool:
        try:
            with Incarnation(path) as incarnation:
                inode, head = incarnation.inode, incarnation.position(0).head
        except OSError:
            return False
        if path not in self._heads and (self._names.get(inode, path) != path or head in self._former):
            return True
        before = self._heads.get(path, "")
        if before and before != head:
            self._former[before] = None
        self._heads[path] = head
        self._names.setdefault(inode, path)
        for memory in (self._heads, self._former, self._names):
            _forget_oldest(memory)
        return False


def _forget_oldest(memory: dict[Any, Any]) -> None:
    if len(memory) > _REMEMBERED:
        del memory[next(iter(memory))]
