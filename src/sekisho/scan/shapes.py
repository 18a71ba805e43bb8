r"""The look of a rule that has no literal: numbers and the characters between them, such as `:\d+ \d+ \d+`.

A few logs have columns only. Their rules would make every line of a source a candidate; a run of numbers that the rule
must contain is rare enough. As with literals, a snug cut may fall between two characters that belong to no word, so a
run ends there; and what may hold such characters itself, `\S+`, is no part of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants as sre  # type: ignore[attr-defined]  # as in `texts`
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from sekisho.model.candidate import Cut, Search

LEAST = 7
"""Parts of a run; a shorter one is in many a line, as ` 200 5316 ` is in every web server's."""

_DIGIT = rb"[0-9\x80-\xff]"  # `\d` takes the digits of other scripts, too
_ZERO_WIDTH = (sre.AT, sre.ASSERT, sre.ASSERT_NOT)


class _Part(NamedTuple):
    """An expression for bytes, and whether it is of a word."""

    expression: bytes
    is_word: bool


def find_shape(search: Search) -> bytes | None:
    """Return an expression that every line holds which the rule matches; None where nothing rare is known."""
    if search.cut is Cut.ANYWHERE or search.is_quoted or search.lines > 1:
        return None
    runs = [run for pattern in search.patterns if not pattern.flags & re.IGNORECASE for run in _runs(pattern)]
    best = max(runs, key=len, default=[])
    if len(best) < LEAST:
        return None
    return b"".join(part.expression for part in best[:-1]) + best[-1].expression.removesuffix(b"+")


def _runs(pattern: re.Pattern[str]) -> Iterator[list[_Part]]:
    run: list[_Part] = []
    for op, av in sre_parse.parse(pattern.pattern, pattern.flags):
        if op in _ZERO_WIDTH:
            continue
        part = _part(op, av)
        if part is None or (run and not part.is_word and not run[-1].is_word):
            yield run
            run = []
        if part is not None:
            run.append(part)
    yield run


def _part(op: object, av: Any) -> _Part | None:  # noqa: ANN401 - re's own tree
    if op is sre.LITERAL and 32 <= av < 127:
        return _Part(b"\\x%02x" % av, chr(av).isalnum() or chr(av) == "_")
    if op is sre.MAX_REPEAT and av[0] and list(av[2]) == [(sre.IN, [(sre.CATEGORY, sre.CATEGORY_DIGIT)])]:
        return _Part(_DIGIT + b"+", is_word=True)
    return None
