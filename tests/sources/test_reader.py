"""Whole lines come from a log in blocks, from wherever reading begins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sekisho.sources.incarnation import Incarnation
from sekisho.sources.lines import LINE_LIMIT
from sekisho.sources.reader import LineReader


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with two lines, and a third that is being written."""
    path = tmp_path / "x.log"
    path.write_bytes(b"first\nsecond\nthi")
    return path


@pytest.fixture
def reader(log: Path) -> Iterator[LineReader]:
    """A reader at its beginning."""
    with Incarnation(str(log)) as incarnation:
        yield LineReader(incarnation, 0)


def test_a_line_is_read_when_it_is_finished(reader: LineReader, log: Path) -> None:
    """What is half there is held back, and is no part of the position."""
    assert (reader.read(), reader.position().offset) == (b"first\nsecond\n", 13)
    assert reader.read() is None
    with log.open("ab") as file:
        file.write(b"rd\n")
    assert (reader.read(), reader.position().offset) == (b"third\n", 19)


def test_reading_stops_where_it_is_told_to(reader: LineReader) -> None:
    """A line that reaches beyond `until` is not read."""
    assert [reader.read(8), reader.read(8)] == [b"first\n", None]
    assert reader.offset == 6


def test_a_lost_half_line_is_noticed(reader: LineReader, log: Path) -> None:
    """A file cut behind its last whole line is read on from there."""
    reader.read()
    log.write_bytes(b"first\nsecond\n")
    assert reader.is_beyond_end()
    reader.restart(reader.offset)
    assert not reader.is_beyond_end()
    log.write_bytes(b"first\nsecond\nother\n")
    assert reader.read() == b"other\n"


def test_a_line_without_end_is_skipped(reader: LineReader, log: Path) -> None:
    """Beyond the limit nothing of it is kept, and it says so."""
    with log.open("ab") as file:
        file.write(b"x" * (LINE_LIMIT + 1))
    while reader.read() is not None:
        pass
    assert reader.is_skipping
