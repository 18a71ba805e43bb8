"""Tries the rules of a filter on the lines of a log, and tells somebody what each line says (COMPAT 7).

A block is scanned first, as in the daemon: a line that holds no literal of any expression (failregex, prefregex,
ignoreregex) cannot be matched by one. It counts as missed, and only its date is looked at, since the report counts
dates; where it begins as the line before did, not even that. What is told is the same as for each line by itself.
"""

from __future__ import annotations

from typing import Protocol

from sekisho.cli.logtext import resolved
from sekisho.match.filter import CompiledFilter
from sekisho.match.finding import LineVerdict
from sekisho.match.matcher import Matcher
from sekisho.model.candidate import Cut, Search
from sekisho.scan.bundle import Bundle

_JAIL = "fail2ban-regex"
_SKIPPED = ("", "#")  # how a line begins that is not tried


class Listener(Protocol):
    """Whoever wants to know what lines say."""

    def hear(self, line: str, verdict: LineVerdict) -> None:
        """Take what a line says."""

    def pass_over(self, raw: bytes, template: str | None, remainder: str | None = None) -> None:
        """Take a line that no failregex can match, as bytes without its newline, and the template of its date.

        `remainder` is the line without its date where prefregex may match it.
        """


class Trial:
    """The rules of a filter at work. `line` is the one at hand, for whoever has to say where it took too long."""

    def __init__(self, compiled: CompiledFilter, listener: Listener, *, now: float, check_all: bool) -> None:
        self.line = ""
        self._filter = compiled
        self._listener = listener
        self._now = now
        self._check_all = check_all
        self._matcher = Matcher(compiled, jail=_JAIL)
        self._bundle = Bundle([(_JAIL, _searches(compiled))])
        self._failing = (1 << len(compiled.rules)) - 1
        self._prefix_alone = 1 << len(compiled.rules) + len(compiled.ignores)
        self._template: str | None = None
        self._beginning = b""

    def try_line(self, line: str, stamp: float | None = None, mask: int | None = None) -> None:
        """Try a line by itself; `stamp` is its time where it comes from the journal, `mask` the rules worth trying."""
        if line[:1] in _SKIPPED:
            return
        self.line = line
        verdict = self._matcher.examine(line, now=self._now, stamp=stamp, mask=mask, check_all=self._check_all)
        self._listener.hear(line, resolved(verdict))

    def try_block(self, block: bytes) -> None:
        """Try the lines of a block of whole lines."""
        reached = 0
        for start, end, mask in self._bundle.scan(block):
            self._pass_over(block, reached, start)
            if self._beginning and not block.startswith(self._beginning, start):
                self._beginning = b""
            raw = block[start:end]
            line = self._filter.decode(raw)[0]
            if mask != self._prefix_alone:
                self.try_line(line, mask=mask & self._failing)
            elif line[:1] not in _SKIPPED:
                self.line = line
                template, remainder, _ = self._matcher.pass_over(line, now=self._now)
                self._listener.pass_over(raw, template, remainder)
            reached = end + 1
        self._pass_over(block, reached, len(block))

    def _pass_over(self, block: bytes, start: int, stop: int) -> None:
        pass_over, beginning = self._listener.pass_over, self._beginning
        while start < stop:
            end = block.find(b"\n", start, stop)
            if end < 0:
                end = stop
            raw = block[start:end]
            start = end + 1
            if beginning and raw.startswith(beginning):
                pass_over(raw, self._template)
                continue
            line = self._filter.decode(raw)[0]
            if line[:1] in _SKIPPED:
                continue
            self.line = line
            self._template, _, text = self._matcher.pass_over(line, now=self._now)
            self._beginning = beginning = text.encode("ascii") if text.isascii() else b""
            pass_over(raw, self._template)


def _searches(compiled: CompiledFilter) -> tuple[Search, ...]:
    """What the scanner looks for: every failregex, and behind them what else the report counts or that silences."""
    others = [*compiled.ignores, *([compiled.prefix] if compiled.prefix else ())]
    cut = Cut.ANYWHERE if any(template.custom for template in compiled.detector.templates) else Cut.SNUG
    return (*compiled.searches, *(Search((rule.pattern,), cut) for rule in others))
