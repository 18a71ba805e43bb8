"""When a line was written, as a jail counts it: dates, lines without one, lines out of time (COMPAT 2.7).

Only candidates are asked for their date. One without a date takes that of the nearest earlier line, which is looked
for backwards, in the block and in the end of the block before it, and not twice in the same lines.

The memory of each source is the last date and the habits of its dates; it lives as long as the jail and is bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from sekisho.match.dates import DateMemory
from sekisho.match.filter import CompiledFilter
from sekisho.model.duration import Seconds, render_duration

LATE = 60.0
"""Seconds by which a line may differ from now while its log is followed, and for which a date can be borrowed."""

FARTHEST_BACK = 256
"""Lines looked at for the date of one that has none; a stack trace is shorter."""

_TAIL = 16384  # bytes kept of the blocks before
_MOST_SOURCES = 256

Say = Callable[[str, str, str], None]  # level, subject (said once a day), text


@dataclass(slots=True)
class _Memory:
    """What one source's earlier lines say about the next."""

    habits: DateMemory = field(default_factory=DateMemory)
    last: float | None = None
    tail: bytes = b""  # the end of the blocks before, as far as nobody looked for dates in it
    known: int | None = None  # the offset in the block at hand before which `last` is the nearest date


class Opening(NamedTuple):
    """How the lines of one second begin: `text`, of which the date is the first `cut` bytes.

    `when` is the time to count with; None where such lines are too old to count.
    """

    text: bytes
    cut: int
    date: str
    when: float | None


class Placing:
    """Gives lines their time. `say` takes what the administrator should read."""

    def __init__(self, compiled: CompiledFilter, say: Say) -> None:
        self._find = compiled.detector.find
        self._decode = compiled.decode
        self._is_ascii_like = compiled.is_ascii_like
        self._say = say
        self._memories: dict[str, _Memory] = {}

    def of_line(self, line: str, *, now: float) -> tuple[float | None, str, str | None]:
        """The instant of a line by itself, what of it is to be searched, and the date template that fitted.

        A line without a date takes the last one where that is not older than `LATE`. A template that matches nothing
        (`{NONE}`) says that the log has no dates: its lines are written now.
        """
        memory = self._memory("")
        date = self._find(line, memory.habits, now=now)
        if date is not None and date.stamp is not None:
            memory.last = date.stamp
            return date.stamp, line[: date.start] + line[date.end :], date.template.name
        name = date.template.name if date is not None else None
        if memory.last is not None and memory.last > now - LATE:
            return memory.last, line, name
        if date is None:
            return None, line, name
        return now if date.is_empty else None, line[: date.start] + line[date.end :], name

    def opening_of_lines(self) -> bytes | None:
        """How a line begins that has the date of the last one of `of_line`; None where the bytes do not show it."""
        habits = self._memory("").habits
        if not self._is_ascii_like or habits.opened is None or not habits.opening.isascii():
            return None
        return habits.opening.encode("ascii")

    def of_candidate(
        self, source: str, data: bytes, start: int, line: str, *, live: bool, now: float
    ) -> tuple[float | None, str]:
        """The instant of a candidate at `start` of a source's block, and what of it is to be searched."""
        memory = self._memories.get(source) or self._memory(source)
        date = self._find(line, memory.habits, now=now)
        if date is not None and (stamp := date.stamp) is not None:
            memory.last = stamp
            memory.known = start
            first, last = date.start, date.end
            return stamp, line[:first] + line[last:] if first else line[last:]
        remainder, at_worst = line, now if live else None
        if date is not None and date.is_empty:
            at_worst = now
        elif date is not None:
            remainder = line[: date.start] + line[date.end :]
            self._say("ERROR", "timeText", f"findFailure failed to parse timeText: {line[date.start : date.end]}")
        self._look_back(memory, data, start, now)
        if memory.last is not None and (not live or memory.last > now - LATE):
            return memory.last, line
        return at_worst, remainder

    def opening(self, source: str, *, live: bool, now: float, findtime: Seconds) -> Opening | None:
        """What the last line of `source` that has a date has in common with others of its second.

        None where that is not known, or cannot be seen in the bytes. It holds as long as `now` does.
        """
        if not self._is_ascii_like:
            return None
        habits = self._memories[source].habits
        date = habits.opened
        if date is None or date.start or date.stamp is None or not habits.opening.isascii():
            return None
        when = self.timely(date.stamp, live=live, now=now, findtime=findtime)
        return Opening(habits.opening.encode("ascii"), date.end, habits.opening[: date.end], when)

    def note_last(self, source: str, start: int) -> None:
        """The line at `start` of the block at hand had the same date as the last one that was given its time."""
        self._memories[source].known = start

    def end_block(self, source: str, data: bytes) -> None:
        """The next candidate of `source` stands behind `data`."""
        memory = self._memory(source)
        tail = memory.tail + data[-_TAIL:] if memory.known is None else data[memory.known :]
        if len(tail) > _TAIL:
            tail = tail[tail.find(b"\n", len(tail) - _TAIL) + 1 :]
        memory.tail = tail
        memory.known = None

    def timely(self, when: float, *, live: bool, now: float, findtime: Seconds) -> float | None:
        """The time to count with; None where the line is too old to count."""
        if live:
            if abs(when - now) <= LATE:
                return when
            side = "before" if when < now else "after"
            self._say(
                "WARNING",
                f"out of time {side}",
                f"Detected a log entry {render_duration(abs(round(when - now)))} {side} the current time in operation"
                " mode. This looks like a time zone problem. Treating such entries as if they just happened.",
            )
            return now
        if when < now - findtime:
            self._say(
                "WARNING",
                "old",
                f"Ignoring all log entries older than {findtime}s; these are probably messages from the past",
            )
            return None
        return min(when, now)

    def _memory(self, source: str) -> _Memory:
        memory = self._memories.get(source)
        if memory is None:
            if len(self._memories) >= _MOST_SOURCES:
                del self._memories[next(iter(self._memories))]
            memory = self._memories[source] = _Memory()
        return memory

    def _look_back(self, memory: _Memory, data: bytes, start: int, now: float) -> None:
        """Bring `memory.last` up to the nearest date before `start`."""
        stamp = self._nearest(data, start, memory.known or 0, memory.habits, now)
        if stamp is None and memory.known is None:
            stamp = self._nearest(memory.tail, len(memory.tail), 0, memory.habits, now)
        if stamp is not None:
            memory.last = stamp
        memory.known = start
        memory.tail = b""

    def _nearest(self, data: bytes, end: int, least: int, habits: DateMemory, now: float) -> float | None:
        for _ in range(FARTHEST_BACK):
            if end <= least:
                return None
            begin = data.rfind(b"\n", 0, end - 1) + 1
            date = self._find(self._decode(data[begin:end])[0], habits, now=now)
            if date is not None and date.stamp is not None:
                return date.stamp
            end = begin
        return None
