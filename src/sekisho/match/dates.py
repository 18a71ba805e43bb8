"""Finds the date in a line: which template, where, and which instant (COMPAT 2.8).

The template that matched last is tried first, at the place where it matched; a log seldom changes its habits. Only
when that fails is the list scanned: a template for the start of a line wins at once, another one wins unless it lies
further right than dates have lain before, in which case the leftmost such match wins. So a date deep in the message
never beats the one at the start.

`DateMemory` is what is remembered between the lines of one source: small, and dropped with the source.

Lines come in crowds, and three things are not worked out anew for each:

* The date of a line that begins as the line before did, up to a character that ends the date (`DateTemplate.behind`).
* The instant of a date of a known minute: it is the minute's plus the seconds. Fractions do not matter.
* Whether an earlier date hides in front of one that lies further right than the last did, as it does in a web server's
  log whenever the address before it is longer. No default kind of date reaches across a bracket; so what stands before
  one holds a date or does not, whatever follows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sekisho.match.datetemplate import DateTemplate

_MINUTES_KEPT = 512
"""Dates remembered by minute for one value of `now`; a block of a merged log holds seldom more."""

_HEADS_KEPT = 4096
"""Beginnings of lines known to hold no date; the addresses of the busiest clients."""

_LONGEST_HEAD = 64
_BARRIERS = frozenset("[(\"'=")  # no default date has one of these, except as the lead of one at the start
_LEAD = 2


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
    opening: str = ""
    opened: Date | None = None
    heads: set[str] = field(default_factory=set)


class DateDetector:
    """The templates of one filter. Holds no state: memory is passed in.

    `zone` (seconds east of Greenwich) holds for dates that name none; None: the process' local zone.
    """

    def __init__(self, templates: Sequence[DateTemplate], *, zone: int | None = None) -> None:
        self.templates = tuple(templates)
        self.zone = zone
        self._is_default = not any(template.custom for template in self.templates)

    def __repr__(self) -> str:
        return f"<DateDetector: {len(self.templates)} templates>"

    def find(self, line: str, memory: DateMemory, *, now: float) -> Date | None:
        """The date of `line`, or None."""
        if memory.opened is not None and memory.minutes_at == now and line.startswith(memory.opening):
            return memory.opened
        found, template = self._match(line, memory)
        if found is None or template is None:
            return None
        start, end = found.span(1)
        memory.template, memory.position = template, start
        if start < memory.leftmost.get(template.name, start + 1):
            memory.leftmost[template.name] = start
        stamp, is_lasting = self._read(found, template, memory, now)
        date = Date(start, end, stamp, template)
        behind = template.behind.match(line, end) if is_lasting and template.behind is not None else None
        memory.opened = date if behind else None
        memory.opening = line[: behind.end()] if behind else ""
        return date

    def stamp(self, line: str, *, now: float) -> float | None:
        """The instant of `line`'s date, judged by this line alone."""
        found = self.find(line, DateMemory(), now=now)
        return found.stamp if found else None

    def _match(self, line: str, memory: DateMemory) -> tuple[re.Match[str] | None, DateTemplate | None]:
        last = memory.template
        found = last.search(line) if last is not None else None
        if found and last is not None and (last.is_anchored or found.start(1) <= memory.position):
            return found, last
        if found and last is not None and self._is_first(found, memory):
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

    def _is_first(self, found: re.Match[str], memory: DateMemory) -> bool:
        """True when it is known that no template finds a date that begins before `found`."""
        start = found.start(1)
        if not (self._is_default and _LEAD < start <= _LONGEST_HEAD and found.string[start - 1] in _BARRIERS):
            return False
        head = found.string[:start]
        if head in memory.heads:
            return True
        if any(template.search(head) for template in self.templates):
            return False
        if len(memory.heads) >= _HEADS_KEPT:
            memory.heads.clear()
        memory.heads.add(head)
        return True

    def _read(
        self, found: re.Match[str], template: DateTemplate, memory: DateMemory, now: float
    ) -> tuple[float | None, bool]:
        """The instant of a match, and whether the same text means it for as long as `now` is the same."""
        second = template.second
        if second is None:
            return template.read(found, now=now, zone=self.zone), False
        if memory.minutes_at != now or len(memory.minutes) > _MINUTES_KEPT:
            memory.minutes.clear()
            memory.minutes_at = now
        start, end = found.span(second)
        line, first, last = found.string, found.start(), found.end()
        rest = end
        if template.fraction is not None and found.start(template.fraction) == end + 1:
            rest = found.end(template.fraction)
        key = template.name, line[first:start] + "\0" + line[rest:last]
        minute = memory.minutes.get(key)
        if minute is not None:
            return minute + int(line[start:end]), True
        stamp = template.read(found, now=now, zone=self.zone)
        if stamp is None or not (stamp < now or "Y" in template.regex.groupindex):
            return stamp, False
        memory.minutes[key] = stamp - int(line[start:end])
        return stamp, True
