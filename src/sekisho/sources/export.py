r"""Reads systemd's journal export format (systemd.io/JOURNAL_EXPORT_FORMATS) as it arrives.

An entry is a run of fields, ended by an empty line. A field is `NAME=text` on one line or, where its value holds
control bytes, `NAME`, a newline, the length as 64 bits little-endian, the value, a newline. So a value can hold what
looks like fields or entries and forge neither.

A value longer than `VALUE_LIMIT` is dropped while it arrives, and its entry with it: journald takes messages of
hundreds of megabytes from any local program, and none of them is a log line.
"""

from __future__ import annotations

from sekisho.sources.lines import LINE_LIMIT

VALUE_LIMIT = LINE_LIMIT
"""Longest value of a field in bytes (as text, with its name): a journal's line may be as long as a file's."""

ENTRY_LIMIT = 2 * VALUE_LIMIT
"""Most bytes in all values of an entry: a field may occur a thousand times."""

Entry = dict[bytes, tuple[bytes, ...]]
"""An entry's fields; a field may occur more than once."""

_LENGTH = 8  # bytes of a value's length


class ExportReader:
    """The entries of one export stream; `skipped` counts those dropped for their length."""

    __slots__ = ("_buffer", "_dropping_line", "_entry", "_size", "_to_drop", "_too_long", "skipped")

    def __init__(self) -> None:
        self._buffer = b""
        self._entry: Entry = {}
        self._size = 0  # bytes of its values
        self._to_drop = 0  # bytes still to come of a value that is dropped, and its newline
        self._dropping_line = False
        self._too_long = False
        self.skipped = 0

    def feed(self, data: bytes) -> list[Entry]:
        """Return the entries that `data` completes."""
        entries: list[Entry] = []
        buffer = self._buffer + data
        at = self._drop(buffer, 0)
        while (end := buffer.find(b"\n", at)) >= 0:
            if not self._entry and (after := self._take_text_entry(buffer, at, entries)) is not None:
                at = after
                continue
            if self._dropping_line:
                self._dropping_line = False
            elif end == at:
                self._finish(entries)
            elif end - at > VALUE_LIMIT:
                self._too_long = True
            elif (equals := buffer.find(b"=", at, end)) >= 0:
                self._add(buffer[at:equals], buffer[equals + 1 : end])
            else:
                after = self._take_binary(buffer, at, end)
                if after is None:
                    break
                at = after
                continue
            at = end + 1
        self._buffer = buffer[at:]
        if end < 0 and (self._dropping_line or len(self._buffer) > VALUE_LIMIT):
            self._dropping_line = self._too_long = True
            self._buffer = b""
        return entries

    def _take_text_entry(self, buffer: bytes, at: int, entries: list[Entry]) -> int | None:
        """Take the whole entry that begins at `at` where it is text only, as nearly all are; return where it ends.

        That is so when every line up to the next empty one is a text field: a binary field would begin with a line
        without `=`, before any byte of its value.
        """
        end = buffer.find(b"\n\n", at)
        if end < 0 or end - at > VALUE_LIMIT or self._dropping_line or self._too_long:
            return None
        lines = buffer[at:end].split(b"\n")
        try:
            entry: Entry = {name: (value,) for name, value in [line.split(b"=", 1) for line in lines]}
        except ValueError:
            return None
        if len(entry) != len(lines):  # a field occurs twice
            return None
        entries.append(entry)
        return end + 2

    def _add(self, name: bytes, value: bytes) -> None:
        self._size += len(value)
        if self._size > ENTRY_LIMIT:
            self._too_long = True
        else:
            self._entry[name] = (*self._entry.get(name, ()), value)

    def _take_binary(self, buffer: bytes, at: int, end: int) -> int | None:
        """Take the field whose name is at `at`; return where the next one begins, None when more bytes are needed."""
        begin = end + 1 + _LENGTH
        if len(buffer) < begin:
            return None
        length = int.from_bytes(buffer[end + 1 : begin], "little")
        if length > VALUE_LIMIT:
            self._too_long = True
            self._to_drop = length + 1
            return self._drop(buffer, begin)
        if len(buffer) <= begin + length:
            return None
        self._add(buffer[at:end], buffer[begin : begin + length])
        return begin + length + 1

    def _drop(self, buffer: bytes, at: int) -> int:
        dropped = min(self._to_drop, len(buffer) - at)
        self._to_drop -= dropped
        return at + dropped

    def _finish(self, entries: list[Entry]) -> None:
        if self._too_long:
            self.skipped += 1
        elif self._entry:
            entries.append(self._entry)
        self._entry = {}
        self._size = 0
        self._too_long = False
