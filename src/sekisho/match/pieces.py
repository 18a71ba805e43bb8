"""Lines that Docker has cut into pieces, which count for nobody.

Docker reads what a container prints into 16 KiB, and a longer line becomes several records: only the last ends with a
newline. Where the cuts fall is up to whoever made the line long: a piece may begin with words of his own, or end within
an address. The pieces of one line are of one stream (stdout or stderr); those of the other may stand between them.
"""

from __future__ import annotations

from sekisho.match.record import Refused, parse_json

PIECE = 16384
"""Bytes of a piece that is not the last: Docker's copier hands on a full buffer (moby, daemon/logger/copier.go)."""

_MOST_SOURCES = 256


class Pieces:
    """Knows which lines are pieces. Remembers for each source the streams of which a line is still unfinished."""

    def __init__(self) -> None:
        self._open: dict[str, set[str]] = {}

    def in_block(self, source: str, data: bytes) -> frozenset[int]:
        """Where the lines of a source's next block begin that are pieces."""
        found: list[int] = []
        at = 0
        while at < len(data):
            if not self._open.get(source):
                at = _long_line(data, at)
                if at < 0:
                    break
            end = data.find(b"\n", at) + 1 or len(data)
            if self.takes(source, data[at:end].decode("utf-8", "replace")):
                found.append(at)
            at = end
        return frozenset(found)

    def takes(self, source: str, line: str) -> bool:
        """Whether the next line of a source is a piece."""
        unfinished = self._open.get(source)
        if not unfinished and len(line) * 4 < PIECE:
            return False
        record = parse_json(line.rstrip("\r\n"))
        text = None if isinstance(record, Refused) else record.get("log")
        if isinstance(record, Refused) or type(text) is not str:
            return False
        stream = "stderr" if record.get("stream") == "stderr" else "stdout"
        continues = unfinished is not None and stream in unfinished
        if text.endswith("\n"):
            if unfinished is not None:
                unfinished.discard(stream)
            return continues
        if continues or len(text.encode("utf-8", "replace")) >= PIECE:
            if len(self._open) >= _MOST_SOURCES and source not in self._open:
                del self._open[next(iter(self._open))]
            self._open.setdefault(source, set()).add(stream)
            return True
        return False


def _long_line(data: bytes, at: int) -> int:
    """Where the next line of at least `PIECE` bytes begins, at or behind the beginning `at` of a line; -1: nowhere."""
    while at + PIECE <= len(data):
        end = data.rfind(b"\n", at, at + PIECE)
        if end < 0:
            return at
        at = end + 1
    return -1
