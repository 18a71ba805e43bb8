"""The rules of several filters that read one source, laid side by side in one scanner.

Each jail owns a run of bits of a candidate's mask; `for_jail` gives it the candidates that concern it, with the mask
counted from its own first rule. The scanner is built once and is rebuilt only by making another bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sekisho.model.candidate import Candidate, Search
from sekisho.scan.literals import Clue, find_clues
from sekisho.scan.scanner import Scanner, build_scanner


@dataclass(frozen=True, slots=True)
class Share:
    """Where a jail's rules lie in the mask."""

    shift: int
    width: int


class Bundle:
    """One scanner for the rules of several jails."""

    def __init__(self, jails: Iterable[tuple[str, Sequence[Search]]]) -> None:
        clues: list[Clue | None] = []
        self._shares: dict[str, Share] = {}
        for jail, searches in jails:
            self._shares[jail] = Share(len(clues), len(searches))
            clues += _clues_of(tuple(searches))
        self._clues = tuple(clues)
        self._scanner = _scanner_of(self._clues)

    def __repr__(self) -> str:
        return f"<Bundle: {', '.join(self._shares)}; {self._scanner!r}>"

    def scan(self, data: bytes) -> list[Candidate]:
        """The candidates of all jails among the lines of `data`, in order, one a line."""
        return self._scanner.scan(data)

    def for_jail(self, jail: str, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """Those of `candidates` that concern `jail`, their masks counted from its first rule."""
        share = self._shares[jail]
        if len(self._shares) == 1:
            return candidates
        ours = (1 << share.width) - 1
        return [
            Candidate(each.start, each.end, mask) for each in candidates if (mask := each.mask >> share.shift & ours)
        ]

    def blind_rules(self, jail: str) -> tuple[int, ...]:
        """The numbers of a jail's rules that have no literal, which make every line of the source a candidate."""
        share = self._shares[jail]
        return tuple(k for k, clue in enumerate(self._clues[share.shift : share.shift + share.width]) if clue is None)


# A thousand jails have a few filters: what follows from their rules is found once. Scanners hold no state.


@lru_cache(maxsize=256)
def _clues_of(searches: tuple[Search, ...]) -> tuple[Clue | None, ...]:
    return tuple(find_clues(searches))


@lru_cache(maxsize=64)
def _scanner_of(clues: tuple[Clue | None, ...]) -> Scanner:
    return build_scanner(clues)
