"""Tries the rules of a fail2ban-regex on its lines, and tells a report or an output what each line says.

A log is read in blocks, as the daemon reads it. A line that holds no literal of any expression can match none: only its
date is looked at, and not even that where it begins as the line before did. What is told is the same as if every
expression had been tried on every line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sekisho.cli.logtext import Rules, read_blocks, resolved
from sekisho.cli.regex_lines import Log, LogFile
from sekisho.match.filter import CompiledFilter
from sekisho.match.finding import LineVerdict


class Sink(Protocol):
    """Takes what lines say."""

    @property
    def needs_others(self) -> bool:
        """Whether to tell apart lines on which prefregex or an exception alone can match."""

    def add(self, line: str, verdict: LineVerdict) -> None:
        """A line that was tried."""

    def miss(self, line: str, remainder: str, template: str | None) -> None:
        """A line that no rule can match, what rules would see of it, and the date template that fitted."""

    def skip(self, number: int, template: str | None) -> None:
        """So many lines of one date of which nothing can match; asked for only where `is_curious` is False."""

    @property
    def is_curious(self) -> bool:
        """Whether the texts of such lines are wanted."""


class Trial:
    """One run. `now` is the present for dates without a year; `check_all` tries every expression on a line."""

    def __init__(self, compiled: CompiledFilter, sink: Sink, *, now: float, check_all: bool) -> None:
        self._compiled = compiled
        self._sink = sink
        self._now = now
        self._check_all = check_all
        self._template: str | None = None  # the name of the last line's
        self._rules = Rules(compiled, compiled.other_searches if sink.needs_others else ())

    def run(self, log: Log, advance: Callable[[int], None]) -> None:
        """Try all lines of a log; `advance` is told how many bytes of a file are done with."""
        if isinstance(log, LogFile):
            with log.path.open("rb") as file:
                for block in read_blocks(file):
                    self.try_block(block)
                    advance(len(block))
            return
        for line, stamp in log.lines:
            self.try_line(line, stamp)

    def try_line(self, line: str, stamp: float | None = None, mask: int | None = None) -> str | None:
        """Try the rules in `mask` on a line; the name of its date template."""
        if not line or line.startswith("#"):
            return None
        verdict = self._rules.matcher.examine(
            line, now=self._now, stamp=stamp, mask=mask, check_all=self._check_all, pending=True
        )
        self._sink.add(line, resolved(verdict))
        return verdict.template

    def try_block(self, block: bytes) -> None:
        """Try the lines of a block of a file."""
        mask_of = self._rules.masks_of(block).get
        matcher, sink, now, decode = self._rules.matcher, self._sink, self._now, self._compiled.decode
        ours = (1 << len(self._compiled.numbered)) - 1
        tries_all = self._compiled.ignores_first
        opening, template = matcher.opening, self._template
        is_curious = sink.is_curious
        skipped = start = 0
        for raw in block.split(b"\n"):
            mask = mask_of(start, 0)
            start += len(raw) + 1
            is_known = opening is not None and raw.startswith(opening)
            if is_known and not mask and not is_curious:
                skipped += 1
                continue
            line = decode(raw)[0]
            if not line or line[0] == "#":
                continue
            if skipped and not is_known:
                sink.skip(skipped, template)
                skipped = 0
            if mask & ours or (mask and tries_all):
                template = self.try_line(line, mask=mask & ours)
            else:
                remainder, template = matcher.pass_over(line, now=now)
                sink.miss(line, remainder if mask else "", template)
                is_curious = sink.is_curious
            if not is_known:
                opening = matcher.opening
        if skipped:
            sink.skip(skipped, template)
        self._template = template
