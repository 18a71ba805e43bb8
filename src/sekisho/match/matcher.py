"""Matches the lines of one jail: what a line says, and what follows for counting (COMPAT 2.2 and 2.7).

`read` is the daemon's way, for the candidates of a block; `examine` is the way of a person who asks about one line,
whatever its age. Both use the same rules and the same memory: dates and sessions carry over from line to line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sekisho.match.filter import LONGEST_LINE, CompiledFilter
from sekisho.match.finding import Finding, Hit, LineVerdict
from sekisho.match.placing import Opening, Placing
from sekisho.match.record import NO_OBJECT, Refused
from sekisho.match.recordbook import RecordBook
from sekisho.match.recordreader import Entry
from sekisho.match.remarks import Remarks
from sekisho.match.rulebook import Match, RuleBook
from sekisho.model.block import Block, Phase
from sekisho.model.candidate import Candidate
from sekisho.model.duration import Seconds

_JOINED = {"mlfid", "mlftry"}  # groups of lines that are read together with others


class Stumbled(Exception):  # noqa: N818 - it says where to read on, the cause says what was wrong
    """The candidate that begins at `start` could not be matched; `findings` are those of the candidates before it."""

    def __init__(self, start: int, findings: tuple[Finding, ...]) -> None:
        super().__init__(f"the line at byte {start} of its block cannot be matched")
        self.start = start
        self.findings = findings


class Matcher:
    """The rules of one jail and their memory. `jail` names the failures; `at` is where the line at hand begins.

    `records` is None for a log of plain lines.
    """

    def __init__(self, compiled: CompiledFilter, *, jail: str) -> None:
        self.filter = compiled
        self.jail = jail
        self._book = RuleBook(compiled, jail=jail)
        self.records = RecordBook(compiled, compiled.record, self._book) if compiled.record is not None else None
        self._remarks = Remarks()
        self._placing = Placing(compiled, self._remarks.say)
        self.at = -1

    def __repr__(self) -> str:
        return f"<Matcher {self.jail}: {len(self.filter.numbered)} rules, {len(self._book.sessions)} sessions>"

    def examine(
        self,
        line: str,
        *,
        now: float,
        stamp: float | None = None,
        mask: int | None = None,
        check_all: bool = False,
        pending: bool = False,
    ) -> LineVerdict:
        """What `line` says, whatever its age. With `stamp` it is a journal's line, without a date search.

        `check_all` tries every failregex, and also tells of hits that only prepare others; otherwise the first that
        matches decides. `pending` tells of failures of nobody known yet, as `check_all` does. `mask` limits the rules
        to those that a scanner found possible.
        """
        line = line.rstrip("\r\n")[: self.filter.longest_line]
        original = line if stamp is None else _journal_line(line, stamp)
        when, remainder, template = stamp, line, None
        if self.records is not None:
            entry = self.records.next_entry(line, stamp=stamp, now=now)
            if isinstance(entry, Refused):
                return LineVerdict(time=stamp)
            when, remainder = entry.stamp, entry.text or ""
            found, ignored = self.records.apply(original, entry, "", now=now, mask=mask, check_all=check_all)
        else:
            if stamp is None:
                when, remainder, template = self._placing.of_line(line, now=now)
            found, ignored = self._book.apply(original, remainder, now=now, mask=mask, check_all=check_all)
        self._remarks.take()
        since = now if when is None else when
        hits = tuple(_hit(match, when, retells=self._book.retells(match, since)) for match in found)
        retells = any(hit.nofail and "mlftry" in hit.captured for hit in hits)
        if not check_all:
            hits = tuple(hit for hit in hits if not (hit.nofail and hit.captured.keys() & _JOINED))
        if not (check_all or pending):
            hits = tuple(hit for hit in hits if not hit.pending)
        return LineVerdict(hits, ignored, when, template, remainder, retells)

    def pass_over(self, line: str, *, now: float) -> tuple[str, str | None]:
        """Note the date of a line that no rule can match; what rules would see of it, and the template that fitted."""
        if self.records is not None:
            entry = self.records.next_entry(line, stamp=None, now=now)
            return "" if isinstance(entry, Refused) else entry.text or "", None
        return self._placing.of_line(line[:LONGEST_LINE], now=now)[1:]

    @property
    def opening(self) -> bytes | None:
        """How a line begins that has the date of the last one: passing over it would change nothing (`pass_over`)."""
        return self._placing.opening_of_lines() if self.records is None else None

    def read(
        self,
        block: Block,
        candidates: Sequence[Candidate],
        *,
        now: float,
        findtime: Seconds,
        channel: int | None = None,
    ) -> list[Finding]:
        """What the candidates of `block` say, in order. Masks count from this jail's first rule.

        `now` is in seconds since the epoch. `channel`: the bits of the journal matches that this jail listens to; None
        takes every entry.

        Raises:
            Stumbled: a line could not be matched, from the exception that says why; the lines before it are read.

        """
        self._remarks.begin_day(now)
        findings: list[Finding] = []
        live = block.phase is Phase.LIVE
        read = self._read_file if block.stamps is None else self._read_journal
        if self.records is not None:
            read = self._read_records
        try:
            read(block, candidates, findings, live=live, now=now, findtime=findtime, channel=channel)
        except Exception as error:
            raise Stumbled(self.at, tuple(findings)) from error
        findings += self._remarks.take()
        return findings

    def _read_file(
        self,
        block: Block,
        candidates: Sequence[Candidate],
        findings: list[Finding],
        *,
        live: bool,
        now: float,
        findtime: Seconds,
        channel: int | None,  # noqa: ARG002 - a file has none
    ) -> None:
        data, source, placing = block.data, block.source, self._placing
        encoding, book = self.filter.encoding, self._book
        telling, hear, may_hear = book.telling, book.hear, book.may_hear
        opening: Opening | None = None  # lines of the second at hand have their time without a look at their date
        last = -1
        for start, end, mask in candidates:
            self.at = start
            stop = end if end - start <= LONGEST_LINE else start + LONGEST_LINE
            if opening is not None and data.startswith(opening.text, start):
                last = start
                _, cut, date, when = opening
                try:
                    remainder = data[start + cut : stop].decode(encoding).rstrip("\r\n")
                except UnicodeDecodeError:
                    remainder = self._line(data, start, stop, source)[cut:]
                line = date + remainder
            else:
                if last >= 0:
                    placing.note_last(source, last)
                    last = -1
                line = self._line(data, start, stop, source)
                stamp, remainder = placing.of_candidate(source, data, start, line, live=live, now=now)
                opening = placing.opening(source, live=live, now=now, findtime=findtime)
                when = self._counted(stamp, line, remainder, mask, live=live, now=now, findtime=findtime)
            if when is None or not (mask & telling or may_hear(remainder)):
                continue
            if finding := hear(line, remainder, mask, when, now):
                findings.append(finding)
        if last >= 0:
            placing.note_last(source, last)
        placing.end_block(source, data)

    def _counted(
        self, stamp: float | None, line: str, remainder: str, mask: int, *, live: bool, now: float, findtime: Seconds
    ) -> float | None:
        """The time to count a line of `stamp` with; None where it does not count."""
        if stamp is not None:
            return self._placing.timely(stamp, live=live, now=now, findtime=findtime)
        if self._book.apply(line, remainder, now=now, mask=mask)[0]:
            self._miss_date(line)
        return None

    def _read_journal(
        self,
        block: Block,
        candidates: Sequence[Candidate],
        findings: list[Finding],
        *,
        live: bool,
        now: float,
        findtime: Seconds,
        channel: int | None,
    ) -> None:
        book = self._book
        for start, end, mask, stamp in self._entries(block, candidates, channel):
            when = self._placing.timely(stamp, live=live, now=now, findtime=findtime)
            if when is not None:
                line = self._line(block.data, start, min(end, start + LONGEST_LINE), block.source)
                if not (mask & book.telling or book.may_hear(line)):
                    continue
                if finding := book.hear(_journal_line(line, stamp), line, mask, when, now):
                    findings.append(finding)

    def _entries(
        self, block: Block, candidates: Sequence[Candidate], channel: int | None
    ) -> Iterator[tuple[int, int, int, float]]:
        """The candidates of a journal that this jail listens to, each with its instant."""
        data, stamps, channels = block.data, block.stamps or (), block.channels
        number = reached = 0
        for start, end, mask in candidates:
            self.at = start
            number += data.count(b"\n", reached, start)
            reached = start
            if channel is None or channels is None or channels[number] & channel:
                yield start, end, mask, stamps[number]

    def _read_records(
        self,
        block: Block,
        candidates: Sequence[Candidate],
        findings: list[Finding],
        *,
        live: bool,
        now: float,
        findtime: Seconds,
        channel: int | None,
    ) -> None:
        records = self.records
        if records is None:
            return
        data, source, longest = block.data, block.source, self.filter.longest_line
        is_journal = block.stamps is not None
        foreign = not is_journal and records.opens_with_brace
        lines = self._entries(block, candidates, channel) if is_journal else ((*each, None) for each in candidates)
        pieces = records.pieces_in(block)
        for start, end, mask, stamp in lines:
            self.at = start
            if start in pieces or end - start > longest:
                continue
            if foreign and data[start] not in b"{ \t":  # of another program's, in a log that is shared
                entry: Entry | Refused = NO_OBJECT
            else:
                line = self._line(data, start, end, source)
                entry = records.read(line, source, stamp=stamp, now=now)
            if isinstance(entry, Refused):
                self._remarks.say(
                    "WARNING", f"refused {source}", f"A line of {source!r} counts for nobody: {entry.why}"
                )
                continue
            written = records.written(entry, source, live=live, now=now)
            when = None if written is None else self._placing.timely(written, live=live, now=now, findtime=findtime)
            if written is not None and when is None:
                continue
            original = line if stamp is None else _journal_line(line, stamp)
            matches, _ = records.apply(original, entry, source, now=now, mask=mask)
            if matches and when is None:
                self._miss_date(line)
            elif matches and when is not None and (finding := self._book.told(matches[0], when)):
                findings.append(finding)

    def _miss_date(self, line: str) -> None:
        self._remarks.say("WARNING", "no date", f"Found a match but no valid date/time found for {line[:200]!r}")

    def _line(self, data: bytes, start: int, end: int, source: str) -> str:
        line, is_clean = self.filter.decode(data[start:end])
        if not is_clean:
            encoding = self.filter.encoding.upper()
            text = f"Error decoding line from {source!r} with {encoding!r}."
            remedy = "Consider setting logencoding to appropriate encoding for this jail."
            self._remarks.say("WARNING", f"decoding {source}", f"{text} {remedy}")
        return line


def _hit(match: Match, when: float | None, *, retells: bool) -> Hit:
    who = match.who
    return Hit(
        regex=match.regex,
        subject=who.subject,
        time=when,
        nofail=match.nofail or retells,
        hostname=who.hostname,
        address=who.address,
        matches=match.matches,
        captured=match.captured,
    )


def _journal_line(line: str, stamp: float) -> str:
    return f"{datetime.fromtimestamp(stamp).isoformat()} {line}"  # noqa: DTZ006 - local time, as Fail2ban shows it
