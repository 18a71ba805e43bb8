"""A scanner in plain Python: for machines without Hyperscan, and for sources where every line is a candidate anyway."""

from __future__ import annotations

from collections.abc import Iterable

from sekisho.model.candidate import Candidate
from sekisho.scan.patterns import Pattern


class FallbackScanner:
    """Searches each line for each pattern; the rules in `always` take every line."""

    def __init__(self, patterns: Iterable[Pattern], *, always: int = 0) -> None:
        self._searches = [(pattern.compiled().search, pattern.mask) for pattern in patterns]
        self._always = always

    def __repr__(self) -> str:
        return f"<FallbackScanner: {len(self._searches)} patterns>"

    def scan(self, data: bytes) -> list[Candidate]:
        """See `scanner.Scanner.scan`."""
        found: list[Candidate] = []
        start = 0
        while start < len(data):
            end = data.find(b"\n", start)
            if end < 0:
                end = len(data)
            mask = self._always
            for search, bits in self._searches:
                if bits & ~mask and search(data, start, end):
                    mask |= bits
            if mask:
                found.append(Candidate(start, end, mask))
            start = end + 1
        return found
