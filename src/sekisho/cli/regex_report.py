"""The report of fail2ban-regex: what was counted, and how it is laid out (COMPAT 7)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from sekisho.cli.logtext import host_of
from sekisho.match.filter import CompiledFilter
from sekisho.match.finding import Hit, LineVerdict
from sekisho.match.rule import Rule

MOST_LINES = 20
"""Lines listed of each kind unless all are asked for."""

KINDS = ("ignored", "matched", "missed")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What of the report is wanted; `listed` are kinds of lines shown, `unlimited` those shown however many."""

    verbose: bool = False
    debuggex: bool = False
    listed: frozenset[str] = frozenset({"ignored", "missed"})
    unlimited: frozenset[str] = frozenset()


@dataclass(slots=True)
class Report:
    """Counts of one run over one log."""

    compiled: CompiledFilter
    wishes: Wishes
    now: float
    lines: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    prefixed: int = 0
    ignores: Counter[int] = field(default_factory=Counter)
    templates: Counter[str] = field(default_factory=Counter)
    hits: dict[int, list[str]] = field(default_factory=dict)

    def add(self, line: str, verdict: LineVerdict) -> None:
        """Count one line."""
        text = verdict.remainder + "\n"
        if verdict.template is not None:
            self.templates[verdict.template] += 1
        if self.compiled.prefix is not None and (found := self.compiled.prefix.pattern.search(text)):
            self.prefixed += 1
            text = f"{found['content']}\n" if found.re.groupindex.get("content") and found["content"] else text
        for hit in verdict.hits:
            self.hits.setdefault(hit.regex, []).append(self._told(hit, several=len(verdict.hits) > 1))
        if verdict.ignored:
            self.ignores[self._ignored_by(text)] += 1
        kind = _kind(verdict)
        if kind == "matched" and self.compiled.maxlines > 1:
            self._reclaim(verdict.hits)
        self.lines[kind].append(line)

    def _told(self, hit: Hit, *, several: bool) -> str:
        when = time.strftime("%a %b %d %H:%M:%S %Y", time.localtime(self.now if hit.time is None else hit.time))
        return f"{host_of(hit) or '---'}  {when}{' (multiple regex matched)' if several else ''}"

    def _ignored_by(self, text: str) -> int:
        return next((number for number, rule in enumerate(self.compiled.ignores) if rule.pattern.search(text)), 0)

    def _reclaim(self, hits: Iterable[Hit]) -> None:
        """Lines that were missed until a later one completed them have matched after all."""
        for text in (each for hit in hits for each in hit.matches[:-1]):
            if text in self.lines["missed"]:
                self.lines["missed"].remove(text)
                self.lines["matched"].append(text)

    def render(self, elapsed: float) -> str:
        """The report; `elapsed` in seconds."""
        parts = ["", "Results", "=======", ""]
        if self.compiled.prefix is not None:
            parts += [f"Prefregex: {self.prefixed} total", f"|  {self.compiled.prefix.pattern.pattern}", "`-", ""]
        counts = {number: len(told) for number, told in self.hits.items()}
        parts += [*self._rules("Failregex", self.compiled.rules, counts, details=True), ""]
        parts += [*self._rules("Ignoreregex", self.compiled.ignores, self.ignores, details=False), ""]
        parts += [*self._templates(), ""]
        number = {kind: len(lines) for kind, lines in self.lines.items()}
        counted = ", ".join(f"{number[kind]} {kind}" for kind in KINDS)
        parts += [f"Lines: {sum(number.values())} lines, {counted}", f"[processed in {elapsed:.2f} sec]", ""]
        for kind in KINDS:
            parts += self._listed(kind)
        return "\n".join(parts)

    def _rules(
        self, title: str, rules: Sequence[Rule], counts: Counter[int] | dict[int, int], *, details: bool
    ) -> list[str]:
        rows = []
        for number, rule in enumerate(rules):
            count = counts.get(number, 0)
            if count or self.wishes.verbose:
                rows.append(f"|  {number + 1:2d}) [{count}] {rule.text}")
            if details and self.wishes.verbose:
                rows += [f"|      {told}" for told in self.hits.get(number, ())]
        head = f"{title}: {sum(counts.values())} total"
        return [head, "|-  #) [# of hits] regular expression", *rows, "`-"] if rows else [head]

    def _templates(self) -> list[str]:
        shown = list(self.templates.most_common())
        if self.wishes.verbose:
            shown += [(each.name, 0) for each in self.compiled.detector.templates if each.name not in self.templates]
        head = "Date template hits:"
        rows = [f"|  [{count}] {name}" for name, count in shown]
        return [head, "|- [# of hits] date format", *rows, "`-"] if rows else [head]

    def _listed(self, kind: str) -> list[str]:
        lines, name = self.lines[kind], kind.capitalize()
        if kind not in self.wishes.listed or not lines:
            return []
        if len(lines) > MOST_LINES and kind not in self.wishes.unlimited:
            return [
                f"{name} line(s): too many to print.  Use --print-all-{kind} to print all {len(lines)} lines",
            ]
        return [f"|- {name} line(s):", *(f"|  {self._line(line)}" for line in lines), "`-"]

    def _line(self, line: str) -> str:
        if not self.wishes.debuggex:
            return line
        expression = self.compiled.rules[0]
        query = urlencode({"re": expression.pattern.pattern, "str": line, "flavor": "python"})
        return f"{line} | {expression.text} |  https://www.debuggex.com/?{query}"


def _kind(verdict: LineVerdict) -> str:
    if any(not hit.nofail for hit in verdict.hits):
        return "matched"
    return "ignored" if verdict.ignored or verdict.hits else "missed"
