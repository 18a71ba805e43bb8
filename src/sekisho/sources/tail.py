"""Reads one log file as it grows, through whatever rotation does to it.

The path is only a place: what is read is an incarnation (`incarnation.py`), and it is read to its end even after a
rotation has moved it away or deleted it. Only when its successor stands at the path and has something to say is the old
one let go, so a program that still writes to the old file for a moment loses nothing. A file that shrinks, or whose
first line changes, has been truncated and is read from its beginning.

Anything that goes wrong (no file yet, no permission, a FIFO in its place, a disk that fails) is said once and tried
again; only whoever iterates ends the reading.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import suppress
from typing import Self

from sekisho.model.block import Block, CaughtUp, Notice, Phase, SourceEvent
from sekisho.model.position import FilePosition
from sekisho.sources.incarnation import Incarnation, end_of_lines
from sekisho.sources.lines import LINE_LIMIT
from sekisho.sources.reader import LineReader
from sekisho.sources.rotation import earlier_incarnations, find_incarnation, is_copy, later_incarnation
from sekisho.sources.seek import DateOf, first_at
from sekisho.sources.watch import Watcher

_PATIENCE = (1.0, 30.0)  # seconds between two tries to read a file that fails: at first, and at most
_REMEMBERED = 16  # incarnations; rotations seldom keep more


class FileSource:
    """One log file, for however many jails.

    `date_of` gives the time of a line (without its newline) in seconds since the epoch, None when it has none; it is
    asked only to find where a time begins.
    """

    def __init__(self, path: str, *, watcher: Watcher, date_of: DateOf) -> None:
        self.path = path
        self._watcher = watcher
        self._date_of = date_of

    def __repr__(self) -> str:
        return f"<FileSource {self.path}>"

    @property
    def key(self) -> str:
        """What the source is known by in the ledger: its path."""
        return self.path

    async def backlog(self, since: float, until: FilePosition) -> AsyncGenerator[Block, None]:
        """Yield again the lines from the first one at or after `since` up to `until`, to refill the windows.

        Begins in what rotations have put aside where `since` lies there. Nothing where the incarnation that `until` was
        taken in is gone, or cannot be read.
        """
        with suppress(OSError):
            last = find_incarnation(self.path, until)
            if last is None:
                return
            with last:
                for path in earlier_incarnations(self.path, last, since=since):
                    with suppress(OSError), Incarnation(path) as earlier:
                        for block in self._again(earlier, since, earlier.size()):
                            yield block
                            await asyncio.sleep(0)
                for block in self._again(last, since, until.offset):
                    yield block
                    await asyncio.sleep(0)

    def _again(self, incarnation: Incarnation, since: float, until: int) -> Iterator[Block]:
        reader = LineReader(incarnation, first_at(incarnation.read, self._date_of, since=since, end=until))
        while (data := reader.read(until)) is not None:
            if data:
                yield Block(self.path, data, reader.position(), Phase.REFILL)

    async def follow(self, after: FilePosition | None, since: float | None) -> AsyncGenerator[SourceEvent, None]:
        """Yield what the log says from `after` on, and everything it will say; ends only when it is closed.

        Continues exactly at `after` where its incarnation still exists (a renamed one is finished first), else at the
        beginning. Without `after`: from the first line at or after `since`, or at the end where that is None too.
        Blocks are CATCHUP until the end was reached once, which CaughtUp tells; a log that does not exist yet has no
        end. A file that another program put over the log (an editor, not a rotation) is caught up with again.
        """
        with self._watcher.watch(self.path) as interest, _Follower(self.path, self._date_of, after, since) as follower:
            while True:
                for event in follower.step():
                    if event is not None:
                        yield event
                    await asyncio.sleep(0)
                if follower.pause:
                    await asyncio.sleep(follower.pause)
                else:
                    await interest.wait()


class _Follower:
    """The state of one `follow`. It never waits: `step` tells what can be told now, `pause` how long to rest then."""

    def __init__(self, path: str, date_of: DateOf, after: FilePosition | None, since: float | None) -> None:
        self._path = path
        self._date_of = date_of
        self._after = after
        self._since = since
        self._reader: LineReader | None = None
        self._phase = Phase.CATCHUP
        self._caught_up = False
        self._seen_missing = False
        self._finished: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)  # inodes of incarnations read to their end
        self._complaint = ""
        self._long_line_told = False
        self._failures = 0
        self.pause = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    def step(self) -> Iterator[SourceEvent | None]:
        """Yield everything up to the present end; None where only time was spent."""
        self.pause = 0.0
        try:
            if self._reader is None:
                yield from self._open()
            if self._reader is not None:
                yield from self._read_on()
                self._failures = 0
        except OSError as error:
            yield from self._complain("WARNING", f"cannot be read ({error.strerror or error})")
            self._let_go()
            self.pause = min(_PATIENCE[0] * 2**self._failures, _PATIENCE[1])
            self._failures = min(self._failures + 1, 10)

    def _open(self) -> Iterator[SourceEvent]:
        """Open the log where reading begins or continues, or complain."""
        try:
            if self._after is None:
                self._reader = self._begin()
                found = None
            else:
                self._reader, found = self._resume(self._after)
        except FileNotFoundError:
            self._seen_missing = True
            yield from self._complain("WARNING", "does not exist")
        except OSError as error:
            yield from self._complain("WARNING", f"cannot be opened ({error.strerror or error})")
        else:
            yield from self._calm()
            if found:
                yield found
        if self._reader is not None and self._phase is Phase.LIVE and not self._caught_up:
            self._caught_up = True
            yield CaughtUp(self._path)

    def _begin(self) -> LineReader:
        """Open the log for the first time. What appears while it is waited for is all new."""
        incarnation = Incarnation(self._path)
        with incarnation.closed_on_error():
            if self._seen_missing:
                start = 0
            elif self._since is None:
                self._phase = Phase.LIVE
                start = end_of_lines(incarnation)
            else:
                start = first_at(incarnation.read, self._date_of, since=self._since, end=incarnation.size())
            self._seen_missing = False
            return LineReader(incarnation, start)

    def _resume(self, after: FilePosition) -> tuple[LineReader, Notice | None]:
        """Open the incarnation that was read before, a copy of it, or what has taken its place."""
        before = find_incarnation(self._path, after)
        if before is not None:
            return LineReader(before, after.offset), None
        incarnation = Incarnation(self._path)
        with incarnation.closed_on_error():
            if incarnation.continues(after) and self._date_of(incarnation.first_line()[:-1]) is not None:
                return LineReader(incarnation, after.offset), None
            self._phase = Phase.CATCHUP
            return LineReader(incarnation, 0), self._rotation("it is not the file that was read before")

    def _read_on(self) -> Iterator[SourceEvent | None]:
        """Read to the end, of the successor too when there is one."""
        while True:
            assert self._reader is not None
            reader = self._reader
            change = reader.incarnation.change(reader.offset)
            if change is not None:
                reader.incarnation.forget()
                reader.restart(0)
                yield self._rotation(change)
            elif reader.is_beyond_end():
                reader.restart(reader.offset)
            yield from self._drain(reader)
            successor = yield from self._successor(reader.incarnation)
            if successor is None:
                break
            with successor.closed_on_error():
                yield from self._drain(reader)  # what was written before the successor's first bytes
                yield from self._switch(reader, successor)
        self._phase = Phase.LIVE
        if not self._caught_up:
            self._caught_up = True
            yield CaughtUp(self._path)

    def _drain(self, reader: LineReader) -> Iterator[SourceEvent | None]:
        while (data := reader.read()) is not None:
            if data:
                self._after = reader.position()
                yield Block(self._path, data, self._after, self._phase)
            else:
                yield None
            if reader.is_skipping and not self._long_line_told:
                self._long_line_told = True
                text = (
                    f"Log file {self._path}: a line longer than {LINE_LIMIT} bytes at offset {reader.offset} is skipped"
                )
                yield Notice(self._path, "WARNING", text)

    def _successor(self, current: Incarnation) -> Generator[SourceEvent, None, Incarnation | None]:
        """Return what has taken the log's place, once it has something to say, else None."""
        try:
            if not current.is_at(self._path):
                successor = later_incarnation(self._path, current, read=self._finished)
                yield from self._calm()
                if successor.size() or current.is_unlinked():
                    return successor
                successor.close()
            else:
                yield from self._calm()
        except FileNotFoundError:
            self._seen_missing = True
            yield from self._complain("INFO", "is gone")
        except OSError as error:
            yield from self._complain("WARNING", f"cannot be opened ({error.strerror or error})")
        return None

    def _switch(self, reader: LineReader, successor: Incarnation) -> Iterator[SourceEvent]:
        """Go over to the successor: at its beginning, or where a mere copy of the old file goes on."""
        old = reader.incarnation
        start = 0
        if not old.is_unlinked() or self._seen_missing:
            reason = "another file has taken its place"
        elif is_copy(successor, old, reader.offset):
            start = reader.offset
            reason = "a copy of itself has taken its place"
        else:
            self._phase = Phase.CATCHUP  # an editor's work: its lines are as old as they say
            reason = "another file was put over it"
        self._seen_missing = False
        self._reader = LineReader(successor, start)
        self._finished.append(old.inode)
        old.close()
        yield self._rotation(reason)

    def _rotation(self, reason: str) -> Notice:
        return Notice(self._path, "MSG", f"Log rotation detected for {self._path}, reason: {reason}")

    def _complain(self, level: str, what: str) -> Iterator[SourceEvent]:
        """Say once what is wrong."""
        if what != self._complaint:
            self._complaint = what
            yield Notice(self._path, level, f"Log file {self._path} {what}; waiting for it")

    def _calm(self) -> Iterator[SourceEvent]:
        """Say that what was wrong no longer is."""
        if self._complaint:
            self._complaint = ""
            yield Notice(self._path, "INFO", f"Log file {self._path} is there")

    def _let_go(self) -> None:
        if self._reader is not None:
            self._reader.incarnation.close()
            self._reader = None
