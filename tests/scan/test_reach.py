"""Which lines an expression over several lines must be shown."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.match.buffered import Line, LineBuffer
from sekisho.model.candidate import Candidate, Search
from sekisho.scan.bundle import Bundle
from sekisho.scan.reach import widen


def numbers(data: bytes, candidates: list[Candidate], bit: int = 1) -> list[int]:
    """The numbers of the lines that are candidates of a rule."""
    return [data.count(b"\n", 0, each.start) for each in candidates if each.mask & bit]


def test_lines_around_a_hit_and_at_both_ends_are_shown() -> None:
    """A hit shares the buffer with the line before it, stays in it for a while, and may stand in another block."""
    data = b"".join(b"hit\n" if number == 20 else b"x\n" for number in range(40))
    found = widen(data, [Candidate(40, 43, 1)], lines=2, bits=1)
    assert numbers(data, found) == [0, 1, 2, 3, 19, 20, 21, 22, 23, 24, 39]
    assert found[5] == Candidate(40, 43, 1)


def test_the_candidates_of_others_stay_as_they_are() -> None:
    """In their order; one that is near a hit is a candidate of both."""
    data = b"".join(b"%02d\n" % number for number in range(40))
    others = [Candidate(3 * number, 3 * number + 2, 2) for number in (1, 10, 30)]
    found = widen(data, others, lines=2, bits=1)
    assert numbers(data, found, 2) == [1, 10, 30]
    assert [each.mask for each in found] == [1, 3, 1, 1, 2, 2, 1]


def test_a_block_may_be_short_or_lack_its_last_newline() -> None:
    """All of it is shown then."""
    for data in (b"", b"x", b"x\n", b"x\ny", b"\n\n"):
        assert numbers(data, widen(data, [], lines=3, bits=1)) == list(range(len(data.splitlines())))


RULES = [re.compile(each) for each in (r"one\n(?:.*\n)?two\n", r"^two\n", r"one\n(?:[^y].*\n){0,2}y\n")]


def matches_of(blocks: list[list[str]], shown: list[list[int]], lines: int) -> list[tuple[int, tuple[Line, ...]]]:
    """What the rules find in a log of which only some lines are pushed, as `match.rulebook` goes about it."""
    buffer, found = LineBuffer(lines), []
    for block, numbers_ in zip(blocks, shown, strict=True):
        for number in numbers_:
            text = buffer.push(Line(f"{id(block)}/{number}", block[number]))
            for rule, pattern in enumerate(RULES):
                if match := pattern.search(text):
                    covered = buffer.covered(text, match)
                    buffer.use_up(covered)
                    found.append((rule, covered))
                    break
    return found


@settings(max_examples=1000, deadline=None)
@given(
    log=st.lists(st.sampled_from(["one", "two", *["x"] * 9, "y"]), max_size=90),
    cuts=st.lists(st.integers(0, 90), max_size=4),
    lines=st.integers(2, 4),
)
def test_matches_are_those_of_a_buffer_that_was_shown_everything(log: list[str], cuts: list[int], lines: int) -> None:
    """However lines are used up, and wherever the log is cut into blocks."""
    places = sorted({0, len(log), *(min(cut, len(log)) for cut in cuts)})
    blocks = [log[first:last] for first, last in pairwise(places)]
    searches = [Search((re.compile(text),), lines=lines) for text in ("one", "two")]
    bundle = Bundle([("jail", searches)])
    shown = []
    for block in blocks:
        data = "".join(f"{line}\n" for line in block).encode()
        shown.append(numbers(data, bundle.scan(data), 3))
    everything = [list(range(len(block))) for block in blocks]
    assert matches_of(blocks, shown, lines) == matches_of(blocks, everything, lines)
