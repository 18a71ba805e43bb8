"""Finds where a log reaches a time, by bisecting its bytes.

Lines are roughly in the order of their dates; some have none, and a stray one may carry any date at all (a stranger may
even choose it). So a probe reads a window of lines and looks at several dates: only when all of them are older is
everything before taken for older. Where a window says nothing, the search goes on before it. Each doubt thus leads to
an earlier start, which costs some reading; a later start would lose lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

Read = Callable[[int, int], bytes]
"""(offset, size) to bytes; fewer than `size` at the end only."""
DateOf = Callable[[bytes], float | None]
"""A line without its newline to its time in seconds since the epoch, None when it has none."""

_WINDOW = 64 * 1024  # bytes read by a probe: some hundred lines
_WITNESSES = 8  # dates that have to agree


def first_at(read: Read, date_of: DateOf, *, since: float, end: int) -> int:
    """Return the offset of the first line at or after `since` within the first `end` bytes.

    Where there is none that is `end`, or the beginning of the unfinished line there; where no line has a date, 0.
    """
    low, high = 0, end  # low begins a line, and every line before it is older
    while high - low > _WINDOW:
        middle = (low + high) // 2
        older = _last_of_older(read(middle, min(_WINDOW, end - middle)), date_of, since)
        if older is None:
            high = middle
        else:
            low = middle + older
    limit = min(high + _WINDOW, end)
    at = low
    silent = True
    for at, line in _lines(read(low, limit - low), low):
        date = date_of(line[:-1]) if line.endswith(b"\n") else None
        if date is not None:
            silent = False
            if date >= since:
                return at
    if silent or limit < end:  # the probes beyond were silent, too
        return low
    return at


def _last_of_older(window: bytes, date_of: DateOf, since: float) -> int | None:
    """Return where the last witness begins when there are some and all are older than `since`, else None."""
    witnesses = 0
    last = None
    begin = window.find(b"\n") + 1
    for at, line in _lines(window[begin:], begin) if begin else ():
        date = date_of(line[:-1]) if line.endswith(b"\n") else None
        if date is None:
            continue
        if date >= since:
            return None
        last = at
        witnesses += 1
        if witnesses == _WITNESSES:
            break
    return last


def _lines(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Each line of `data`, which begins at offset `at`, with its offset; last, what follows the last newline."""
    start = 0
    while (end := data.find(b"\n", start) + 1) > 0:
        yield at + start, data[start:end]
        start = end
    yield at + start, data[start:]
