r"""Finds the lines of a block that any rule may match, all rules of all jails of a source at once.

One Hyperscan database holds the literals of all rules. It reports the offset behind each literal found; the line
around that offset becomes a candidate, and the bits of all literals found in one line are joined. Literals contain no
newline, so one never lies across two lines.

Besides the rules' own literals the database knows lines on which those cannot be trusted, and reports them for all
rules that this concerns (see `literals`): letters that only Unicode takes for `i`, `k` or `s`, dates that begin with
`+`, `-`, `@` or a blank right behind a word, whose cut is not snug on the left, and characters of a record that are
written by their number.

Without Hyperscan (`fallback`) the contract is the same and the speed is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Protocol

from sekisho.model.candidate import Candidate
from sekisho.scan.fallback import FallbackScanner
from sekisho.scan.literals import Clue
from sekisho.scan.patterns import ODD_DATES, ODD_ESCAPES, ODD_LETTERS, Pattern

try:
    import hyperscan
except ImportError:  # no wheel for this machine
    hyperscan = None  # type: ignore[assignment]


class Scanner(Protocol):
    """Finds candidates. It holds no state between blocks."""

    def scan(self, data: bytes) -> list[Candidate]:
        """The candidates among the lines of `data`, in order, one a line; a last line may lack its newline."""


def build_scanner(rules: Sequence[Clue | None]) -> Scanner:
    """A scanner for `rules`; bit k of a candidate's mask is set when rule k may match it."""
    patterns, always = _patterns_of(rules)
    if hyperscan is None or not patterns:
        return FallbackScanner(patterns, always=always)
    try:
        return HyperscanScanner(patterns, always=always)
    except hyperscan.error:  # this processor lacks an instruction that the library needs
        return FallbackScanner(patterns, always=always)


def _patterns_of(rules: Sequence[Clue | None]) -> tuple[list[Pattern], int]:
    masks: dict[tuple[bytes, bool], int] = defaultdict(int)
    shapes: dict[bytes, int] = defaultdict(int)
    always = caseless = quoted = 0
    for number, clue in enumerate(rules):
        bit = 1 << number
        if clue is None:
            always |= bit
            continue
        caseless |= bit if clue.caseless else 0
        quoted |= bit if clue.is_quoted else 0
        if clue.shape:
            shapes[clue.shape] |= bit
        for literal in clue.literals:
            masks[literal, clue.caseless] |= bit
    patterns = [Pattern.of_literal(literal, mask, caseless=fold) for (literal, fold), mask in masks.items()]
    patterns += [Pattern(shape, mask) for shape, mask in shapes.items()]
    everything = (1 << len(rules)) - 1 & ~always
    if everything:
        patterns.append(Pattern(ODD_DATES, everything, caseless=True))
    if caseless:
        patterns.append(Pattern(ODD_LETTERS, caseless))
    if quoted:
        patterns.append(Pattern(ODD_ESCAPES, quoted))
    return patterns, always


@lru_cache(maxsize=16)
def _database_of(patterns: tuple[tuple[bytes, bool], ...]) -> hyperscan.Database:
    """Compile expressions, each with or without case; a reload that changes no literal compiles nothing."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[expression for expression, _ in patterns],
        ids=list(range(len(patterns))),
        elements=len(patterns),
        flags=[hyperscan.HS_FLAG_CASELESS if caseless else 0 for _, caseless in patterns],
    )
    return database


class HyperscanScanner:
    """All patterns in one Hyperscan database, one call a block."""

    def __init__(self, patterns: Iterable[Pattern], *, always: int = 0) -> None:
        known = list(patterns)
        self._always = always
        self._masks = [pattern.mask for pattern in known]
        self._database = _database_of(tuple((pattern.expression, pattern.caseless) for pattern in known))

    def __repr__(self) -> str:
        return f"<HyperscanScanner: {len(self._masks)} patterns>"

    def scan(self, data: bytes) -> list[Candidate]:
        """See `Scanner.scan`."""
        found: list[Candidate] = []
        masks = self._masks
        make = tuple.__new__  # a third of the price of calling Candidate
        start = end = 0  # the line at hand
        mask = 0

        def on_match(number: int, _from: int, to: int, _flags: int, _context: object) -> None:
            nonlocal start, end, mask
            if to <= end:  # matches come in the order of their ends
                mask |= masks[number]
                return
            if mask:
                found.append(make(Candidate, (start, end, mask)))
            start = data.rfind(b"\n", end, to) + 1
            end = data.find(b"\n", to)
            if end < 0:
                end = len(data)
            mask = masks[number]

        self._database.scan(data, match_event_handler=on_match)
        if mask:
            found.append(Candidate(start, end, mask))
        return _with_every_line(data, found, self._always) if self._always else found


def _with_every_line(data: bytes, found: list[Candidate], always: int) -> list[Candidate]:
    """`found` joined by all other lines, for the rules in `always`."""
    every: list[Candidate] = []
    masks = {start: mask for start, _, mask in found}
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        if end < 0:
            end = len(data)
        every.append(Candidate(start, end, always | masks.get(start, 0)))
        start = end + 1
    return every
