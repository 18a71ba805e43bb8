r"""The text that a line must contain for a regular expression to match it, read off the expression's parse tree.

A `Clue` is a set of literals of which at least one occurs in every line that the expression matches. It is gathered
like this: a sequence of parts that can match only few texts each (`Failed (?:password|publickey)`) is multiplied out;
where that stops (a `\S+`, or too many variants), what has been gathered is a possible clue, and gathering begins
anew. Of all possible clues the one with the longest shortest member wins: long text is rare text.

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
from dataclasses import dataclass, field
from functools import lru_cache
from re import _constants as sre  # type: ignore[attr-defined]  # the parse tree is re's own, named since Python 3.11
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any

from sekisho.model.candidate import Cut, Search
from sekisho.scan.shapes import find_shape

MOST_VARIANTS = 24
"""A clue's greatest number of members; more of them cost the scanner more than a shorter clue does."""

MOST_TOGETHER = 96
"""The same for one made of the clues of several alternatives, which is worth it where they are many rare names."""

SHORTEST = 3
"""A literal shorter than this occurs in nearly every line, which costs more than having no clue."""

_GOOD = 6.0  # what an alternative clue must be worth, see `_worth`: a word that is not in every line
_FEW = 5  # members of a clue; the price of each, of which any may be a common word, falls beyond
_LONGEST_SET = 10  # a character set up to this size is multiplied out ([Ff]ailed, [0-9])
_WORDS_EVERYWHERE = frozenset(
    {
        *("from", "sshd", "ssh", "preauth", "user", "port", "for", "http", "info", "error"),
        *("get", "post", "head", "mozilla", "compatible", "closed", "session"),
    }
)
_WORDS_OF_FAILURE = frozenset({"authentication", "failed", "failure"})

Texts = frozenset[str]


@dataclass(frozen=True, slots=True)
class Clue:
    """At least one of `literals` occurs in every line that the rule matches; `caseless` ignores ASCII case.

    Without literals, what the expression `shape` matches does (`shapes`). `is_quoted` is that of its `Search`.
    """

    literals: frozenset[bytes]
    caseless: bool = False
    is_quoted: bool = False
    shape: bytes = b""


@dataclass(slots=True)
class _Gathered:
    """The texts so far, multiplied out, and the clues completed before them; `broken` once something was left out."""

    texts: Texts = frozenset({""})
    clues: list[Texts] = field(default_factory=list)
    broken: bool = False

    def append(self, texts: Texts) -> None:
        if len(self.texts) * len(texts) > MOST_VARIANTS:
            self.break_off()
        if len(texts) <= MOST_VARIANTS:
            self.texts = frozenset(a + b for a in self.texts for b in texts)

    def break_off(self) -> None:
        if "" not in self.texts:
            self.clues.append(self.texts)
        self.texts = frozenset({""})
        self.broken = True

    def all_clues(self) -> list[Texts]:
        self.break_off()
        return self.clues


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
    words = (set(re.findall(r"[a-z]+", literal.decode().lower())) for literal in clue.literals)
    return any(each - _WORDS_EVERYWHERE <= _WORDS_OF_FAILURE for each in words)


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
    for caseless, texts in _possible(pattern):
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
    return min(_rarity(each.decode()) for each in clue.literals) - 0.4 * few - 0.02 * many, len(min(clue.literals))


def _rarity(text: str) -> int:
    """How many characters a text has that are no word which every log is full of."""
    words = re.findall(r"[a-z]+", text.lower())
    return len(text) - sum(len(word) for word in words if word in _WORDS_EVERYWHERE)


@lru_cache(maxsize=2048)  # the rules of a filter share their prefregex, and several sources the rules
def _possible(pattern: re.Pattern[str]) -> tuple[tuple[bool, Texts], ...]:
    tree = sre_parse.parse(pattern.pattern, pattern.flags)
    caseless = bool(pattern.flags & re.IGNORECASE) or _has_caseless_part(tree)
    return tuple((caseless, texts) for texts in _gather(tree).all_clues())


def _has_caseless_part(nodes: Iterable[Any]) -> bool:
    """True when a group ignores case by itself; the whole expression is then searched without regard to case."""
    for op, av in nodes:
        if op is sre.SUBPATTERN and (av[1] & re.IGNORECASE or _has_caseless_part(av[3])):
            return True
        if op is sre.BRANCH and any(_has_caseless_part(branch) for branch in av[1]):
            return True
        if op in _REPEATS and _has_caseless_part(av[2]):
            return True
        if op is sre.ATOMIC_GROUP and _has_caseless_part(av):
            return True
    return False


_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_ZERO_WIDTH = (sre.AT, sre.ASSERT, sre.ASSERT_NOT)


def _gather(nodes: Iterable[Any]) -> _Gathered:
    gathered = _Gathered()
    for op, av in nodes:
        if op is sre.LITERAL:
            gathered.append(frozenset({chr(av)}))
        elif op in _ZERO_WIDTH:  # matches no text; what stands on both sides of it is adjacent
            if op is sre.ASSERT:  # but what it looks at is there
                gathered.clues += _gather(av[1]).all_clues()
        elif op is sre.IN and (texts := _few_characters(av)):
            gathered.append(texts)
        elif op is sre.SUBPATTERN:
            _gather_group(gathered, [av[3]])
        elif op is sre.ATOMIC_GROUP:
            _gather_group(gathered, [av])
        elif op is sre.BRANCH:
            _gather_group(gathered, av[1])
        elif op in _REPEATS:
            _gather_repeat(gathered, least=av[0], most=av[1], body=av[2])
        else:  # ANY, NOT_LITERAL, categories, back references, conditions: some text, unknown
            gathered.break_off()
    return gathered


def _few_characters(items: Sequence[Any]) -> Texts | None:
    if any(op is not sre.LITERAL and op is not sre.RANGE for op, _ in items):
        return None
    ranges = [range(av, av + 1) if op is sre.LITERAL else range(av[0], av[1] + 1) for op, av in items]
    if sum(map(len, ranges)) > _LONGEST_SET:
        return None
    return frozenset(chr(code) for codes in ranges for code in codes)


def _gather_group(gathered: _Gathered, branches: Sequence[Any]) -> None:
    exact: Texts | None = frozenset()
    insides = [_gather(branch) for branch in branches]
    for inside in insides:
        texts = _exact(inside)
        exact = exact | texts if exact is not None and texts is not None else None
    if exact is not None and len(exact) <= MOST_VARIANTS:
        gathered.append(exact)
        return
    gathered.break_off()
    if len(insides) == 1:
        gathered.clues += insides[0].all_clues()
        return
    # one clue of each alternative, together: a line has one of them
    chosen = [max(inside.all_clues(), key=_least_rarity, default=None) for inside in insides]
    if all(chosen) and sum(len(texts or ()) for texts in chosen) <= MOST_TOGETHER:
        gathered.clues.append(frozenset().union(*(texts or () for texts in chosen)))


def _least_rarity(texts: Texts) -> tuple[int, int]:
    return min(map(_rarity, texts)), min(map(len, texts))


def _exact(inside: _Gathered) -> Texts | None:
    """All texts that a part can match; None when they are not known."""
    return None if inside.broken else inside.texts


def _gather_repeat(gathered: _Gathered, *, least: int, most: int, body: Any) -> None:  # noqa: ANN401 - re's own tree
    inside = _gather(body)
    texts = _exact(inside)
    if most == 1 and texts is not None:
        gathered.append(texts if least else texts | {""})
        return
    gathered.break_off()
    if least:
        gathered.clues += inside.all_clues()


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
        best = max(pieces, key=lambda piece: (_rarity(piece), len(piece)), default="")
        halves = [best[: len(best) // 2], best[len(best) // 2 :]] if search.cut is Cut.ANYWHERE else [best]
        if min(map(len, halves)) < SHORTEST:
            return None
        members += halves
    return members


def _pieces(text: str, cut: Cut) -> list[str]:
    return _JOINED_BY_SNUG_CUT.split(text) if cut is Cut.SNUG else [text]
