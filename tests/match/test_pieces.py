"""Lines that Docker has cut."""

from __future__ import annotations

import json
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sekisho.match.pieces import PIECE, Pieces

Row = tuple[str, str, bool]
"""A stream, what a line of Docker's holds, and whether it is a piece."""

WHOLE = st.tuples(st.sampled_from(["stdout", "stderr"]), st.sampled_from([0, 10, PIECE - 2, PIECE - 1]))
SPLIT = st.tuples(st.sampled_from(["stdout", "stderr"]), st.sampled_from([PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 9]))


def line(stream: str, text: str) -> str:
    """A line of Docker's json-file."""
    return json.dumps({"log": text, "stream": stream, "time": "2026-07-14T11:59:00Z"}, ensure_ascii=False) + "\n"


def printed(stream: str, size: int) -> list[Row]:
    """What Docker writes when so many characters and a newline are printed."""
    text = "x" * size + "\n"
    if len(text) <= PIECE:
        return [(stream, text, False)]
    return [(stream, text[at : at + PIECE], True) for at in range(0, len(text), PIECE)]


def cut(rows: list[Row], choice: Random) -> list[bytes]:
    """The log in blocks of whole lines."""
    lines = [line(stream, text).encode() for stream, text, _ in rows]
    blocks = []
    while lines:
        count = choice.choice([1, 2, 3, 100])
        blocks.append(b"".join(lines[:count]))
        lines = lines[count:]
    return blocks


@given(st.lists(WHOLE | SPLIT, max_size=8), st.integers(0, 2**32))
def test_pieces_are_known_however_the_log_comes(prints: list[tuple[str, int]], seed: int) -> None:
    """In blocks of any size and line by line, the lines of two streams between each other."""
    choice = Random(seed)
    queues = {name: [row for stream, size in prints if stream == name for row in printed(stream, size)]
              for name in ("stdout", "stderr")}  # fmt: skip
    rows: list[Row] = []
    while any(queues.values()):
        rows.append(queues[choice.choice([name for name, queue in queues.items() if queue])].pop(0))
    expected = [row[2] for row in rows]

    one_by_one = Pieces()
    assert [one_by_one.takes("log", line(stream, text)) for stream, text, _ in rows] == expected

    in_blocks, found = Pieces(), []
    for block in cut(rows, choice):
        starts = in_blocks.in_block("log", block)
        at = 0
        for each in block.splitlines(keepends=True):
            found.append(at in starts)
            at += len(each)
    assert found == expected


def test_a_long_line_of_letters_that_take_more_bytes() -> None:
    """A buffer is full by its bytes."""
    pieces = Pieces()
    assert pieces.takes("log", line("stdout", "€" * (PIECE // 3 + 1)))
    assert pieces.takes("log", line("stdout", "from 198.51.100.66\n"))
    assert not pieces.takes("log", line("stdout", "from 198.51.100.66\n"))


def test_each_log_has_its_own() -> None:
    """An unfinished line in one container's log is none in another's."""
    pieces = Pieces()
    assert pieces.takes("a", line("stdout", "x" * PIECE))
    assert not pieces.takes("b", line("stdout", "whole\n"))
    assert pieces.takes("a", line("stdout", "end\n"))


def test_a_short_line_without_an_end_is_whole() -> None:
    """A program may print no newline when it ends; what it prints when it starts anew is no piece."""
    pieces = Pieces()
    assert not pieces.takes("a", line("stdout", "Bye"))
    assert not pieces.takes("a", line("stdout", "Hello\n"))


def test_what_is_no_line_of_dockers() -> None:
    """Is no piece either; whoever reads it refuses it."""
    assert not Pieces().takes("a", "x" * 20000)
    assert Pieces().in_block("a", b"x" * 20000 + b"\n") == frozenset()
