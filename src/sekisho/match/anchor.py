"""Whether an expression begins at a fixed place, read off its parse tree. Pure.

An expression that may begin anywhere matches a stranger's own words as well: a user name `x from 192.0.2.1` puts an
address where none of the service's stands. `^.*` binds no more than nothing does.
"""

from __future__ import annotations

import enum
import re
from re import _constants as sre  # type: ignore[attr-defined]  # the parse tree is re's own, named since Python 3.11
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any


class _Hold(enum.Enum):
    FREE = enum.auto()  # nothing consumed, no anchor
    BOUND = enum.auto()  # an anchor, nothing consumed behind it
    FIRM = enum.auto()  # an anchor, and text of known shape behind it
    LOOSE = enum.auto()  # any text may stand first


_REPEATS = frozenset({sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT})
_BEGINNINGS = frozenset({sre.AT_BEGINNING, sre.AT_BEGINNING_STRING})
_WIDTHLESS = frozenset({sre.AT, sre.ASSERT, sre.ASSERT_NOT})


def is_anchored(pattern: re.Pattern[str]) -> bool:
    """Whether whatever matches begins where the text begins, with something else than any text."""
    return _walk(sre_parse.parse(pattern.pattern, pattern.flags & ~re.UNICODE), _Hold.FREE) in (_Hold.FIRM, _Hold.BOUND)


def _walk(items: Any, hold: _Hold) -> _Hold:  # noqa: ANN401 - the parse tree has no public type
    for operation, argument in items:
        hold = _step(operation, argument, hold)
        if hold in (_Hold.FIRM, _Hold.LOOSE):
            break
    return hold


def _step(operation: Any, argument: Any, hold: _Hold) -> _Hold:  # noqa: ANN401 - as above
    if operation in _WIDTHLESS:
        return _Hold.BOUND if operation is sre.AT and argument in _BEGINNINGS else hold
    if operation in (sre.SUBPATTERN, sre.ATOMIC_GROUP):
        return _walk(argument[3] if operation is sre.SUBPATTERN else argument, hold)
    if operation is sre.BRANCH:
        found = {_walk(branch, hold) for branch in argument[1]}
        return next(each for each in (_Hold.LOOSE, _Hold.FREE, _Hold.BOUND, _Hold.FIRM) if each in found)
    if operation in _REPEATS:
        least, most, repeated = argument
        if most is sre.MAXREPEAT and [each for each, _ in repeated] == [sre.ANY]:
            return _Hold.LOOSE
        inside = _walk(repeated, hold)
        return inside if least or inside is _Hold.LOOSE else hold
    return _Hold.FIRM if hold is _Hold.BOUND else _Hold.LOOSE
