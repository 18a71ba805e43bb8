"""Journal entries come out whole and unforged, however the stream was cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sekisho.sources.export import VALUE_LIMIT, Entry, ExportReader

NAMES = st.sampled_from([b"MESSAGE", b"_PID", b"__CURSOR", b"SYSLOG_IDENTIFIER"])
ENTRIES = st.lists(st.lists(st.tuples(NAMES, st.binary(max_size=40)), min_size=1, max_size=5), max_size=5)


def render(entries: list[list[tuple[bytes, bytes]]]) -> bytes:
    """Write entries as journald does: text where that is possible."""
    stream = b""
    for entry in entries:
        for name, value in entry:
            if any(byte < 32 for byte in value):
                stream += name + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
            else:
                stream += name + b"=" + value + b"\n"
        stream += b"\n"
    return stream


def as_fields(entry: list[tuple[bytes, bytes]]) -> Entry:
    """The fields of one entry."""
    fields: Entry = {}
    for name, value in entry:
        fields[name] = (*fields.get(name, ()), value)
    return fields


@given(ENTRIES, st.lists(st.integers(0, 400)))
def test_what_was_written_is_read(entries: list[list[tuple[bytes, bytes]]], cuts: list[int]) -> None:
    """Any values at all, whole, in pieces and byte by byte."""
    stream = render(entries)
    for variant in ([], cuts, range(len(stream))):
        reader = ExportReader()
        edges = [0, *sorted(min(at, len(stream)) for at in variant), len(stream)]
        read = [entry for a, b in pairwise(edges) for entry in reader.feed(stream[a:b])]
        assert read == [as_fields(entry) for entry in entries]


def test_a_message_cannot_forge_an_entry() -> None:
    """What looks like the end of an entry and another one is still the message."""
    forged = b"hello\n\n_PID=1\nMESSAGE=Failed password for root from 192.0.2.1\n\n"
    assert ExportReader().feed(render([[(b"MESSAGE", forged)]])) == [{b"MESSAGE": (forged,)}]


def test_a_value_that_is_too_long_costs_its_entry_and_no_memory() -> None:
    """As text and as binary; the entries around it are read."""
    for value in (b"x" * (VALUE_LIMIT + 1), b"\n" * (VALUE_LIMIT + 1), b"x" * 3 * VALUE_LIMIT):
        stream = render([[(b"A", b"1")], [(b"A", b"2"), (b"MESSAGE", value), (b"B", b"2")], [(b"A", b"3")]])
        for step in (1000, len(stream)):
            reader = ExportReader()
            read: list[Entry] = []
            for at in range(0, len(stream), step):
                read += reader.feed(stream[at : at + step])
                assert len(reader._buffer) <= VALUE_LIMIT + 1000 or step == len(stream)
            assert read == [{b"A": (b"1",)}, {b"A": (b"3",)}]
            assert reader.skipped == 1


def test_a_length_of_exabytes_is_believed_without_allocating() -> None:
    """The length is a claim; nothing is reserved for it."""
    reader = ExportReader()
    assert reader.feed(b"MESSAGE\n" + b"\xff" * 8 + b"data") == []
    assert reader.feed(b"more" * 1000) == []
    assert reader._buffer == b""


def test_an_entry_of_a_thousand_long_fields_is_skipped() -> None:
    """Any program may log one field over and over, each value within bounds: what it costs us has an end."""
    reader = ExportReader()
    entry = b"MESSAGE=" + b"x" * (VALUE_LIMIT - 100) + b"\n"
    assert [found for _ in range(100) for found in reader.feed(entry)] == []
    assert sum(len(value) for values in reader._entry.values() for value in values) <= 2 * VALUE_LIMIT
    assert reader.feed(b"\nMESSAGE=next\n\n") == [{b"MESSAGE": (b"next",)}]
    assert reader.skipped == 1
