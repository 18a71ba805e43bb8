"""Compiles a filter: its expressions, its dates, and what the scanner may rely on (COMPAT 2.1)."""

from __future__ import annotations

import codecs
import locale
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from sekisho.match.datepattern import parse_datepatterns
from sekisho.match.dates import DateDetector
from sekisho.match.fields import LAST_YEAR
from sekisho.match.record import Refused
from sekisho.match.recordreader import RecordMemory, RecordReader
from sekisho.match.rule import Rule, RuleError, compile_rule, require_identifier
from sekisho.match.shape import leads
from sekisho.match.trial import Trial, make_trial
from sekisho.match.when import RecordRules, When, compile_record
from sekisho.match.zones import zone_offset
from sekisho.model.candidate import Cut, Search
from sekisho.model.specs import FilterSpec

LONGEST_LINE = 65536
"""Bytes of a line that are looked at. Fail2ban has no such bound; no service writes its evidence behind 64 KiB."""

LONGEST_RECORD = 256 * 1024
"""The same for lines that are records, of which half is none: all that a source hands over (`sources.lines`)."""

_SESSION_GROUPS = frozenset({"mlfid", "alt_mlfid", "tuple_mlfid"})
_MOST_FILTERS = 256  # compiled at one time; a host with more kinds of jails compiles some of them anew at a reload

_DNS_MODES = frozenset({"yes", "warn", "no", "raw"})
_ASCII_LIKE = frozenset({"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252"})


@dataclass(frozen=True)
class CompiledFilter:
    """A filter ready to match. `encoding` is a codec's name; `usedns` one of yes, warn, no, raw.

    `record` is None for a log of plain lines. Where it reads fields, `rules`, `prefix` and `ignores` are for the text
    of one of them; without such a text there are none.
    """

    spec: FilterSpec
    rules: tuple[Rule, ...]
    prefix: Rule | None
    ignores: tuple[Rule, ...]
    detector: DateDetector
    usedns: str
    encoding: str
    record: RecordRules | None = None
    last_year: int = LAST_YEAR

    @property
    def maxlines(self) -> int:
        """How many lines one expression may reach over."""
        return self.spec.maxlines

    @property
    def is_ascii_like(self) -> bool:
        """True when ASCII bytes mean themselves wherever they stand, so that a line can be cut behind them."""
        return self.encoding in _ASCII_LIKE

    @property
    def numbered(self) -> tuple[Rule | When, ...]:
        """All rules, as bits of masks and hits number them: each failregex, then each rule of `when`."""
        return (*self.rules, *self.record.whens) if self.record is not None else self.rules

    @property
    def exempting(self) -> tuple[Rule | When, ...]:
        """All rules of what is no failure: each ignoreregex, then each rule of `ignorewhen`."""
        return (*self.ignores, *self.record.exceptions) if self.record is not None else self.ignores

    @property
    def longest_line(self) -> int:
        """Bytes of a line that are looked at."""
        return LONGEST_LINE if self.record is None else LONGEST_RECORD

    @cached_property
    def searches(self) -> tuple[Search, ...]:
        """For each rule, what the scanner may look for; feed these to `scan.bundle.Bundle`."""
        before = (self.prefix,) if self.prefix else ()
        ours = tuple(self._search(*before, rule) for rule in self.rules)
        return (*ours, *map(self._search_fields, self.record.whens)) if self.record is not None else ours

    @cached_property
    def other_searches(self) -> tuple[Search, ...]:
        """What makes a line matter of which no failregex is possible: prefregex, and exceptions that come first."""
        before = (self.prefix,) if self.prefix else ()
        fields = tuple(map(self._search_fields, self.record.exceptions)) if self.record is not None else ()
        rules = (*before, *(self.ignores if self.ignores_first else ()))
        return *(self._search(rule) if self.maxlines == 1 else Search() for rule in rules), *fields

    @property
    def ignores_first(self) -> bool:
        """True when there are so few exceptions that they are tried before anything else; fields are cheap to ask."""
        return 0 < len(self.ignores) <= len(self.rules) - 3 or (
            self.record is not None and bool(self.record.exceptions)
        )

    def _search(self, *rules: Rule) -> Search:
        if not self.is_ascii_like:
            return Search()
        is_snug = all(template.is_snug for template in self.detector.templates)
        cut = Cut.SNUG if is_snug else Cut.ANYWHERE
        patterns = tuple(rule.pattern for rule in rules)
        return Search(patterns, cut, is_quoted=self.record is not None, lines=self.maxlines)

    def _search_fields(self, rule: When) -> Search:
        if not self.is_ascii_like or self.record is None:
            return Search()
        words = frozenset() if self.record.layers.docker else rule.words  # Docker may put a `\t` in front of one
        return Search(rule.patterns, Cut.NONE, is_quoted=True, in_turn=True, words=words)

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """Each failregex at work."""
        return tuple(make_trial(number, rule, self.prefix) for number, rule in enumerate(self.rules))

    @cached_property
    def telling(self) -> int:
        """The mask of the rules that can say something of a session that is not open."""
        if self.prefix is None or "mlfid" not in self.prefix.groups or self.ignores or self.maxlines > 1:
            return -1
        return sum(
            1 << number
            for number, rule in enumerate(self.rules)
            if not rule.is_farewell or not rule.groups.isdisjoint(_SESSION_GROUPS)
        )

    @cached_property
    def id_leads(self) -> bool:
        """True when a session's id stands at the very start of what is searched."""
        return self.prefix is not None and leads(self.prefix.pattern, "mlfid")

    def date_of(self, line: bytes, now: float) -> float | None:
        """The instant of a line, judged by this line alone; None where it has no valid date."""
        if self.record is not None:
            reader = RecordReader(self.record, self.detector, last_year=self.last_year)
            entry = reader.read(self.decode(line[:LONGEST_RECORD])[0], RecordMemory(), stamp=None, now=now)
            return None if isinstance(entry, Refused) else entry.stamp
        return self.detector.stamp(self.decode(line[:LONGEST_LINE])[0], now=now)

    def decode(self, line: bytes) -> tuple[str, bool]:
        """A line as text without its end, and whether every byte of it could be read (COMPAT 4.3)."""
        try:
            return line.decode(self.encoding).rstrip("\r\n"), True
        except UnicodeDecodeError:
            return line.decode(self.encoding, "replace").rstrip("\r\n"), False


@lru_cache(maxsize=_MOST_FILTERS)
def compile_filter(
    spec: FilterSpec,
    *,
    usedns: str | None = None,
    logtimezone: str | None = None,
    logencoding: str = "auto",
    last_year: int = LAST_YEAR,
) -> CompiledFilter:
    """Compile a filter; jails that have the same one share what comes of it.

    Raises RuleError, naming the expression, for whatever of it cannot be used.

    `usedns` None: the filter's own, else `warn`. `logtimezone` holds for dates without a zone (None: the process' local
    zone). `last_year` is the last year that a date with a four-digit year may have (`fields.last_year_at`).
    """
    dns = (usedns or spec.usedns or "warn").lower()
    if dns not in _DNS_MODES:
        dns = "no"
    record = compile_record(spec.record, usedns=dns) if spec.record is not None else None
    if spec.record is not None and not spec.record.reads_text:
        spec = replace(spec, failregex=(), prefregex=None, ignoreregex=(), maxlines=1)
    multiline = spec.maxlines > 1
    prefix = compile_rule(spec.prefregex, usedns=dns, multiline=multiline) if spec.prefregex else None
    rules = []
    for text in spec.failregex:
        rule = compile_rule(text, usedns=dns, multiline=multiline)
        if record is None or not record.names_somebody:
            require_identifier(rule, prefix)
        rules.append(rule)
    zone = None
    if logtimezone:
        zone = zone_offset(logtimezone)
        if zone is None:
            raise RuleError(f"Unknown or unsupported time zone: {logtimezone!r}")
    return CompiledFilter(
        spec=spec,
        rules=tuple(rules),
        prefix=prefix,
        ignores=tuple(compile_rule(text, usedns=dns, multiline=multiline) for text in spec.ignoreregex),
        detector=DateDetector(parse_datepatterns(spec.datepattern, last_year=last_year), zone=zone),
        usedns=dns,
        encoding=_codec(logencoding),
        record=record,
        last_year=last_year,
    )


def _codec(name: str) -> str:
    """The codec's proper name; `auto` is the locale's, where it can say more than ASCII. Raises RuleError."""
    try:
        if name.lower() != "auto":
            return codecs.lookup(name).name
        preferred = codecs.lookup(locale.getpreferredencoding(do_setlocale=False)).name
    except LookupError as error:
        raise RuleError(f"unknown encoding: {name}") from error
    return "utf-8" if preferred == "ascii" else preferred
