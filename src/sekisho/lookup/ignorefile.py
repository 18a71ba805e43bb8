"""Files that hold who is never banned: the `file:` words of `ignoreip` (COMPAT 1.9).

A file is looked at once a second at most and read when its time, inode or size has changed. One that cannot be read
keeps what it said before, is warned about, and is left alone for a minute. Reading runs beside the loop, since a file
may lie on a disk that is far away.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sekisho.judge.exempt import FILE, Exemptions, parse_exemptions

log = logging.getLogger("fail2ban.filter")

_LARGEST = 32 * 1024 * 1024  # bytes: two million addresses, more than anybody exempts
_EVERY = 1.0  # seconds between two looks
_PAUSE = 60.0  # seconds after a mistake
_COMMENT = re.compile(r"(?:^|\s)[#;].*", re.MULTILINE)

Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _Known:
    """What is known of one file: when it is looked at next, what it was then, and what it said."""

    due: float = 0.0
    stamp: Stamp | None = None
    said: Exemptions | None = None


class IgnoreFiles:
    """Keeps the content of every file that a jail names; lives as long as the daemon."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._lists: Mapping[str, Exemptions] = {}

    async def look(self, words: Iterable[str]) -> Mapping[str, Exemptions]:
        """Return what the files named by `words` say now: the same object as before where nothing has changed."""
        self._known = {word: self._known.get(word) or _Known() for word in words}
        for word, known in self._known.items():
            now = self._clock()
            if known.due - _PAUSE <= now < known.due:  # else the clock was set back
                continue
            known.due = now + _EVERY
            try:
                found = await asyncio.to_thread(_read_unless, path_of(word), known.stamp)
            except OSError as error:
                known.due = now + _PAUSE
                known.stamp = None
                log.warning("Cannot read who is ignored by %s: %s; trying again in %g s", word, error, _PAUSE)
            else:
                if found is not None:
                    known.stamp, known.said = found
        lists = {word: known.said for word, known in self._known.items() if known.said is not None}
        if lists.keys() != self._lists.keys() or any(lists[word] is not self._lists[word] for word in lists):
            self._lists = lists
        return self._lists


def path_of(word: str) -> Path:
    """Return the path in a word of the form `file:PATH`, `file:/PATH` or `file:///PATH`."""
    path = word.removeprefix(FILE)
    return Path(path.removeprefix("//") if path.startswith("///") else path)


def parse_list(text: str) -> Exemptions:
    """Return who is listed: words between white space and commas; `#` and `;` begin a comment, but not in a word."""
    return parse_exemptions(_COMMENT.sub(" ", text).replace(",", " ").split())


def _read_unless(path: Path, stamp: Stamp | None) -> tuple[Stamp, Exemptions] | None:
    """Return what a file is and says now; None when it still is what `stamp` tells. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO must not hold us
    try:
        facts = os.fstat(descriptor)
        found = (facts.st_mtime_ns, facts.st_ino, facts.st_size)
        if found == stamp:
            return None
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(f"{path} is no regular file")
        if facts.st_size > _LARGEST:
            raise OSError(f"{path} is larger than {_LARGEST} bytes")
        with open(descriptor, "rb", closefd=False) as file:
            return found, parse_list(file.read(_LARGEST).decode("utf-8", "replace"))
    finally:
        os.close(descriptor)
