"""The rules of several filters that read one source, laid side by side in one scanner.

Each jail owns a run of bits of a candidate's mask; `divide` gives it the candidates that concern it, with the mask
counted from its own first rule. Most lines concern few jails, however many there are: so the lines are gone through
once, and not once a jail. The scanner is built once and is rebuilt only by making another bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sekisho.model.candidate import Candidate, Search
from sekisho.scan.literals import Clue, find_clues
from sekisho.scan.reach import widen
from sekisho.scan.scanner import Scanner, build_scanner

_MOST_MASKS = 4096

_new = tuple.__new__  # half the price of calling the class


@dataclass(frozen=True, slots=True)
class Share:
    """Where a jail's rules lie in the mask."""

    shift: int
    width: int


class Bundle:
    """One scanner for the rules of several jails."""

    def __init__(self, jails: Iterable[tuple[str, Sequence[Search]]]) -> None:
        clues: list[Clue | None] = []
        self._reaching: dict[int, int] = {}  # the bits of the rules that reach over so many lines
        self._shares: dict[str, Share] = {}
        for jail, searches in jails:
            self._shares[jail] = Share(len(clues), len(searches))
            for number, search in enumerate(searches, len(clues)):
                if search.lines > 1:
                    self._reaching[search.lines] = self._reaching.get(search.lines, 0) | 1 << number
            clues += _clues_of(tuple(searches))
        self._clues = tuple(clues)
        self._parts: dict[int, Sequence[tuple[str, int]]] = {}  # of a mask, by jail; a log has few different ones
        self._scanner = _scanner_of(self._clues)

    def __repr__(self) -> str:
        return f"<Bundle: {', '.join(self._shares)}; {self._scanner!r}>"

    def scan(self, data: bytes) -> list[Candidate]:
        """The candidates of all jails among the lines of `data`, in order, one a line."""
        candidates = self._scanner.scan(data)
        for lines, bits in self._reaching.items():
            candidates = widen(data, candidates, lines=lines, bits=bits)
        return candidates

    def divide(self, candidates: Sequence[Candidate]) -> Mapping[str, Sequence[Candidate]]:
        """Each jail's own of `candidates`, their masks counted from its first rule; without those that have none."""
        if len(self._shares) == 1:
            return dict.fromkeys(self._shares, candidates) if candidates else {}
        own: dict[str, list[Candidate]] = {}
        parts = self._parts
        for start, end, mask in candidates:
            for jail, part in parts.get(mask) or self._divided(mask):
                if jail in own:
                    own[jail].append(_new(Candidate, (start, end, part)))
                else:
                    own[jail] = [Candidate(start, end, part)]
        return own

    def _divided(self, mask: int) -> Sequence[tuple[str, int]]:
        parts = [
            (jail, part)
            for jail, share in self._shares.items()
            if (part := mask >> share.shift & (1 << share.width) - 1)
        ]
        if len(self._parts) < _MOST_MASKS:
            self._parts[mask] = parts
        return parts

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
