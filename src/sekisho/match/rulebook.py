"""Applies the expressions of a filter to a line: which of them matches, whom it concerns, what it proves (COMPAT 2.2).

The text is what is left of a line without its date, and a newline. Prefregex narrows it to its content; the first
failregex that matches decides, unless an ignoreregex matches the same text; a session id joins the line with earlier
ones.

A quarter of an ordinary log are lines that only end a session (`Accepted ...`, `Received disconnect ...`). They mean
something to a session that is open, so one that can be nothing else, of a session that nobody knows, is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from sekisho.match.buffered import Line, LineBuffer
from sekisho.match.filter import CompiledFilter
from sekisho.match.finding import Unresolved
from sekisho.match.groups import Captures, Groups, Who, who_of
from sekisho.match.sessions import Sessions
from sekisho.match.trial import Trial
from sekisho.match.tries import Tries
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Captured, Failure

LONGEST_EVIDENCE = 4096
"""Characters kept of a line as evidence."""

_MOST_MASKS = 4096

_new = tuple.__new__  # half the price of calling the class

Complete = Callable[[Groups], Groups]
"""Adds to what a rule has captured what is known beside its text."""


def _as_it_is(groups: Groups) -> Groups:
    return groups


class Match(NamedTuple):
    """A rule that matched: its number from 0, whom it concerns, whether it is mere context, and the evidence."""

    regex: int
    who: Who
    nofail: bool
    matches: tuple[str, ...]
    captured: Mapping[str, Captured]


class RuleBook:
    """The expressions of one jail, with the sessions and the line buffer that they need."""

    def __init__(self, compiled: CompiledFilter, *, jail: str) -> None:
        self._jail = jail
        self._prefix = compiled.prefix.pattern.search if compiled.prefix else None
        self._content = compiled.prefix.pattern.groupindex.get("content", 0) if compiled.prefix else 0
        self._session = compiled.prefix.pattern.groupindex.get("mlfid", 0) if compiled.prefix else 0
        self._ignores = tuple(rule.pattern.search for rule in compiled.ignores)
        self._ignore_early = compiled.ignores_first
        self._usedns = compiled.usedns
        self._rules = compiled.trials
        self._by_mask: dict[int, tuple[Trial, ...]] = {}
        self.telling = compiled.telling
        self._id_leads = compiled.id_leads
        self._buffer = LineBuffer(compiled.maxlines) if compiled.maxlines > 1 else None
        self._is_involved = self._buffer is not None or bool(self._ignores)
        self.sessions = Sessions()
        self._tries = Tries()

    def __len__(self) -> int:
        return len(self._rules)

    def may_hear(self, remainder: str) -> bool:
        """False when no session is open to which a line can belong: one that is not `telling` then says nothing."""
        return self.sessions.may_own(f"{remainder}\n") if self._id_leads else len(self.sessions) > 0

    def hear(self, original: str, remainder: str, mask: int, when: float, now: float) -> Failure | Unresolved | None:
        """The failure that a line of `when` tells: by the first rule that matches it, of those in `mask`."""
        if self._is_involved:
            matches, _ = self.apply(original, remainder, now=now, mask=mask)
            return self.told(matches[0], when) if matches else None
        text = remainder + "\n"
        before = None
        if self._prefix is not None:
            before = self._prefix(text)
            if before is None:
                return None
            start, end = before.span(self._content)
            text = text[start:] if end == len(text) - 1 else self._content_of(text, before)[0]
        for trial in self._by_mask.get(mask) or self._chosen(mask):
            found = trial.search(text)
            if found is None:
                continue
            lines = (original[:LONGEST_EVIDENCE],)
            if trial.is_plain and (address := found[trial.ip4] or found[trial.ip6]):
                session = before[self._session] if before is not None and self._session else None
                captured = Captures(trial.read if session is None else trial.read_first, before, found)
                if self.sessions.begin(session, captured, lines, now) if session is not None else not trial.is_try:
                    return _new(Failure, (self._jail, parse_subject(address), when, lines, captured, None))
            match = self.conclude(trial.number, trial.read(before, found), lines, now=now)
            return self.told(match, when) if match is not None else None
        return None

    def told(self, match: Match, when: float) -> Failure | Unresolved | None:
        """What a match that counts tells; None where it is context, tells of nothing new, or nobody is known yet."""
        _, (subject, hostname, address), nofail, lines, captured = match
        if nofail or self.retells(match, when):
            return None
        if subject is not None:
            return Failure(self._jail, subject, when, lines, captured, address)
        if hostname is None:
            return None
        failure = Failure(self._jail, parse_subject(hostname), when, lines, captured)
        return Unresolved(failure, hostname, warn=self._usedns == "warn")

    def retells(self, match: Match, when: float) -> bool:
        """True when a match that counts, of a line of `when` in no session, tells of a try that is known."""
        captured = match.captured
        if match.nofail or "mlftry" not in captured or "mlfid" in captured:
            return False
        somebody = match.who.subject.text if match.who.subject is not None else match.who.hostname
        return somebody is not None and self._tries.retells(somebody, captured, when)

    def apply(
        self,
        original: str,
        remainder: str,
        *,
        now: float,
        mask: int | None = None,
        check_all: bool = False,
        complete: Complete = _as_it_is,
    ) -> tuple[list[Match], bool]:
        """The matches of a line, and whether an ignoreregex made it nothing.

        `mask` limits the rules to those that a scanner found possible; `check_all` tries all of them instead of
        stopping at the first that matches. `complete` adds to what a rule has captured.
        """
        if self._buffer is not None:
            return self._apply_to_buffer(self._buffer, Line(original, remainder), now=now, complete=complete)
        text = remainder + "\n"
        if self._ignore_early and self._is_ignored(text):
            return [], True
        narrowed = self._narrow(text)
        if narrowed is None:
            return [], False
        before, text, _ = narrowed
        matches: list[Match] = []
        for trial in self._rules if mask is None else self._chosen(mask):
            found = trial.search(text)
            if found is None:
                continue
            if self._ignores and self._is_ignored(text):
                return matches, True
            groups = complete(trial.read(before, found))
            match = self.conclude(trial.number, groups, (original[:LONGEST_EVIDENCE],), now=now)
            if match is not None:
                matches.append(match)
            if not check_all:
                break
        return matches, False

    def _apply_to_buffer(
        self, buffer: LineBuffer, line: Line, *, now: float, complete: Complete
    ) -> tuple[list[Match], bool]:
        text = buffer.push(line)
        if self._ignore_early and self._is_ignored(text):
            return [], True
        narrowed = self._narrow(text)
        if narrowed is None:
            return [], False
        before, searched, shift = narrowed
        for trial in self._rules:
            found = trial.search(searched)
            if found is None:
                continue
            lines = buffer.covered(text, found, shift=shift)
            buffer.use_up(lines)
            if self._is_ignored("".join(f"{each.remainder}\n" for each in lines)):
                return [], True
            evidence = tuple(each.original[:LONGEST_EVIDENCE] for each in lines)
            match = self.conclude(trial.number, complete(trial.read(before, found)), evidence, now=now)
            return [] if match is None else [match], False
        return [], False

    def _narrow(self, text: str) -> tuple[re.Match[str] | None, str, int] | None:
        """The match of prefregex, what it leaves of a text, and where that begins; None where it does not match."""
        if self._prefix is None:
            return None, text, 0
        before = self._prefix(text)
        return None if before is None else (before, *self._content_of(text, before))

    def _content_of(self, text: str, before: re.Match[str]) -> tuple[str, int]:
        """What prefregex leaves of a text, and where that begins: all of it when it has captured no content."""
        start, end = before.span(self._content)
        if not self._content or start == end:
            return text, 0
        return text[start:] if end == len(text) - 1 else text[start:end] + "\n", start

    def _chosen(self, mask: int) -> tuple[Trial, ...]:
        rules = self._by_mask.get(mask)
        if rules is None:
            rules = tuple(rule for rule in self._rules if mask >> rule.number & 1)
            if len(self._by_mask) < _MOST_MASKS:
                self._by_mask[mask] = rules
        return rules

    def _is_ignored(self, text: str) -> bool:
        return any(search(text) for search in self._ignores)

    def conclude(self, number: int, groups: Groups, lines: tuple[str, ...], *, now: float) -> Match | None:
        """The match of a rule that has captured `groups` in `lines`.

        None where it concerns a host name that must not be looked up, or can concern nobody.
        """
        session = groups.get("mlfid")
        if isinstance(session, str):
            told = self.sessions.tell(session, groups, lines, now=now, usedns=self._usedns)
            match = Match(number, told.who, told.nofail, told.matches, told.groups)
        else:
            who = who_of(groups, usedns=self._usedns)
            if not who.is_known:
                return None
            match = Match(number, who, bool(groups.get("nofail")), lines, groups)
        return None if match.who.hostname is not None and self._usedns == "no" else match
