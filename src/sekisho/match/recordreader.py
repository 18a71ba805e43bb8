"""Reads lines that are wrapped, or records of fields: what is in them, and when they were written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sekisho.match.datepattern import default_templates
from sekisho.match.dates import DateDetector, DateMemory
from sekisho.match.fieldpath import first_text
from sekisho.match.instant import instant_of
from sekisho.match.layers import Peeled, peel_entry, peel_line
from sekisho.match.record import Record, Refused
from sekisho.match.when import RecordRules

_LONGEST_DATE = 64  # characters at the start of a line in which syslog's date is
_NOTHING: Record = {}


class Entry(NamedTuple):
    """What a line holds: the text for expressions, None where there is none; its fields; the instant that it says."""

    text: str | None
    record: Record
    stamp: float | None


@dataclass(slots=True)
class RecordMemory:
    """The habits of a source's dates: in front of its lines, in the field of the time, in texts; the last instant."""

    head: DateMemory = field(default_factory=DateMemory)
    time: DateMemory = field(default_factory=DateMemory)
    text: DateMemory = field(default_factory=DateMemory)
    last: float | None = None


class RecordReader:
    """Reads the lines of one filter. Holds no state: memory is passed in. `detector` knows the filter's own dates."""

    def __init__(self, rules: RecordRules, detector: DateDetector, *, last_year: int) -> None:
        self._rules = rules
        self._detector = detector
        heads = [template for template in default_templates(last_year) if template.is_anchored]
        self._heads = DateDetector(heads, zone=detector.zone)

    def read(self, line: str, memory: RecordMemory, *, stamp: float | None, now: float) -> Entry | Refused:
        """What a line holds. `stamp` is the instant of a journal's entry; None for a file's line."""
        rules = self._rules
        if stamp is not None:
            peeled = peel_entry(line, rules.layers)
        else:
            peeled = peel_line(line, rules.layers, lambda text: self._head(text, memory.head, now))
        if isinstance(peeled, Refused):
            return peeled
        record = _NOTHING if peeled.record is None else peeled.record
        text = peeled.text if peeled.record is None else first_text(rules.message, record)
        instant = self._instant(peeled, memory.time, now) if stamp is None else stamp
        if instant is not None:
            memory.last = instant
        return Entry(text, record, instant)

    def _instant(self, peeled: Peeled, memory: DateMemory, now: float) -> float | None:
        """The instant that the record says, else Docker, else syslog."""
        own = None if peeled.record is None else first_text(self._rules.time, peeled.record)
        for text in (own, peeled.time):
            if text and (found := instant_of(text, self._detector, memory, now=now)) is not None:
                return found
        return peeled.stamp

    def _head(self, line: str, memory: DateMemory, now: float) -> tuple[int, float | None] | None:
        date = self._heads.find(line[:_LONGEST_DATE], memory, now=now)
        return None if date is None else (date.end, date.stamp)
