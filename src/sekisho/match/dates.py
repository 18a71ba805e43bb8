"""Finds the date in a line: which template, where, and which instant (COMPAT 2.8).

The template that matched last is tried first, at the place where it matched; a log seldom changes its habits. Only
when that fails is the list scanned: a template for the start of a line wins at once, another one wins unless it lies
further right than dates have lain before, in which case the leftmost such match wins. So a date deep in the message
never beats the one at the start.

`DateMemory` is what is remembered between the lines of one source: small, and dropped with the source.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sekisho.match.datetemplate import DateTemplate

_MINUTES_KEPT = 512
"""Dates remembered by minute for one value of `now`; a block of a merged log holds seldom more."""


class Date(NamedTuple):
    """A date in a line. `start` and `end` are what gets cut; `stamp` is None when it is no valid date."""

    start: int
    end: int
    stamp: float | None
    template: DateTemplate

    @property
    def is_empty(self) -> bool:
        """True when the template matched no text: the log has no dates."""
        return self.start == self.end


@dataclass(slots=True)
class DateMemory:
    """What the lines read so far say about the next line's date."""

    template: DateTemplate | None = None
    position: int = 1  # a fresh log is expected to begin its lines with the date, bracketed perhaps
    leftmost: dict[str, int] = field(default_factory=dict)
    minutes: dict[tuple[str, str], float] = field(default_factory=dict)
    minutes_at: float = -1.0


class DateDetector:
    """The templates of one filter. Holds no state: memory is passed in."""

    def __init__(self, templates: Sequence[DateTemplate], *, zone: int | None = None) -> None:
        self.templates = tuple(templates)
        self._zone = zone

    def __repr__(self) -> str:
        return f"<DateDetector: {len(self.templates)} templates>"

    def find(self, line: str, memory: DateMemory, *, now: float) -> Date | None:
        """The date of `line`, or None."""
        found, template = self._match(line, memory)
        if found is None or template is None:
            return None
        start, end = found.span(1)
        memory.template, memory.position = template, start
        memory.leftmost[template.name] = min(start, memory.leftmost.get(template.name, start))
        return Date(start, end, self._read(found, template, memory, now), template)

    def stamp(self, line: str, *, now: float) -> float | None:
        """The instant of `line`'s date, judged by this line alone."""
        found = self.find(line, DateMemory(), now=now)
        return found.stamp if found else None

    def _match(self, line: str, memory: DateMemory) -> tuple[re.Match[str] | None, DateTemplate | None]:
        last = memory.template
        found = last.search(line) if last is not None else None
        if found and last is not None and (last.is_anchored or found.start(1) <= memory.position):
            return found, last
        leftmost: tuple[re.Match[str], DateTemplate] | None = None
        for template in (last, *self.templates) if last is not None else self.templates:
            found = template.search(line)
            if found is None:
                continue
            start = found.start(1)
            if template.is_anchored or start <= min(memory.position, memory.leftmost.get(template.name, start)):
                return found, template
            if leftmost is None or start < leftmost[0].start(1):
                leftmost = found, template
        return leftmost or (None, None)

    def _read(self, found: re.Match[str], template: DateTemplate, memory: DateMemory, now: float) -> float | None:
        second = template.second
        if second is None:
            return template.read(found, now=now, zone=self._zone)
        if memory.minutes_at != now or len(memory.minutes) > _MINUTES_KEPT:
            memory.minutes.clear()
            memory.minutes_at = now
        start, end = found.span(second)
        line, first, last = found.string, found.start(), found.end()
        key = template.name, line[first:start] + "\0" + line[end:last]
        minute = memory.minutes.get(key)
        if minute is not None:
            return minute + int(line[start:end])
        stamp = template.read(found, now=now, zone=self._zone)
        if stamp is not None and (stamp < now or "Y" in template.regex.groupindex):
            memory.minutes[key] = stamp - int(line[start:end])
        return stamp
