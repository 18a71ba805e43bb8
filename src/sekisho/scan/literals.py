r"""The text that a line must contain for a regular expression to match it, read off the expression's parse tree.

A `Clue` is a set of literals of which at least one occurs in every line that the expression matches. What parts of the
expression can match (`texts`) makes the possible clues; of these the one with the longest shortest member wins: long
text is rare text.

What a clue must never do is miss. Four things can make text that a rule needs absent from the raw line:

* The date cut (`model.candidate.Cut`). Snug cuts join two non-word characters, so a literal is broken wherever two of
  them meet. A cut anywhere breaks at most one half of a literal, so both halves become members.
* The newline that ends every searched text is not part of the scanned line: a literal is broken there.
* Quotes (`Search.is_quoted`). What JSON and logfmt write in quotes, some writers write by its number, `\u0026` for `&`.
  A literal is broken at the characters of which this is usual; a line with another one written so is a candidate of
  every rule (`patterns.ODD_ESCAPES`).
* Encodings and case. Only ASCII is used. Ignoring case, `re` also takes the long s for `s`, the Kelvin sign for `k`
  and Turkish dotted and dotless letters for `i`; a line with one of these is a candidate of every caseless clue.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sekisho.model.candidate import Cut, Search
from sekisho.scan.rarity import is_everybody_s, rarity
from sekisho.scan.shapes import find_shape
from sekisho.scan.texts import Texts, texts_in

SHORTEST = 3
"""A literal shorter than this occurs in nearly every line, which costs more than having no clue."""

_GOOD = 6.0  # what an alternative clue must be worth, see `_worth`: a word that is not in every line
_FEW = 5  # members of a clue; the price of each, of which any may be a common word, falls beyond


@dataclass(frozen=True, slots=True)
class Clue:
    """At least one of `literals` occurs in every line that the rule matches; `caseless` ignores ASCII case.

    Without literals, what the expression `shape` matches does (`shapes`). `is_quoted` is that of its `Search`.
    """

    literals: frozenset[bytes]
    caseless: bool = False
    is_quoted: bool = False
    shape: bytes = b""


def find_clues(searches: Sequence[Search]) -> list[Clue | None]:
    """The clue of each rule of one filter; None: every line may match.

    Where several rules would share their best clue, one that has another good one takes that: so that a common word of
    many lines does not let them all be tried for a rule that needs a rare one too.
    """
    possible = [_usable_clues(search) for search in searches]
    chosen: list[Clue | None] = [max(clues, key=_worth, default=None) for clues in possible]
    shared = {clue for clue in chosen if clue is not None and chosen.count(clue) > 1}
    for number, clues in enumerate(possible):
        if chosen[number] in shared:
            own = [clue for clue in clues if clue not in shared and _worth(clue)[0] >= _GOOD]
            chosen[number] = max(own, key=_worth, default=chosen[number])
    return [
        _shape_of(search) if clue is None else _own(search, clue) for clue, search in zip(chosen, searches, strict=True)
    ]


def _shape_of(search: Search) -> Clue | None:
    shape = find_shape(search)
    return None if shape is None else Clue(frozenset(), shape=shape)


def _own(search: Search, clue: Clue) -> Clue:
    """The clue, or where it holds words that many services log by PAM or SASL, a rare one that stands before it.

    That is the service's name, as a rule: so one jail does not try the failures of all others.
    """
    if search.lines > 1 or search.in_turn or not _is_everybody_s(clue):
        return clue
    before: list[Clue] = []
    for pattern in search.patterns:
        clues = _clues_of(pattern, search)
        before += clues[: clues.index(clue)] if clue in clues else clues
    rare = (each for each in before if _worth(each)[0] >= _GOOD and not _is_everybody_s(each))
    return max(rare, key=_worth, default=clue)


def _is_everybody_s(clue: Clue) -> bool:
    return any(is_everybody_s(literal.decode()) for literal in clue.literals)


def find_clue(search: Search) -> Clue | None:
    """The clue of a rule that stands alone; None: every line may match."""
    return find_clues([search])[0]


def _usable_clues(search: Search) -> list[Clue]:
    found: list[Clue] = []
    for pattern in search.patterns:
        found += [_as_words(pattern)] if pattern in search.words else _clues_of(pattern, search)
        if found and search.in_turn:
            break
    return found


def _as_words(pattern: re.Pattern[str]) -> Clue:
    """Short words, which as mere text would be in many a longer number."""
    return Clue(frozenset(), is_quoted=True, shape=rb"\b(?:%b)\b" % pattern.pattern.encode("ascii"))


def _clues_of(pattern: re.Pattern[str], search: Search) -> list[Clue]:
    """The clues of one expression, in the order of their places."""
    found: list[Clue] = []
    for caseless, texts in texts_in(pattern):
        members = _usable(texts, search)
        if members is not None:
            literals = _fewest(each.lower() if caseless else each for each in members)
            found.append(Clue(literals, caseless, search.is_quoted))
    return found


def _fewest(members: Iterable[str]) -> frozenset[bytes]:
    """The members without those that contain another."""
    kept: list[str] = []
    for member in sorted(members, key=len):
        if not any(shorter in member for shorter in kept):
            kept.append(member)
    return frozenset(member.encode("ascii") for member in kept)


def _worth(clue: Clue) -> tuple[float, int]:
    """Long members, few of them; a word that every log is full of counts for little."""
    if not clue.literals:
        return 0.0, 0
    few, many = min(len(clue.literals), _FEW), max(len(clue.literals) - _FEW, 0)
    return min(rarity(each.decode()) for each in clue.literals) - 0.4 * few - 0.02 * many, len(min(clue.literals))


_JOINED_BY_SNUG_CUT = re.compile(r"(?<=[^\w])(?=[^\w])", re.ASCII)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]|[\r\n]")
_NOT_AS_IT_IS = re.compile(r"""[^ -~]|["\\/&'<>`]""")
"""Characters that writers of JSON put differently between quotes."""


def _usable(texts: Texts, search: Search) -> list[str] | None:
    """The literals of a clue that no cut can hide; None when a member has none long enough."""
    members: list[str] = []
    for text in texts:
        broken = (_NOT_AS_IT_IS if search.is_quoted else _NOT_ASCII).split(text)
        pieces = [piece for part in broken for piece in _pieces(part, search.cut)]
        best = max(pieces, key=lambda piece: (rarity(piece), len(piece)), default="")
        halves = [best[: len(best) // 2], best[len(best) // 2 :]] if search.cut is Cut.ANYWHERE else [best]
        if min(map(len, halves)) < SHORTEST:
            return None
        members += halves
    return members


def _pieces(text: str, cut: Cut) -> list[str]:
    return _JOINED_BY_SNUG_CUT.split(text) if cut is Cut.SNUG else [text]
