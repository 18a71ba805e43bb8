"""Applies a filter to lines that are wrapped, or records of fields: what is in them, when, and whom it concerns.

Rules are numbered in one row: the failregexes, which apply to the wrapped text or to the text of the `message` field,
then those of `when`. The first that holds decides. A text is read as it is; if nothing matches, without the date that
stands in it, since a service may write one, and expressions for a log file are without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sekisho.match.datetemplate import NO_DATE
from sekisho.match.fieldpath import FieldPath, first_text
from sekisho.match.filter import LONGEST_LINE, CompiledFilter
from sekisho.match.layers import Kind
from sekisho.match.pieces import Pieces
from sekisho.match.record import Record, Refused
from sekisho.match.recordreader import Entry, RecordMemory, RecordReader
from sekisho.match.rulebook import LONGEST_EVIDENCE, Match, RuleBook
from sekisho.match.when import RecordRules, When
from sekisho.model.block import Block

_MOST_SOURCES = 256


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a line is no failure: a clause for each rule, or one for all.

    `exception` is the number from 0 of the `ignorewhen` that holds.
    """

    reasons: tuple[str, ...]
    exception: int | None = None


class RecordBook:
    """The rules of one jail whose log's lines are not plain. `book` holds its expressions and sessions."""

    def __init__(self, compiled: CompiledFilter, rules: RecordRules, book: RuleBook) -> None:
        self._rules = rules
        self._book = book
        self._first = len(book)
        self._detector = compiled.detector
        self._has_no_dates = NO_DATE in compiled.detector.templates
        self._joins_lines = compiled.maxlines > 1
        self._reader = RecordReader(rules, compiled.detector, last_year=compiled.last_year)
        self._memories: dict[str, RecordMemory] = {}
        self._pieces = Pieces() if rules.layers.docker else None

    @property
    def opens_with_brace(self) -> bool:
        """True when a file's line that is no JSON object is none of ours, whatever stands in it."""
        layers = self._rules.layers
        return layers.docker or (layers.kind is Kind.JSON and not layers.syslog)

    def pieces_in(self, block: Block) -> frozenset[int]:
        """Where lines begin in the next block of a source that are but pieces."""
        return frozenset() if self._pieces is None else self._pieces.in_block(block.source, block.data)

    def next_entry(self, line: str, *, stamp: float | None, now: float) -> Entry | Refused:
        """What the next line holds of a log that is handed over line by line."""
        if self._pieces is not None and self._pieces.takes("", line):
            return Refused("it is a piece of a line that Docker has cut")
        return self.read(line, "", stamp=stamp, now=now)

    def read(self, line: str, source: str, *, stamp: float | None, now: float) -> Entry | Refused:
        """What a line of `source` holds; see `RecordReader.read`."""
        entry = self._reader.read(line, self._memory(source), stamp=stamp, now=now)
        if not isinstance(entry, Refused) and entry.text is not None and len(entry.text) > LONGEST_LINE:
            return Refused(f"its text is longer than {LONGEST_LINE} characters")
        return entry

    def written(self, entry: Entry, source: str, *, live: bool, now: float) -> float | None:
        """When the entry that was read last was written: if it does not say so, now, or when the last was that did."""
        if entry.stamp is not None:
            return entry.stamp
        return now if live or self._has_no_dates else self._memory(source).last

    def apply(
        self,
        original: str,
        entry: Entry,
        source: str,
        *,
        now: float,
        mask: int | None = None,
        check_all: bool = False,
    ) -> tuple[list[Match], bool]:
        """The matches of a line, and whether an exception made it nothing; see `RuleBook.apply`."""
        record = entry.record
        if self._exception(record) is not None:
            return [], True
        matches: list[Match] = []
        if entry.text is not None and self._first:
            matches, ignored = self._apply_text(original, entry, source, now=now, mask=mask, check_all=check_all)
            if ignored or (matches and not check_all):
                return matches, ignored
        for number, rule in enumerate(self._rules.whens, self._first):
            if mask is not None and not mask >> number & 1:
                continue
            groups = rule.captured(record)
            if groups is None:
                continue
            groups = self._rules.completed(groups, record)
            match = self._book.conclude(number, groups, (original[:LONGEST_EVIDENCE],), now=now)
            if match is not None:
                matches.append(match)
                if not check_all:
                    break
        return matches, False

    def explain(self, line: str, *, now: float, stamp: float | None = None) -> Explanation:
        """Why a line that is no failure is none, taken for one that stands alone."""
        entry = self._reader.read(line, RecordMemory(), stamp=stamp, now=now)
        if isinstance(entry, Refused):
            return Explanation((entry.why,))
        exception = self._exception(entry.record)
        if exception is not None:
            return Explanation((f"ignorewhen {exception + 1} holds",), exception)
        return Explanation(tuple(self._reasons(entry)))

    def _exception(self, record: Record) -> int | None:
        """The number from 0 of the `ignorewhen` that holds."""
        holding = (number for number, rule in enumerate(self._rules.exceptions) if rule.captured(record) is not None)
        return next(holding, None)

    def _reasons(self, entry: Entry) -> Iterator[str]:
        rules = self._rules
        if rules.message and entry.text is None:
            yield f"no failregex: {_named(rules.message)} {'is' if len(rules.message) == 1 else 'are'} missing"
        elif entry.text is not None:
            yield f"no failregex matches {entry.text[:LONGEST_EVIDENCE]!r}"
        for number, rule in enumerate(rules.whens, 1):
            yield f"when {number}: {self._reason(rule, entry.record)}"

    def _reason(self, rule: When, record: Record) -> str:
        failing = rule.failing(record)
        if failing is not None:
            return failing.told(record)
        text = first_text(self._rules.host, record)
        found = "is missing" if text is None else f"is {text[:LONGEST_EVIDENCE]!r}, which is no address"
        return f"it holds, and names nobody: {_named(self._rules.host) or 'host'} {found}"

    def _apply_text(
        self, original: str, entry: Entry, source: str, *, now: float, mask: int | None, check_all: bool
    ) -> tuple[list[Match], bool]:
        ours = None if mask is None else mask & (1 << self._first) - 1
        if ours == 0:
            return [], False
        text, record = entry.text or "", entry.record
        for each in self._readings(text, source, now):
            matches, ignored = self._book.apply(
                original,
                each,
                now=now,
                mask=ours,
                check_all=check_all,
                complete=lambda groups: self._rules.completed(groups, record),
            )
            if matches or ignored:
                return matches, ignored
        return [], False

    def _readings(self, text: str, source: str, now: float) -> Iterator[str]:
        """The text as it is, and without its date. Where lines are joined there can be one of each only."""
        if not self._joins_lines:
            yield text
        date = self._detector.find(text, self._memory(source).text, now=now)
        if date is not None and not date.is_empty:
            yield text[: date.start] + text[date.end :]
        elif self._joins_lines:
            yield text

    def _memory(self, source: str) -> RecordMemory:
        found = self._memories.get(source)
        if found is None:
            if len(self._memories) >= _MOST_SOURCES:
                del self._memories[next(iter(self._memories))]
            found = self._memories[source] = RecordMemory()
        return found


def _named(fields: Sequence[FieldPath]) -> str:
    return ", ".join(each.text for each in fields)
