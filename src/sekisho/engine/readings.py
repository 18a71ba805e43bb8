"""Which sources are read, and for whom: sees to it that there is one reading a source, as the jails' log paths ask."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sekisho.engine.clock import Clock
from sekisho.engine.jail import Jail
from sekisho.engine.pipeline import Pipeline
from sekisho.engine.quarantine import Watch
from sekisho.engine.reading import Reading, Source
from sekisho.model.position import FilePosition, JournalPosition
from sekisho.model.specs import LogPath

log = logging.getLogger("fail2ban.jail")


class Sources(Protocol):
    """Opens logs (assembled from the room `sources`)."""

    def file(self, path: str, date_of: Callable[[bytes], float | None], *, polling: bool) -> Source[FilePosition]:
        """Return the source of one log file, which need not exist yet; `polling` never asks the kernel for news."""

    def journal(self, options: Mapping[str, str], matches: Sequence[Sequence[str]]) -> Source[JournalPosition]:
        """Return the source of a journal; the k-th of `matches` is channel k."""

    def expand(self, pattern: str) -> Sequence[str]:
        """Return the paths that a log path's glob names now; one without wildcards names itself."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A source to read. Two are the same when the same jails want the same of it."""

    key: tuple[str, ...]
    jails: tuple[Jail, ...]
    matches: tuple[tuple[str, ...], ...] | None
    tail: bool = False
    polling: bool = False


class Readings:
    """All readings. `assign` brings them in line with the jails; it is called after every change and now and then."""

    def __init__(
        self, sources: Sources, jails: Mapping[str, Jail], *, pipeline: Pipeline, clock: Clock, watch: Watch
    ) -> None:
        self._sources = sources
        self._jails = jails
        self._turn = asyncio.Lock()
        self._pipeline = pipeline
        self._clock = clock
        self._watch = watch
        self._running: dict[_Wanted, Reading] = {}
        self._tails: dict[tuple[Jail, LogPath], dict[str, bool]] = {}

    def __iter__(self) -> Iterator[Reading]:
        return iter(self._running.values())

    async def assign(self) -> None:
        """Read exactly what the jails ask for; a source whose jails change is read on without a gap."""
        async with self._turn:  # two at once might have one source read twice, and its lines counted twice
            wanted = self._wanted()
            for gone in self._running.keys() - set(wanted):
                await self._running.pop(gone).stop()
            for source in wanted:
                if source not in self._running and not any(jail.is_ending for jail in source.jails):
                    reading = self._open(source)
                    self._running[source] = reading
                    reading.start()

    def rebuild(self, jail: Jail) -> None:
        """Take a jail's new rules into every scan that it takes part in."""
        for reading in self._running.values():
            if jail in reading.jails:
                reading.rebuild()

    def save_positions(self) -> None:
        """Note all positions for the next settling."""
        for reading in self._running.values():
            reading.save_position()

    async def stop(self) -> None:
        """End all reading."""
        for reading in self._running.values():
            await reading.stop()
        self._running.clear()

    def _wanted(self) -> list[_Wanted]:
        files: dict[str, dict[Jail, bool]] = {}
        journals: dict[tuple[str, ...], list[Jail]] = {}
        tails: dict[tuple[Jail, LogPath], dict[str, bool]] = {}
        for jail in self._jails.values():
            if jail.is_ending:
                continue
            if not jail.has_begun:
                jail.files = tuple(path for log in jail.spec.logpaths for path in self._sources.expand(log.pattern))
                continue
            if jail.feeds_on_bans:  # nobody reads its log; it is shown where clients look for it
                jail.files = tuple(log.pattern for log in jail.spec.logpaths)
                continue
            if jail.spec.backend.is_journal:
                if self._can_listen(jail):
                    options = sorted(jail.spec.backend.options.items())
                    key = ("journal", *(f"{name}={value}" for name, value in options))
                    journals.setdefault(key, []).append(jail)
                continue
            paths: dict[str, bool] = {}
            for log_path in jail.spec.logpaths:
                paths |= tails.setdefault((jail, log_path), self._tails_of(jail, log_path))
            jail.files = tuple(paths)
            for path, tail in paths.items():
                files.setdefault(path, {})[jail] = tail
        self._tails = tails
        return [
            *(
                _Wanted(("file", path), tuple(by), None, tail=all(by.values()), polling=all(map(_polls, by)))
                for path, by in files.items()
            ),
            *(_Wanted(key, tuple(by), tuple(jail.spec.journalmatch for jail in by)) for key, by in journals.items()),
        ]

    def _tails_of(self, jail: Jail, log_path: LogPath) -> dict[str, bool]:
        """Return the files that a log path names, and whether each is read from its end only.

        `tail` passes over what was written before the jail came; all that a file holds which appears later is new.
        """
        before = self._tails.get((jail, log_path))
        paths = self._sources.expand(log_path.pattern)
        return {path: log_path.tail if before is None else before.get(path, False) for path in paths}

    def _can_listen(self, jail: Jail) -> bool:
        """Return whether a jail's journal options hold; one jail's mistake must not cost the others their journal."""
        try:
            self._sources.journal(jail.spec.backend.options, (jail.spec.journalmatch,))
        except ValueError as error:
            if jail.troubles.get("journal") != str(error):
                log.error("Jail '%s' reads nothing: %s", jail.name, error)
            jail.troubles["journal"] = str(error)
            return False
        jail.troubles.pop("journal", None)
        return True

    def _open(self, wanted: _Wanted) -> Reading:
        source: Source[Any]
        if wanted.matches is None:
            date_of = _date_reader(wanted.jails, self._clock)
            source = self._sources.file(wanted.key[1], date_of, polling=wanted.polling)
        else:
            source = self._sources.journal(wanted.jails[0].spec.backend.options, wanted.matches)
        return Reading(
            source,
            wanted.jails,
            tail=wanted.tail,
            pipeline=self._pipeline,
            clock=self._clock,
            watch=self._watch,
        )


def _polls(jail: Jail) -> bool:
    return jail.spec.backend.name == "polling"


def _date_reader(jails: Sequence[Jail], clock: Clock) -> Callable[[bytes], float | None]:
    """Return a function that reads the time of a line with the date patterns of any of the jails."""
    filters = [jail.compiled for jail in jails]

    def date_of(line: bytes) -> float | None:
        now = clock.now()
        return next((when for rules in filters if (when := rules.date_of(line, now)) is not None), None)

    return date_of
