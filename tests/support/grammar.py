"""Expressions taken apart: which parts of a line a rule lets vary, and what may stand there.

Reads the parse tree that `re` itself makes of an expression, and compiles it again with a group around each character
that repeats: what such a group has matched in a line is a field of that line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from re import _compiler as sre_compile  # type: ignore[attr-defined]  # named so since Python 3.11
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any

ADDRESS = ("ip4", "ip6", "dns", "fid", "cidr")
"""Groups that say whom a line concerns."""

REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_SINGLES = (sre.ANY, sre.IN, sre.LITERAL, sre.NOT_LITERAL)
_NO_TEXT = frozenset(
    {*ADDRESS, "content", "nofail", "mlfid", "mlfforget", "mlfgained", "mlftry", "alt_mlftry", "mlftries"}
)
_FEW = 4  # what repeats so often at most is no field

Tree = Any  # a SubPattern of the parser's: a sequence of operations with their arguments
Takes = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Field:
    """A part of a line, from `start` to `end`, where a rule lets one character repeat that `takes` allows.

    It may repeat `most` times. `captured`: it is kept, as a user name and the like.
    """

    start: int
    end: int
    takes: Takes
    most: int
    captured: bool

    @property
    def is_own(self) -> bool:
        """True for what only a program writes: numbers, names of methods, blanks."""
        return not (self.captured or any(map(self.takes, "=([<")))

    @property
    def is_word(self) -> bool:
        """True for names and the like, which hold no blanks."""
        return not (self.captured or self.takes(" "))


def tree_of(pattern: re.Pattern[str]) -> Tree:
    """The parse tree of an expression, made anew."""
    return sre_parse.parse(pattern.pattern, pattern.flags)


def single_of(body: Tree) -> tuple[Any, Any] | None:
    """The operation that takes the one character of a repeat's body, looks ahead aside; None: a body of several."""
    taking = [node for node in body if node[0] is not sre.ASSERT_NOT]
    return taking[0] if len(taking) == 1 and taking[0][0] in _SINGLES else None


def taker(single: tuple[Any, Any]) -> Takes:
    """Whether a character fits an operation that takes one."""
    match = sre_compile.compile(sre_parse.SubPattern(sre_parse.State(), [single])).match
    return cache(lambda character: match(character) is not None)


def fields_of(pattern: re.Pattern[str], text: str) -> Iterator[Field]:
    """Where a text that the expression matches holds what repeats; none of them holds the address."""
    grouped, groups = _with_groups(pattern)
    found = grouped.search(text)
    if found is None:
        return
    where = [found.start(name) for name in ADDRESS if name in found.re.groupindex]
    for number, (takes, most, captured) in groups.items():
        start, end = found.span(number)
        if start >= 0 and not any(start <= place < end for place in where):
            yield Field(start, end, takes, most, captured)


@cache
def _with_groups(pattern: re.Pattern[str]) -> tuple[re.Pattern[str], dict[int, tuple[Takes, int, bool]]]:
    """The expression with a group around each repeated character; what each takes, how often, and if it is kept."""
    tree = tree_of(pattern)
    names = tree.state.groupdict
    kept = {number for name, number in names.items() if name not in _NO_TEXT}
    addresses = {names[name] for name in ADDRESS if name in names}
    groups: dict[int, tuple[Takes, int, bool]] = {}

    def wrap(nodes: Tree, *, captured: bool = False) -> None:
        for place, (op, av) in enumerate(nodes):
            if op is sre.SUBPATTERN and av[0] not in addresses:
                wrap(av[3], captured=captured or av[0] in kept)
            elif op is sre.BRANCH:
                for branch in av[1]:
                    wrap(branch, captured=captured)
            elif op is sre.ATOMIC_GROUP:
                wrap(av, captured=captured)
            elif op in REPEATS and (single := single_of(av[2])) and av[1] > _FEW:
                number = tree.state.opengroup()
                tree.state.closegroup(number, av[2])
                groups[number] = (taker(single), int(av[1]), captured)
                nodes[place] = (sre.SUBPATTERN, (number, 0, 0, sre_parse.SubPattern(tree.state, [(op, av)])))
            elif op in REPEATS:
                wrap(av[2], captured=captured)

    wrap(tree)
    return sre_compile.compile(tree), groups
