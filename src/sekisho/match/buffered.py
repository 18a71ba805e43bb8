"""Expressions that reach over several lines: the last few lines of a log, searched as one text (COMPAT 2.5)."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it was, and what is left of it without its date."""

    original: str
    remainder: str


class LineBuffer:
    """The last `most` lines that no failure has used up yet."""

    def __init__(self, most: int) -> None:
        self._lines: deque[Line] = deque(maxlen=most)

    def __len__(self) -> int:
        return len(self._lines)

    def push(self, line: Line) -> str:
        """Add a line, dropping the oldest where there are too many; the text to search."""
        self._lines.append(line)
        return "".join(f"{each.remainder}\n" for each in self._lines)

    def covered(self, text: str, found: re.Match[str], *, shift: int = 0) -> tuple[Line, ...]:
        """The lines that a match covers, without those that `<SKIPLINES>` passed over.

        `found` matched `text` from `shift` on, as it does in the content of a prefregex.
        """
        start, end = found.start() + shift, found.end() + shift
        if end > start and text[end - 1] == "\n":
            end -= 1
        numbers = set(range(text.count("\n", 0, start), text.count("\n", 0, end) + 1))
        for name in found.re.groupindex:
            if name.startswith("skiplines") and found.start(name) >= 0:
                first = text.count("\n", 0, found.start(name) + shift)
                numbers -= set(range(first, text.count("\n", 0, found.end(name) + shift)))
        return tuple(line for number, line in enumerate(self._lines) if number in numbers)

    def use_up(self, lines: tuple[Line, ...]) -> None:
        """Take lines out: they have served a match."""
        used = {id(line) for line in lines}
        kept = [line for line in self._lines if id(line) not in used]
        self._lines.clear()
        self._lines.extend(kept)
