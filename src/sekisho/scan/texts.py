r"""The texts of which every text that an expression matches contains one, read off the expression's parse tree.

A sequence of parts that can match only few texts each (`Failed (?:password|publickey)`) is multiplied out; where that
stops (a `\S+`, or too many variants), what has been gathered is complete, and gathering begins anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from re import _constants as sre  # type: ignore[attr-defined]  # the parse tree is re's own, named since Python 3.11
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any

from sekisho.scan.rarity import rarity

MOST_VARIANTS = 24
"""The most texts of a set; more of them cost the scanner more than shorter ones do."""

MOST_TOGETHER = 96
"""The same for one made of the sets of several alternatives, which is worth it where they are many rare names."""

_LONGEST_SET = 10  # a character set up to this size is multiplied out ([Ff]ailed, [0-9])
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_ZERO_WIDTH = (sre.AT, sre.ASSERT, sre.ASSERT_NOT)

Texts = frozenset[str]


@dataclass(slots=True)
class _Gathered:
    """The texts so far, multiplied out, and the sets completed before them; `broken` once something was left out."""

    texts: Texts = frozenset({""})
    sets: list[Texts] = field(default_factory=list)
    broken: bool = False

    def append(self, texts: Texts) -> None:
        if len(self.texts) * len(texts) > MOST_VARIANTS:
            self.break_off()
        if len(texts) <= MOST_VARIANTS:
            self.texts = frozenset(a + b for a in self.texts for b in texts)

    def break_off(self) -> None:
        if "" not in self.texts:
            self.sets.append(self.texts)
        self.texts = frozenset({""})
        self.broken = True

    def all_sets(self) -> list[Texts]:
        self.break_off()
        return self.sets


@lru_cache(maxsize=2048)  # the rules of a filter share their prefregex, and several sources the rules
def texts_in(pattern: re.Pattern[str]) -> tuple[tuple[bool, Texts], ...]:
    """Sets of texts, in the order of their places: each match contains one of each. True: whatever their case."""
    tree = sre_parse.parse(pattern.pattern, pattern.flags)
    caseless = bool(pattern.flags & re.IGNORECASE) or _has_caseless_part(tree)
    return tuple((caseless, texts) for texts in _gather(tree).all_sets())


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


def _gather(nodes: Iterable[Any]) -> _Gathered:
    gathered = _Gathered()
    for op, av in nodes:
        if op is sre.LITERAL:
            gathered.append(frozenset({chr(av)}))
        elif op in _ZERO_WIDTH:  # matches no text; what stands on both sides of it is adjacent
            if op is sre.ASSERT:  # but what it looks at is there
                gathered.sets += _gather(av[1]).all_sets()
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
        gathered.sets += insides[0].all_sets()
        return
    # one set of each alternative, together: a line has one of them
    chosen = [max(inside.all_sets(), key=_least_rarity, default=None) for inside in insides]
    if all(chosen) and sum(len(texts or ()) for texts in chosen) <= MOST_TOGETHER:
        gathered.sets.append(frozenset().union(*(texts or () for texts in chosen)))


def _least_rarity(texts: Texts) -> tuple[int, int]:
    return min(map(rarity, texts)), min(map(len, texts))


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
        gathered.sets += inside.all_sets()
