"""Which lines deserve a look: what `scan` hands to `match`, and what it must know about a rule to do so.

The date is cut out of a line before a rule is tried, so text that a rule requires may exist only across the cut.
`Cut` says where a cut can fall; `scan` never relies on text that a cut of that kind could have joined.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import NamedTuple


class Cut(enum.Enum):
    """Where a filter's dates can be cut out of a line.

    `SNUG`: between two non-word characters or at an end, as the default templates do. `ANYWHERE`: a custom pattern
    decides. `NONE`: nothing is ever cut (a journal).
    """

    NONE = "none"
    SNUG = "snug"
    ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True)
class Search:
    """What must be found in a line, its date cut out, for one rule to match: each of `patterns`, in any order.

    No patterns: nothing is known, and every line may match. `is_quoted`: the texts stand in the line as JSON and logfmt
    write them, where a character may be written by a backslash and its number. `in_turn`: the first pattern that has a
    literal is the one to look for, since whoever wrote them put it first. `words`: the patterns that are short words,
    and stand in the line as such. `lines`: over how many lines a match may reach.
    """

    patterns: tuple[re.Pattern[str], ...] = ()
    cut: Cut = Cut.SNUG
    is_quoted: bool = False
    in_turn: bool = False
    words: frozenset[re.Pattern[str]] = frozenset()
    lines: int = 1


class Candidate(NamedTuple):
    """A line of a block (`data[start:end]`, without its newline) and the rules that may match it, bit k for rule k.

    A tuple, since there may be a million of them a second.
    """

    start: int
    end: int
    mask: int
