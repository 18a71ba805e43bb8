"""The report of fail2ban-regex: what was counted, and how it is laid out (COMPAT 7).

Counts are all that is kept of a big log, and the lines that the report may list: `-v` and `--print-all-...` ask for
more, and cost memory for each hit or line.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from sekisho.cli.logtext import host_of
from sekisho.match.filter import CompiledFilter
from sekisho.match.finding import Hit, LineVerdict
from sekisho.match.rule import Rule

MOST_LINES = 20
"""Lines of a kind that are too many to list, unless all are asked for, or another number (`-L`)."""

KINDS = ("matched", "ignored", "missed")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What of the report is wanted.

    `listed` are kinds of lines shown, `unlimited` those shown even when there are `most` or more.
    """

    verbose: bool = False
    verbose_date: bool = False
    debuggex: bool = False
    listed: frozenset[str] = frozenset({"ignored", "missed"})
    unlimited: frozenset[str] = frozenset()
    most: int = MOST_LINES


@dataclass(slots=True)
class _Kind:
    """Lines of one kind: how many, and the first of them, at most `room` (None: all)."""

    room: int | None
    number: int = 0
    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        self.number += 1
        if self.room is None or len(self.lines) < self.room:
            self.lines.append(line)

    def remove(self, line: str) -> None:
        self.number -= 1
        if line in self.lines:
            self.lines.remove(line)


class Report:
    """Counts of one run over one log."""

    def __init__(self, compiled: CompiledFilter, wishes: Wishes, now: float) -> None:
        self._filter = compiled
        self._wishes = wishes
        self._now = now
        # lines that one more may complete leave their kind again: so many are kept beyond those that can be listed
        room = wishes.most + compiled.maxlines
        self._kinds = {kind: _Kind(None if kind in wishes.unlimited else room) for kind in KINDS}
        self._recent: deque[str] = deque(maxlen=compiled.maxlines)
        self._templates: Counter[str] = Counter()
        self._prefixed = 0
        self._is_brief = compiled.maxlines == 1 and not compiled.ignores and not wishes.verbose
        self._prefixes: list[str] = []
        self._hits: Counter[int] = Counter()
        self._told: dict[int, list[str]] = {}
        self._ignores: Counter[int] = Counter()

    def hear(self, line: str, verdict: LineVerdict) -> None:
        """Count a line."""
        if verdict.template is not None:
            self._templates[verdict.template] += 1
        if verdict.hits and self._is_brief:
            self._prefixed += 1  # else nothing could have matched
        else:
            text = self._narrowed(verdict.remainder)
            if verdict.ignored:
                self._ignores[self._ignored_by(text)] += 1
        for hit in verdict.hits:
            self._hits[hit.regex] += 1
        if self._wishes.verbose:
            self._tell(verdict.hits)
        kind = _kind(verdict)
        if self._filter.maxlines > 1:
            if kind == "matched":
                self._reclaim(verdict.hits)
            elif kind == "missed":
                self._recent.append(line)
        self._kinds[kind].add(line)

    def pass_over(self, raw: bytes, template: str | None, remainder: str | None = None) -> None:
        """Count a line that no failregex can match; prefregex may match its `remainder`."""
        if remainder is not None:
            self._narrowed(remainder)
        if template is not None:
            self._templates[template] += 1
        missed = self._kinds["missed"]
        if missed.room is None or len(missed.lines) < missed.room:
            missed.add(self._filter.decode(raw)[0])
        else:
            missed.number += 1

    def _narrowed(self, remainder: str) -> str:
        """What prefregex leaves of a line; all of it where there is none, or it does not match."""
        prefix, text = self._filter.prefix, f"{remainder}\n"
        found = prefix.pattern.search(text) if prefix is not None else None
        if found is None:
            return text
        self._prefixed += 1
        if self._wishes.verbose and len(self._prefixes) <= self._wishes.most:
            self._prefixes.append(str(found.groupdict()) if len(self._prefixes) < self._wishes.most else "...")
        return f"{found['content']}\n" if "content" in found.re.groupindex and found["content"] else text

    def _tell(self, hits: Sequence[Hit]) -> None:
        times = Counter(hit.regex for hit in hits)
        for hit in hits:
            when = time.strftime("%a %b %d %H:%M:%S %Y", time.localtime(self._now if hit.time is None else hit.time))
            several = " (multiple regex matched)" if times[hit.regex] > 1 else ""
            self._told.setdefault(hit.regex, []).append(f"{host_of(hit)}  {when}{several}")

    def _ignored_by(self, text: str) -> int:
        return next((number for number, rule in enumerate(self._filter.ignores) if rule.pattern.search(text)), 0)

    def _reclaim(self, hits: Iterable[Hit]) -> None:
        """Lines that were missed until a later one completed them have matched after all."""
        for text in (each for hit in hits for each in hit.matches[:-1]):
            if text in self._recent:
                self._recent.remove(text)
                self._kinds["missed"].remove(text)
                self._kinds["matched"].add(text)

    def render(self, elapsed: float) -> str:
        """The report; `elapsed` in seconds."""
        parts = ["", "Results", "=======", ""]
        if self._filter.prefix is not None:
            told = [f"|      {groups}" for groups in self._prefixes]
            parts += [
                f"Prefregex: {self._prefixed} total",
                f"|  {self._filter.prefix.pattern.pattern}",
                *told,
                "`-",
                "",
            ]
        parts += [*self._rules("Failregex", self._filter.rules, self._hits, self._told), ""]
        parts += [*self._rules("Ignoreregex", self._filter.ignores, self._ignores, {}), ""]
        parts += [*self._dates(), ""]
        counted = ", ".join(f"{self._kinds[kind].number} {kind}" for kind in ("ignored", "matched", "missed"))
        total = sum(kind.number for kind in self._kinds.values())
        parts += [f"Lines: {total} lines, {counted}", f"[processed in {elapsed:.2f} sec]", ""]
        for kind in KINDS:
            parts += self._listed(kind)
        return "\n".join(parts)

    def _rules(
        self, title: str, rules: Sequence[Rule], counts: Counter[int], told: Mapping[int, Sequence[str]]
    ) -> list[str]:
        rows = []
        for number, rule in enumerate(rules):
            if counts[number] or self._wishes.verbose:
                rows.append(f"|  {number + 1:2d}) [{counts[number]}] {rule.text}")
            rows += [f"|      {who}" for who in told.get(number, ())]
        head = f"{title}: {counts.total()} total"
        return [head, "|-  #) [# of hits] regular expression", *rows, "`-"] if rows else [head]

    def _dates(self) -> list[str]:
        """Templates by hits; with `-v` also those that fitted nothing, in the order in which they are tried."""
        templates = self._filter.detector.templates
        shown = self._templates.most_common()
        if self._wishes.verbose:
            shown += [(each.name, 0) for each in templates if each.name not in self._templates]
        expressions = {each.name: each.regex.pattern for each in templates} if self._wishes.verbose_date else {}
        rows = []
        for name, count in shown:
            rows.append(f"|  [{count}] {name}")
            rows += [f"|      # regex:   {expressions[name]}"] if name in expressions else []
        head = "Date template hits:"
        return [head, "|- [# of hits] date format", *rows, "`-"] if rows else [head]

    def _listed(self, kind: str) -> list[str]:
        lines, name = self._kinds[kind], kind.capitalize()
        if kind not in self._wishes.listed or not lines.number:
            return []
        if lines.number >= self._wishes.most and kind not in self._wishes.unlimited:
            return [f"{name} line(s): too many to print.  Use --print-all-{kind} to print all {lines.number} lines"]
        if not self._wishes.debuggex:
            return [f"|- {name} line(s):", *(f"|  {line.rstrip()}" for line in lines.lines), "`-"]
        rules = self._filter.ignores if kind == "ignored" else self._filter.rules
        linked = [_linked(line, rule) for line in lines.lines for rule in rules]
        return [f"|- {name} line(s):", *linked, "`-"] if linked else []


def _linked(line: str, rule: Rule) -> str:
    """A line with a link to the place where its match with a rule can be watched."""
    query = urlencode({"re": rule.pattern.pattern, "str": line, "flavor": "python"})
    return f"|  {line} | {rule.text} |  https://www.debuggex.com/?{query}"


def _kind(verdict: LineVerdict) -> str:
    """One hit that is mere context makes a line one that is ignored, whatever else matches it."""
    if any(hit.nofail for hit in verdict.hits) or verdict.ignored:
        return "ignored"
    return "matched" if verdict.hits else "missed"
