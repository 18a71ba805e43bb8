"""The report of fail2ban-regex: what was counted, and how it is laid out (COMPAT 7).

Lines are kept only as far as they will be listed, so that a report on any log needs little memory. What `-v` lists of
each hit, and what `--print-all-...` asks for, is kept whole: it is to be printed below the counts.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from sekisho.cli.logtext import host_of
from sekisho.match.datetemplate import DateTemplate
from sekisho.match.filter import CompiledFilter
from sekisho.match.finding import Hit, LineVerdict
from sekisho.match.matcher import Matcher
from sekisho.match.recordbook import Explanation
from sekisho.match.rule import Rule
from sekisho.match.when import When

MOST_LINES = 20
"""Lines of a kind that are too many to list, unless all are asked for, or another number (`-L`)."""

_FEW = 2
_COUNTED = ("ignored", "matched", "missed")
_LISTED = ("matched", "ignored", "missed")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What of the report is wanted; `listed` are kinds of lines shown, `unlimited` those shown however many.

    `dates` shows what the date templates stand for, when `verbose` lists them.
    """

    verbose: bool = False
    dates: bool = False
    debuggex: bool = False
    listed: frozenset[str] = frozenset({"ignored", "missed"})
    unlimited: frozenset[str] = frozenset()
    most: int = MOST_LINES


class Lines:
    """How many lines there are of a kind, and their texts as far as they may be listed: the first `most`."""

    def __init__(self, most: float, *, recalled: int) -> None:
        self.number = 0
        self.texts: list[str] = []
        self._most = most
        self._recent: deque[str] = deque(maxlen=recalled)

    @property
    def is_open(self) -> bool:
        """Whether another line's text would be kept."""
        return len(self.texts) < self._most

    def add(self, text: str) -> None:
        """Count a line."""
        self.number += 1
        self._recent.append(text)
        if len(self.texts) < self._most:
            self.texts.append(text)

    def recall(self, text: str) -> bool:
        """Take a line back, if it is one of the last few: it has turned out to be of another kind."""
        if text not in self._recent:
            return False
        self._recent.remove(text)
        self.number -= 1
        if text in self.texts:
            self.texts.remove(text)
        return True


@dataclass(slots=True)
class Report:
    """Counts of one run over one log."""

    compiled: CompiledFilter
    wishes: Wishes
    now: float
    needs_others: bool = True
    lines: dict[str, Lines] = field(init=False)
    prefixed: int = 0
    prefixes: list[str] = field(default_factory=list)
    ignores: Counter[int] = field(default_factory=Counter)
    templates: Counter[str] = field(default_factory=Counter)
    hits: Counter[int] = field(default_factory=Counter)
    told: dict[int, list[str]] = field(default_factory=dict)
    _matcher: Matcher = field(init=False)

    def __post_init__(self) -> None:
        reach = self.compiled.maxlines
        self._matcher = Matcher(self.compiled, jail="")
        self.lines = {kind: Lines(self._most(kind, reach), recalled=reach) for kind in _COUNTED}

    def _most(self, kind: str, reach: int) -> float:
        if kind not in self.wishes.listed:
            return 0
        return float("inf") if kind in self.wishes.unlimited else self.wishes.most + reach

    def skip(self, number: int, template: str | None) -> None:
        """Count lines of which nothing can match."""
        if template is not None:
            self.templates[template] += number
        self.lines["missed"].number += number

    def miss(self, line: str, remainder: str, template: str | None) -> None:
        """Count a line that no rule can match."""
        if template is not None:
            self.templates[template] += 1
        if remainder:
            self._narrowed(remainder + "\n")
        self.lines["missed"].add(line)

    @property
    def is_curious(self) -> bool:
        """Whether missed lines are still to be listed."""
        return self.lines["missed"].is_open

    def add(self, line: str, verdict: LineVerdict) -> None:
        """Count one line."""
        if verdict.template is not None:
            self.templates[verdict.template] += 1
        text = self._content_of(verdict)
        for hit in verdict.hits:
            self.hits[hit.regex] += 1
        if self.wishes.verbose:
            self._tell(verdict.hits)
        if verdict.ignored:
            self.ignores[self._ignored_by(line, text)] += 1
        kind = _kind(verdict)
        if kind == "matched" and self.compiled.maxlines > 1:
            self._reclaim(verdict.hits)
        self.lines[kind].add(line)

    def _content_of(self, verdict: LineVerdict) -> str:
        """What of a line the rules saw."""
        if verdict.hits and not (verdict.ignored or self.wishes.verbose):
            self.prefixed += 1  # nothing else can have let the line through
            return ""
        return self._narrowed(verdict.remainder + "\n")

    def _narrowed(self, text: str) -> str:
        """What prefregex leaves of a text; a match of it is counted."""
        prefix = self.compiled.prefix
        found = prefix.pattern.search(text) if prefix is not None else None
        if prefix is None or found is None:
            return text
        self.prefixed += 1
        if self.wishes.verbose:
            self.prefixes.append(str(found.groupdict()))
        return f"{found['content']}\n" if "content" in prefix.pattern.groupindex and found["content"] else text

    def _tell(self, hits: Iterable[Hit]) -> None:
        """Name who was found, and when; from the third failure of a line on with a remark, as in Fail2ban."""
        failures = 0
        for hit in hits:
            when = time.strftime("%a %b %d %H:%M:%S %Y", time.localtime(self.now if hit.time is None else hit.time))
            remark = " (multiple regex matched)" if failures >= _FEW else ""
            self.told.setdefault(hit.regex, []).append(f"{host_of(hit)}  {when}{remark}")
            failures += not hit.nofail

    def _ignored_by(self, line: str, text: str) -> int:
        exception = self._explain(line).exception
        if exception is not None:
            return len(self.compiled.ignores) + exception
        return next((number for number, rule in enumerate(self.compiled.ignores) if rule.pattern.search(text)), 0)

    def _explain(self, line: str) -> Explanation:
        """Why a record is no failure; of plain lines nothing can be told."""
        records = self._matcher.records
        return Explanation(()) if records is None else records.explain(line, now=self.now)

    def _reclaim(self, hits: Iterable[Hit]) -> None:
        """Lines that were missed until a later one completed them have matched after all."""
        for text in (each for hit in hits for each in hit.matches[:-1]):
            if self.lines["missed"].recall(text):
                self.lines["matched"].add(text)

    def render(self, elapsed: float) -> Iterator[str]:
        """The report, line by line; `elapsed` in seconds."""
        yield from ("", "Results", "=======", "")
        if self.compiled.prefix is not None:
            yield f"Prefregex: {self.prefixed} total"
            yield from (f"|  {self.compiled.prefix.pattern.pattern}", *(f"|      {each}" for each in self.prefixes))
            yield from ("`-", "")
        yield from self._rules("Failregex", self.compiled.numbered, self.hits, self.told)
        yield from self._rules("Ignoreregex", self.compiled.exempting, self.ignores, {})
        yield from self._templates()
        counted = ", ".join(f"{self.lines[kind].number} {kind}" for kind in _COUNTED)
        yield f"Lines: {sum(each.number for each in self.lines.values())} lines, {counted}"
        yield from (f"[processed in {elapsed:.2f} sec]", "")
        for kind in _LISTED:
            yield from self._listed(kind)

    def _rules(
        self, title: str, rules: Sequence[Rule | When], counts: Counter[int], told: Mapping[int, Sequence[str]]
    ) -> Iterator[str]:
        yield f"{title}: {counts.total()} total"
        shown = [number for number in range(len(rules)) if counts[number] or self.wishes.verbose]
        if shown:
            yield "|-  #) [# of hits] regular expression"
            for number in shown:
                yield f"|  {number + 1:2d}) [{counts[number]}] {rules[number].text}"
                yield from (f"|      {each}" for each in told.get(number, ()))
            yield "`-"
        yield ""

    def _templates(self) -> Iterator[str]:
        yield "Date template hits:"
        known = {each.name: each for each in self.compiled.detector.templates}
        shown = list(self.templates.most_common())
        if self.wishes.verbose:
            shown += [(name, 0) for name in known if name not in self.templates]
        if shown:
            yield "|- [# of hits] date format"
            for name, count in shown:
                yield f"|  [{count}] {name}"
                if self.wishes.verbose and self.wishes.dates:
                    yield from _explained(known[name])
            yield "`-"
        yield ""

    def _listed(self, kind: str) -> Iterator[str]:
        lines, name = self.lines[kind], kind.capitalize()
        if kind not in self.wishes.listed or not lines.number:
            return
        if lines.number >= self.wishes.most and kind not in self.wishes.unlimited:
            yield f"{name} line(s): too many to print.  Use --print-all-{kind} to print all {lines.number} lines"
            return
        yield f"|- {name} line(s):"
        rules = self.compiled.ignores if kind == "ignored" else self.compiled.rules
        explains = kind == "missed" and not self.wishes.debuggex
        for text in lines.texts:
            if self.wishes.debuggex:
                yield from (f"|  {text.rstrip()} | {rule.text} |  {self._link(rule, text)}" for rule in rules)
            else:
                yield f"|  {text.rstrip()}"
            yield from (f"|      {why}" for why in (self._explain(text).reasons if explains else ()))
        yield "`-"

    def _link(self, rule: Rule, text: str) -> str:
        query = {"re": rule.pattern.pattern, "str": text.rstrip(), "flavor": "python"}
        flags = {"flags": "m"} if self.compiled.maxlines > 1 else {}
        return f"https://www.debuggex.com/?{urlencode(query | flags)}"


def _explained(template: DateTemplate) -> Iterator[str]:
    yield f"|      # pattern: {template.begin.value}{template.text}"
    yield f"|      # regex:   {template.regex.pattern}"


def _kind(verdict: LineVerdict) -> str:
    """What a line is counted as: one hit that is mere context makes it an ignored one, whatever else matches it."""
    for hit in verdict.hits:
        if hit.nofail:
            return "ignored"
    if verdict.hits:
        return "matched"
    return "ignored" if verdict.ignored else "missed"
