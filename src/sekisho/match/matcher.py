"""Matches the lines of one jail: what a line says, and what follows for counting (COMPAT 2.2 and 2.7).

One line goes this way: its date is found and cut out; prefregex narrows the rest; the first failregex that matches
decides, unless an ignoreregex matches too; a session id joins it with earlier lines; groups say whom it concerns.

`read` is the daemon's way, for candidates of a block; `examine` is the way of a person who asks about one line, with no
regard to age. Both use the same rules and the same memory: dates and sessions carry over from line to line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sekisho.match.buffered import Line, LineBuffer
from sekisho.match.dates import Date, DateMemory
from sekisho.match.filter import CompiledFilter
from sekisho.match.finding import Finding, Hit, LineVerdict, Remark, Unresolved
from sekisho.match.groups import Groups, groups_of, who_of
from sekisho.match.rule import Rule
from sekisho.match.sessions import Sessions
from sekisho.model.address import parse_subject
from sekisho.model.block import Block, Phase
from sekisho.model.candidate import Candidate
from sekisho.model.duration import Seconds, render_duration
from sekisho.model.verdict import Failure

LONGEST_LINE = 65536
"""Bytes of a line that are looked at. Fail2ban has no such bound; no service writes its evidence behind 64 KiB."""

LONGEST_EVIDENCE = 4096
"""Characters kept of a line as evidence."""

LATE = 60.0
"""Seconds by which a line may differ from now while its log is followed, and a date be borrowed (COMPAT 2.7)."""

_DAY = 86400
_MOST_SOURCES = 256

Numbered = tuple[tuple[int, Rule], ...]


@dataclass(slots=True)
class _SourceMemory:
    """What one source's earlier lines say about the next: date habits, and the last date."""

    dates: DateMemory = field(default_factory=DateMemory)
    last: float | None = None
    unread: bytes = b""  # the last block, as far as nobody looked for dates in it


class Matcher:
    """The rules of one jail and their memory. `jail` names the failures."""

    def __init__(self, compiled: CompiledFilter, *, jail: str) -> None:
        self.filter = compiled
        self.jail = jail
        self._rules: Numbered = tuple(enumerate(compiled.rules))
        self._by_mask: dict[int, Numbered] = {}
        self._ignore_early = bool(compiled.ignores) and len(compiled.ignores) <= len(compiled.rules) - 3
        self._sessions = Sessions()
        self._buffer = LineBuffer(compiled.maxlines) if compiled.maxlines > 1 else None
        self._sources: dict[str, _SourceMemory] = {}
        self._said: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Matcher {self.jail}: {len(self._rules)} rules, {len(self._sessions)} sessions>"

    # -- one line, for a person

    def examine(self, line: str, *, now: float, stamp: float | None = None, check_all: bool = False) -> LineVerdict:
        """What `line` says, whatever its age. With `stamp` it is a journal's line, without a date search.

        `check_all` tries every failregex, as fail2ban-regex does; otherwise the first that matches decides.
        """
        line = line.rstrip("\r\n")[:LONGEST_LINE]
        date: Date | None = None
        if stamp is not None:
            when: float | None = stamp
            original, remainder = _journal_line(line, stamp), line
        else:
            memory = self._memory("")
            date = self.filter.detector.find(line, memory.dates, now=now)
            when, remainder, original = self._dated(line, date, memory, now), line, line
            if date is not None and (date.stamp is not None or when is None):
                remainder = line[: date.start] + line[date.end :]
        hits, ignored = self._match(original, remainder, self._rules, when=when, now=now, check_all=check_all)
        return LineVerdict(
            hits=tuple(hits), ignored=ignored, time=when, template=date.template.name if date is not None else None
        )

    def _dated(self, line: str, date: Date | None, memory: _SourceMemory, now: float) -> float | None:
        if date is not None and date.stamp is not None:
            memory.last = date.stamp
            return date.stamp
        return memory.last if memory.last is not None and memory.last > now - LATE else None

    # -- a block, for the daemon

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

        `channel`: the bits of the journal matches that this jail listens to; None takes every entry.
        """
        findings: list[Finding] = []
        live = block.phase is Phase.LIVE
        for candidate, line, stamp in self._lines(block, candidates, channel, findings, now):
            if stamp is not None:
                when: float | None = stamp
                original, remainder = _journal_line(line, stamp), line
            else:
                when, remainder = self._place(block, candidate, line, live=live, now=now, findings=findings)
                original = line
            when = self._timely(when, live=live, now=now, findtime=findtime, findings=findings)
            if when is None:
                continue
            rules = self._rules_of(candidate.mask)
            for hit in self._match(original, remainder, rules, when=when, now=now, check_all=False)[0]:
                if hit.counts:
                    findings.append(self._finding(hit, min(when, now)))
        if block.stamps is None:
            self._memory(block.source).unread = block.data
        return findings

    def _lines(
        self, block: Block, candidates: Sequence[Candidate], channel: int | None, findings: list[Finding], now: float
    ) -> Iterator[tuple[Candidate, str, float | None]]:
        data, stamps = block.data, block.stamps
        number = reached = 0
        for candidate in candidates:
            stamp = None
            if stamps is not None:
                number += data.count(b"\n", reached, candidate.start)
                reached = candidate.start
                if channel is not None and block.channels is not None and not block.channels[number] & channel:
                    continue
                stamp = stamps[number]
            raw = data[candidate.start : min(candidate.end, candidate.start + LONGEST_LINE)]
            yield candidate, self._decode(raw, block.source, findings, now), stamp

    def _decode(self, raw: bytes, source: str, findings: list[Finding], now: float) -> str:
        encoding = self.filter.encoding
        try:
            return raw.decode(encoding).rstrip("\r\n")
        except UnicodeDecodeError:
            text = (
                f"Error decoding line from {source!r} with {encoding.upper()!r}."
                " Consider setting logencoding to appropriate encoding for this jail."
            )
            self._remark("WARNING", text, now=now, findings=findings, about=f"decode {source}")
            return raw.decode(encoding, "replace").rstrip("\r\n")

    def _place(
        self, block: Block, candidate: Candidate, line: str, *, live: bool, now: float, findings: list[Finding]
    ) -> tuple[float | None, str]:
        """When the line was written, and what of it is to be searched."""
        memory = self._memory(block.source)
        date = self.filter.detector.find(line, memory.dates, now=now)
        if date is not None and date.stamp is not None:
            memory.last = date.stamp
            return date.stamp, line[: date.start] + line[date.end :]
        remainder = line
        if date is not None:
            remainder = line[: date.start] + line[date.end :]
            if date.end > date.start:
                text = f"findFailure failed to parse timeText: {line[date.start : date.end]}"
                self._remark("ERROR", text, now=now, findings=findings, about="timeText")
        last = self._last_date(block, candidate, memory, now)
        if last is not None and (not live or last > now - LATE):
            return last, line
        return (now if live else None), remainder

    def _last_date(self, block: Block, candidate: Candidate, memory: _SourceMemory, now: float) -> float | None:
        """The date of the nearest earlier line that has one."""
        return memory.last

    def _timely(
        self, when: float | None, *, live: bool, now: float, findtime: Seconds, findings: list[Finding]
    ) -> float | None:
        """The time to count with, or None where the line is too old or has none at all (COMPAT 2.7)."""
        if when is None:
            return None
        if live:
            if abs(when - now) <= LATE:
                return when
            side = "before" if when < now else "after"
            text = (
                f"Detected a log entry {render_duration(abs(round(when - now)))} {side} the current time in operation"
                " mode. This looks like a time zone problem. Treating such entries as if they just happened."
            )
            self._remark("WARNING", text, now=now, findings=findings, about=f"weird {side}")
            return now
        if when < now - findtime:
            text = f"Ignoring all log entries older than {findtime}s; these are probably messages from the past"
            self._remark("WARNING", text, now=now, findings=findings, about="old")
            return None
        return when

    # -- rules

    def _rules_of(self, mask: int) -> Numbered:
        rules = self._by_mask.get(mask)
        if rules is None:
            rules = tuple((number, rule) for number, rule in self._rules if mask >> number & 1)
            if len(self._by_mask) < 4096:
                self._by_mask[mask] = rules
        return rules

    def _match(
        self, original: str, remainder: str, rules: Numbered, *, when: float | None, now: float, check_all: bool
    ) -> tuple[list[Hit], bool]:
        line = Line(original, remainder)
        text = self._buffer.push(line) if self._buffer is not None else remainder + "\n"
        if self._ignore_early and self._is_ignored(text):
            return [], True
        shift, before = 0, {}
        searched = text
        if self.filter.prefix is not None:
            found = self.filter.prefix.pattern.search(text)
            if found is None:
                return [], False
            before = groups_of(found)
            if content := before.pop("content", ""):
                shift, searched = found.start("content"), f"{content}\n"
        hits: list[Hit] = []
        for number, rule in rules:
            found = rule.pattern.search(searched)
            if found is None:
                continue
            lines: tuple[Line, ...] = (line,)
            if self._buffer is not None:
                lines = self._buffer.covered(text, found, shift=shift)
                self._buffer.use_up(lines)
                ignored = self._is_ignored("".join(f"{each.remainder}\n" for each in lines))
            else:
                ignored = self._is_ignored(searched)
            if ignored:
                return hits, True
            evidence = tuple(each.original[:LONGEST_EVIDENCE] for each in lines)
            hits.append(self._hit(number, {**before, **groups_of(found)}, evidence, when=when, now=now))
            if not check_all or self._buffer is not None:
                break
        return hits, False

    def _is_ignored(self, text: str) -> bool:
        return any(rule.pattern.search(text) for rule in self.filter.ignores)

    def _hit(self, number: int, groups: Groups, lines: tuple[str, ...], *, when: float | None, now: float) -> Hit:
        usedns = self.filter.usedns
        session = groups.get("mlfid")
        if isinstance(session, str):
            told = self._sessions.tell(session, groups, lines, now=now, usedns=usedns)
            captured, matches, nofail = told.groups, told.matches, told.nofail
        else:
            captured, matches, nofail = groups, lines, bool(groups.get("nofail"))
        who = who_of(captured, usedns=usedns)
        return Hit(
            regex=number,
            subject=who.subject,
            time=when,
            nofail=nofail,
            hostname=who.hostname,
            address=who.address,
            matches=matches,
            captured=captured,
        )

    def _finding(self, hit: Hit, when: float) -> Finding:
        subject = hit.subject if hit.hostname is None else parse_subject(hit.hostname)
        assert subject is not None
        failure = Failure(self.jail, subject, when, hit.matches, hit.captured, hit.address)
        if hit.hostname is None:
            return failure
        return Unresolved(failure, hit.hostname, warn=self.filter.usedns == "warn")

    # -- memory

    def _memory(self, source: str) -> _SourceMemory:
        memory = self._sources.get(source)
        if memory is None:
            if len(self._sources) >= _MOST_SOURCES:
                del self._sources[next(iter(self._sources))]
            memory = self._sources[source] = _SourceMemory()
        return memory

    def _remark(self, level: str, text: str, *, now: float, findings: list[Finding], about: str) -> None:
        """Say something once a day."""
        day = int(now // _DAY)
        if self._said.get(about) != day:
            self._said[about] = day
            findings.append(Remark(level, text))


def _journal_line(line: str, stamp: float) -> str:
    return f"{datetime.fromtimestamp(stamp).isoformat()} {line}"  # noqa: DTZ006 - local time, as Fail2ban shows it
