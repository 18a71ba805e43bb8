"""Reading logs at a keyboard."""

from __future__ import annotations

import io

import pytest
from tests.support.matching import NOON, matcher_of

from sekisho.cli import logtext
from sekisho.cli.logtext import Rules, admitted_year, host_of, lookup, read_blocks, resolved, split_lines


def test_blocks_are_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the reads, no line is cut; the last may lack its newline; control characters end no line."""
    monkeypatch.setattr(logtext, "BLOCK", 4)
    data = b"a\nlong line\n\x0bx\x1cy\r\nend"
    blocks = list(read_blocks(io.BytesIO(data)))
    assert b"".join(blocks) == data
    assert all(block.endswith(b"\n") for block in blocks[:-1])
    assert [line for block in blocks for line in split_lines(block)] == [
        b"a\n",
        b"long line\n",
        b"\x0bx\x1cy\r\n",
        b"end",
    ]


def test_each_line_comes_with_the_rules_that_may_match_it() -> None:
    """As a jail's scanner would say."""
    rules = Rules(matcher_of("Failed for <HOST>", "Refused by <HOST>").filter)
    assert list(rules.lines_of(b"Failed for x\r\n\xff\nRefused by Failed for x\n")) == [
        ("Failed for x", 1),
        ("\ufffd", 0),
        ("Refused by Failed for x", 3),
    ]


def test_the_latest_present_decides_which_years_are_possible() -> None:
    """A log of today can be read with a clock of long ago."""
    assert admitted_year(1124013600.0, NOON) == 2029


def test_names_become_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once; a name that has none yields no hit."""

    def getaddrinfo(name: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if name != "known":
            raise OSError
        return [(0, 0, 0, "", ("192.0.2.1", 0)), (0, 0, 1, "", ("192.0.2.1", 0))]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    lookup.cache_clear()
    matcher = matcher_of("from <HOST>$", usedns="warn")
    known = resolved(matcher.examine("from known", now=NOON))
    assert [host_of(hit) for hit in known.hits] == ["192.0.2.1"]
    assert resolved(matcher.examine("from unknown", now=NOON)).hits == ()
