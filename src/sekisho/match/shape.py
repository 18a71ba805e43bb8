"""What the parse tree of an expression says about its groups, whatever the text: which always take part, which lead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import _constants as sre  # type: ignore[attr-defined]  # the parse tree is re's own, named since Python 3.11
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any

_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_ZERO_WIDTH = (sre.AT, sre.ASSERT, sre.ASSERT_NOT)


def sure_groups(pattern: re.Pattern[str]) -> frozenset[str]:
    """Names of groups that have captured some text whenever the expression matches; perhaps not all of them."""
    numbers = set(_sure(_tree(pattern)))
    return frozenset(name for name, number in pattern.groupindex.items() if number in numbers)


def leads(pattern: re.Pattern[str], group: str) -> bool:
    """True when it is sure that the group, where it takes part in a match, begins at the very start of the text."""
    number = pattern.groupindex.get(group)
    nodes = _tree(pattern)
    is_anchored = bool(nodes) and nodes[0] == (sre.AT, sre.AT_BEGINNING) and not pattern.flags & re.MULTILINE
    return number is not None and is_anchored and _leads(nodes, number)


def _tree(pattern: re.Pattern[str]) -> list[Any]:
    return list(sre_parse.parse(pattern.pattern, pattern.flags))


def _sure(nodes: Iterable[Any]) -> Iterable[int]:
    for op, av in nodes:
        if op is sre.SUBPATTERN:
            number, _, _, body = av
            if number is not None and body.getwidth()[0] > 0:
                yield number
            yield from _sure(body)
        elif op is sre.ATOMIC_GROUP:
            yield from _sure(av)
        elif op in _REPEATS and av[0] > 0:
            yield from _sure(av[2])


def _leads(nodes: Iterable[Any], number: int) -> bool:
    """True when nothing that takes up text stands before the group."""
    for op, av in nodes:
        if op in _ZERO_WIDTH:
            continue
        if op is sre.SUBPATTERN:
            return av[0] == number or _leads(av[3], number)
        if op is sre.BRANCH:
            return any(_leads(branch, number) for branch in av[1])
        break
    return False
