r"""Reads the systemd journal for all jails that want the same one (COMPAT 4.4), through one `journalctl`.

First a child reads to the present end of the journal, which is known because it ends; then another follows from the
last entry. Nothing is lost between them, since the second begins at an entry, not at a moment. A child that dies is
replaced from the last entry taken, after a growing delay.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace

from sekisho.model.block import Block, CaughtUp, Notice, Phase, SourceEvent
from sekisho.model.position import JournalPosition
from sekisho.sources.entry import NEEDED, position, render_line, stamp
from sekisho.sources.export import VALUE_LIMIT, Entry, ExportReader
from sekisho.sources.journalctl import Child, from_where, running, which_journal
from sekisho.sources.journalmatch import Channels, parse_journalmatch, render_arguments

_DELAYS = (0.25, 5.0)  # seconds before a child is replaced: at first, and at most
_NO_PROGRAM = 30.0  # seconds before it is tried again whether journalctl is installed now
_SILENCE = 300.0  # seconds of silence after which the child is replaced: one whose directory was made anew is deaf


class JournalSource:
    """One journal, for all jails that read it; bit k of an entry's channel is the k-th of `matches`.

    `options` are the bracket arguments of the jails' backend, `matches` each jail's lines of journalmatch.

    Raises:
        ValueError: an option or a journalmatch is wrong; the message says which and how.

    """

    def __init__(
        self, *, options: Mapping[str, str], matches: Sequence[Sequence[str]], program: str = "journalctl"
    ) -> None:
        self._program = program
        parsed = [parse_journalmatch(lines) for lines in matches]
        self._channels = Channels(parsed)
        self._journal = which_journal(options)
        fields = dict.fromkeys((*NEEDED, *(field.decode() for field in self._channels.fields)))
        self._fields = f"--output-fields={','.join(fields)}"
        self._matches = render_arguments(parsed)
        named = ", ".join(f"{name}={value}" for name, value in sorted(options.items()))
        self.key = f"systemd-journal[{named}]" if named else "systemd-journal"

    def __repr__(self) -> str:
        return f"<JournalSource {self.key}>"

    async def backlog(self, since: float, until: JournalPosition) -> AsyncGenerator[Block, None]:
        """Yield again the entries from `since` up to and including `until`, to refill the windows."""
        if since > until.realtime:
            return
        with suppress(OSError):  # `follow` meets the same trouble and says so
            async with self._child(from_where(None, since)) as child:
                reader = ExportReader()
                while data := await child.read():
                    entries = _placed(reader.feed(data))
                    again = _up_to(until, entries)
                    if (block := self._block(again, None, Phase.REFILL)) is not None:
                        yield block
                    if len(again) < len(entries) or (again and _cursor(again[-1]) == until.cursor.encode()):
                        return

    async def follow(self, after: JournalPosition | None, since: float | None) -> AsyncGenerator[SourceEvent, None]:
        """Yield the entries after `after`, and all that will come; ends only when it is closed.

        Without `after`: from the first entry at or after `since`, or only what is new where that is None too. Blocks
        are CATCHUP until the present end was reached, which CaughtUp tells.
        """
        progress = _Progress(after, since, self.key)
        while True:
            try:
                async with self._child(progress.arguments(), matching=progress.stage is not _Stage.SEEKING) as child:
                    reader = ExportReader()
                    while data := await progress.read(child):
                        for event in self._told(reader, data, progress):
                            yield event
                    events = progress.over() if progress.silent else progress.ended(*await child.outcome())
            except OSError as error:
                events = progress.not_started(f"{self._program} cannot be started ({error.strerror or error})")
            for event in events:
                yield event
            await asyncio.sleep(progress.delay)

    def _child(self, arguments: Sequence[str], *, matching: bool = True) -> AbstractAsyncContextManager[Child]:
        matches = self._matches if matching else []
        return running(self._program, [*self._journal, self._fields, *arguments, "--", *matches])

    def _told(self, reader: ExportReader, data: bytes, progress: _Progress) -> Iterator[SourceEvent]:
        skipped = reader.skipped
        entries = _placed(reader.feed(data))
        if progress.stage is _Stage.SEEKING:
            progress.place = position(entries[-1]) if entries else progress.place
            return
        block = self._block(entries, progress.place, progress.phase)
        if block is not None:
            assert isinstance(block.position, JournalPosition)
            progress.place = block.position
            yield from progress.well()
            yield block
        if reader.skipped > skipped and not progress.long_entry_told:
            progress.long_entry_told = True
            yield Notice(self.key, "WARNING", f"{self.key}: an entry with more than {VALUE_LIMIT} bytes is skipped")

    def _block(self, entries: Sequence[Entry], place: JournalPosition | None, phase: Phase) -> Block | None:
        """Return the entries that come after `place` as a block, None where there is none."""
        if place is not None:
            entries = [entry for entry in entries if _is_after(place, entry)]
        if not entries:
            return None
        return Block(
            source=self.key,
            data=b"".join([render_line(entry) for entry in entries]),
            position=position(entries[-1]),
            phase=phase,
            stamps=tuple([stamp(entry) for entry in entries]),
            channels=tuple([self._channels.of(entry) for entry in entries]),
        )


class _Stage(enum.Enum):
    """What the present child is for."""

    SEEKING = "to find the last entry, after which all is new"
    CATCHING_UP = "to read to the present end"
    FOLLOWING = "to wait for what comes"


class _Progress:
    """How far a `follow` has come, and what has gone wrong on the way."""

    def __init__(self, after: JournalPosition | None, since: float | None, key: str) -> None:
        self.place = after
        self.stage = _Stage.SEEKING if after is None and since is None else _Stage.CATCHING_UP
        self.silent = False
        self.long_entry_told = False
        self.delay = 0.0
        self._since = since
        self._key = key
        self._failures = 0
        self._complaint = ""

    @property
    def phase(self) -> Phase:
        return Phase.LIVE if self.stage is _Stage.FOLLOWING else Phase.CATCHUP

    def arguments(self) -> list[str]:
        if self.stage is _Stage.SEEKING:
            return ["--lines=1"]
        begin = from_where(self.place, self._since)
        return [*begin, "--follow", "--no-tail"] if self.stage is _Stage.FOLLOWING else begin

    async def read(self, child: Child) -> bytes:
        """Return what the child says next; empty when it has ended, or has been silent for long."""
        self.silent = False
        if self.stage is not _Stage.FOLLOWING:
            return await child.read()
        try:
            async with asyncio.timeout(_SILENCE):
                return await child.read()
        except TimeoutError:
            self.silent = True
            return b""

    def over(self) -> list[SourceEvent]:
        """The child has done what it was for."""
        self.delay = 0.0
        if self.stage is _Stage.FOLLOWING:
            return []
        self.stage = _Stage.FOLLOWING
        return [*self.well(), CaughtUp(self._key)]

    def ended(self, status: int, words: str) -> list[SourceEvent]:
        """The child has ended by itself."""
        if status == 0 and self.stage is not _Stage.FOLLOWING:
            return self.over()
        if self.place is not None and self.place.cursor and "cursor" in words:
            self.place = replace(self.place, cursor="")  # this journal does not know it: go by its time
        self._failures += 1
        self.delay = min(_DELAYS[0] * 2 ** min(self._failures - 1, 10), _DELAYS[1])
        why = f"journalctl has ended (status {status}{': ' * bool(words)}{words})"
        return self._complain("WARNING", why)

    def not_started(self, why: str) -> list[SourceEvent]:
        """There is no child."""
        self.delay = _NO_PROGRAM
        return self._complain("ERROR", why)

    def well(self) -> list[SourceEvent]:
        """What was wrong no longer is."""
        self._failures = 0
        complaint, self._complaint = self._complaint, ""
        return [Notice(self._key, "INFO", f"{self._key}: read again")] if complaint else []

    def _complain(self, level: str, why: str) -> list[SourceEvent]:
        """Say once what is wrong."""
        if why == self._complaint:
            return []
        self._complaint = why
        return [Notice(self._key, level, f"{self._key}: {why}; trying again")]


def _placed(entries: Iterable[Entry]) -> list[Entry]:
    """Leave out what is no entry of a journal."""
    return [entry for entry in entries if b"__CURSOR" in entry]


def _cursor(entry: Entry) -> bytes:
    return entry[b"__CURSOR"][0]


def _is_after(place: JournalPosition, entry: Entry) -> bool:
    if place.cursor:  # the child begins at the cursor, so only its own entry is not new
        return _cursor(entry) != place.cursor.encode()
    return position(entry).realtime > place.realtime


def _up_to(until: JournalPosition, entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries up to and including `until`."""
    wanted: list[Entry] = []
    for entry in entries:
        here = position(entry)
        if here.realtime > until.realtime:
            break
        wanted.append(entry)
        if here.cursor == until.cursor:
            break
    return wanted
