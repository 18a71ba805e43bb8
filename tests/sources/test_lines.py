"""Lines come out whole, however their bytes came in."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sekisho.sources.lines import LINE_LIMIT, LineCutter

TEXT = st.binary(max_size=80).map(lambda data: data.replace(b"\x01", b"\n").replace(b"\x02", b"\n"))


def cut(stream: bytes, cuts: list[int], limit: int) -> tuple[bytes, LineCutter]:
    """Feed a stream in pieces that end at `cuts`."""
    cutter = LineCutter(limit)
    edges = [0, *sorted(min(at, len(stream)) for at in cuts), len(stream)]
    return b"".join(cutter.feed(stream[a:b]) for a, b in pairwise(edges)), cutter


@given(TEXT, st.lists(st.integers(0, 80)), st.integers(1, 20))
def test_framing_does_not_depend_on_the_cuts(stream: bytes, cuts: list[int], limit: int) -> None:
    """Whole, in pieces and byte by byte give the same lines, remainder and count of skipped lines."""
    whole, at_once = cut(stream, [], limit)
    for variant in (cuts, list(range(len(stream)))):
        pieces, cutter = cut(stream, variant, limit)
        assert (pieces, cutter.held, cutter.skipped) == (whole, at_once.held, at_once.skipped)


@given(TEXT, st.integers(1, 20))
def test_only_lines_within_the_limit_come_out(stream: bytes, limit: int) -> None:
    """What comes out is exactly the finished lines that are short enough; the rest is held or counted."""
    *finished, rest = stream.split(b"\n")
    out, cutter = cut(stream, [], limit)
    assert out == b"".join(line + b"\n" for line in finished if len(line) <= limit)
    assert cutter.skipped == sum(len(line) > limit for line in finished)
    assert cutter.held == len(rest)


def test_a_half_written_line_is_held_back() -> None:
    """Nothing of a line comes out before its newline."""
    cutter = LineCutter()
    assert cutter.feed(b"Failed password for ro") == b""
    assert cutter.feed(b"ot\nnext") == b"Failed password for root\n"
    assert cutter.held == len(b"next")


def test_nul_bytes_pass() -> None:
    """A NUL is a byte like any other: the filters see it as Fail2ban's do."""
    assert LineCutter().feed(b"\0\0a\0\n") == b"\0\0a\0\n"


def test_an_endless_line_costs_no_memory() -> None:
    """A gigabyte without a newline is dropped as it comes; the line after it is whole."""
    cutter = LineCutter()
    piece = bytes(LINE_LIMIT)
    for _ in range(4096):
        assert cutter.feed(piece) == b""
    assert cutter._pending == b""
    assert cutter.feed(b"the end of it\nfresh\n") == b"fresh\n"
    assert cutter.skipped == 1
