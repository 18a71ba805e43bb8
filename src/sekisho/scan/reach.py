"""Which lines an expression over several lines must be shown, so that it finds what it would find if shown all.

It is searched for in the last `lines` lines that no match has used up (`match.buffered`). A match needs one of the
rule's literals, a hit: so only buffers that hold a hit matter, and these must be what they would have been.

* Before a hit come the `lines - 1` lines that share the buffer with it.
* Behind it come those that it can still be there for. A line is driven out by `lines` others. A match may use up all
  that are newer, and so give it as long again; but each uses up a hit, of which the buffer holds no more than `lines`.
* A hit may stand in the block before, or in the next: the first and the last lines of a block are shown always.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from sekisho.model.candidate import Candidate


def widen(data: bytes, candidates: Sequence[Candidate], *, lines: int, bits: int) -> list[Candidate]:
    """Return the candidates, with the lines around those of the rules in `bits` made candidates of all these rules."""
    widened = list(candidates)
    hits = [each.start for each in candidates if each.mask & bits]
    for start, end in _lines_near(data, hits, before=lines - 1, behind=lines * lines):
        place = bisect_left(widened, (start,))
        if place < len(widened) and widened[place].start == start:
            widened[place] = Candidate(start, end, widened[place].mask | bits)
        else:
            widened.insert(place, Candidate(start, end, bits))
    return widened


def _lines_near(data: bytes, hits: Sequence[int], *, before: int, behind: int) -> Iterator[tuple[int, int]]:
    """Start and end of each line near a hit or an end of the block, in order, each once."""
    last = len(data) - data.endswith(b"\n")
    windows = [(0, _down(data, 0, behind)), *((_up(data, hit, before), _down(data, hit, behind + 1)) for hit in hits)]
    if before:
        windows.append((_up(data, len(data), before), len(data)))
    reached = 0
    for first, end in windows:
        start = max(first, reached)
        reached = max(end, reached)
        while start < end and start <= last:
            stop = data.find(b"\n", start)
            stop = stop if stop >= 0 else len(data)
            yield start, stop
            start = stop + 1


def _up(data: bytes, start: int, count: int) -> int:
    """Where the line begins that is `count` lines before the one at `start`."""
    for _ in range(count):
        if start == 0:
            break
        start = data.rfind(b"\n", 0, start - 1) + 1
    return start


def _down(data: bytes, start: int, count: int) -> int:
    """Where the line begins that is `count` lines behind the one at `start`."""
    for _ in range(count):
        end = data.find(b"\n", start)
        if end < 0:
            return len(data)
        start = end + 1
    return start
