"""Texts that make an expression work: what leads to one of its repeats, what that repeats, an end that does not fit.

A backtracking engine does more than linear work only where a text can be divided among repeats in many ways. So what is
repeated is made of what the repeat takes, and of what the expression wants behind it; and the end breaks the match, for
then all divisions are tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from re import _constants as sre  # type: ignore[attr-defined]

from tests.support.grammar import REPEATS, Tree, single_of, taker, tree_of

_CANDIDATES = "a1 .:\"'(<[,=/\\@-]>)_F{}|#*;%!?~^$&+`\t\0"
_MANY = 16  # a repeat with a smaller bound is no loop


@dataclass(frozen=True, slots=True)
class Pump:
    """`lead`, then `filler` as often as wanted, then `end`."""

    lead: str
    filler: str
    end: str

    def text(self, size: int) -> str:
        """A text of some `size` characters."""
        return self.lead + self.filler * (size // len(self.filler)) + self.end


def pumps_of(pattern: re.Pattern[str]) -> Iterator[Pump]:
    """What to try an expression with; each once."""
    tried = set()
    for lead, (_, av), rest in _loops(list(tree_of(pattern)), "", ""):
        for filler in _fillers(av[2], rest):
            for end in ("\x01", f"{rest}\x01"):
                pump = Pump(lead, filler, end)
                if pump not in tried:
                    tried.add(pump)
                    yield pump


def _fillers(body: Tree, rest: str) -> Iterator[str]:
    """What a loop may go over: its characters, what follows it, and the beginnings of that."""
    single = single_of(body)
    if single is None:
        yield example(body) or "a"
        return
    takes = taker(single)
    seen = set()
    few = [each for each in _CANDIDATES if takes(each)][:3]
    wanted = [each for each in dict.fromkeys(rest) if takes(each)][:3]
    words = re.findall(r"\W*\w+|\W+", rest)
    beginnings = ["".join(words[:count]) for count in (1, 2, 3, 6)] + [rest, f"a{rest}", f"{rest} "]
    for filler in (*few, *wanted, *("".join(filter(takes, each)) for each in beginnings)):
        if filler and filler not in seen:
            seen.add(filler)
            yield filler


def _loops(nodes: list[Tree], lead: str, rest: str) -> Iterator[tuple[str, tuple[object, Tree], str]]:
    """Each loop in a part of a tree, with a text that leads to it and one that follows it."""
    for place, (op, av) in enumerate(nodes):
        behind = example(nodes[place + 1 :]) + rest
        if op in REPEATS:
            if av[1] is sre.MAXREPEAT or av[1] >= _MANY:
                yield lead, (op, av), behind
            yield from _loops(list(av[2]), lead, behind)
        elif op in (sre.ASSERT, sre.ASSERT_NOT):
            yield from _loops(list(av[1]), lead, behind)
        else:
            for branch in _parts(op, av):
                yield from _loops(list(branch), lead, behind)
        lead += example([(op, av)])


def _parts(op: object, av: Tree) -> list[Tree]:
    if op is sre.SUBPATTERN:
        return [av[3]]
    if op is sre.BRANCH:
        return list(av[1])
    return [av] if op is sre.ATOMIC_GROUP else []


def example(nodes: Tree) -> str:
    """A short text that fits a part of a tree, looks around aside."""
    text = ""
    for op, av in nodes:
        if op is sre.LITERAL:
            text += chr(av)
        elif op in (sre.ANY, sre.IN, sre.NOT_LITERAL):
            takes = taker((op, av))
            text += next(filter(takes, _CANDIDATES), "a")
        elif op in REPEATS:
            text += example(av[2]) * av[0]
        elif parts := _parts(op, av):
            text += example(parts[0])
    return text
