"""Tells the readers of logs when it is worth to look again.

A `Watcher` never says what happened, only that something may have: whoever waits looks for itself, so an event that is
lost costs time and never a line. Each interest watches the file itself (its lines, wherever a rotation moves it) and
the directory entries that lead to it (what a rotation puts in its place), through one inotify instance for all.

Where inotify cannot tell (no inotify, no watch left, a directory that does not exist yet), waiting ends after `blind`
seconds; where it can, still after `safety` seconds, since network file systems and writes through memory maps raise no
event.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

try:
    from asyncinotify import Event, Inotify, Mask, Watch
except (ImportError, OSError):  # pragma: no cover - a host whose C library has no inotify
    _USABLE = False
else:
    _USABLE = True
    _FILE = Mask.MODIFY | Mask.ATTRIB | Mask.MOVE_SELF | Mask.DELETE_SELF
    _DIRECTORY = (
        Mask.CREATE | Mask.MOVED_FROM | Mask.MOVED_TO | Mask.DELETE | Mask.MOVE_SELF | Mask.DELETE_SELF | Mask.ONLYDIR
    )
    _ENTRY = Mask.CREATE | Mask.MOVED_FROM | Mask.MOVED_TO | Mask.DELETE
    _SELF = Mask.MOVE_SELF | Mask.DELETE_SELF | Mask.IGNORED

_PAUSE = 0.002  # seconds between two readings of the event queue: the kernel merges a burst of writes meanwhile
_QUEUE = 64  # events with the longest name read at once; about a thousand of those without one


class Watcher:
    """Everyone's interest in paths. Belongs to one event loop, on which all of it is used.

    `problem` says why inotify is not used (for any path), None when it is.
    """

    def __init__(self, *, blind: float = 1.0, safety: float = 2.0) -> None:
        self.blind = blind
        self.safety = safety
        self.problem: str | None = None
        self._interests: dict[int, dict[str, set[Interest]]] = {}  # by watch descriptor and name; "" is the file itself
        self._loop: asyncio.AbstractEventLoop | None = None
        self._resume: asyncio.TimerHandle | None = None
        self._inotify = self._opened()

    def watch(self, path: str) -> Interest:
        """Return a new interest in `path`, which may not exist; what happens to it from now on will wake it."""
        if self._loop is None and self._inotify is not None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._inotify.fd, self._take)
        return Interest(self, path)

    def close(self) -> None:
        """End all watching; interests that live on are blind."""
        if self._resume is not None:
            self._resume.cancel()
        if self._inotify is not None:
            if self._loop is not None:
                self._loop.remove_reader(self._inotify.fd)
            self._inotify.close()
            self._inotify = None
        self._interests.clear()

    def _opened(self) -> Inotify | None:
        if not _USABLE:
            self.problem = "inotify is not available"
            return None
        try:
            return Inotify(cache_size=_QUEUE, sync_timeout=0)
        except OSError as error:
            self.problem = f"inotify cannot be used: {error.strerror}"
            return None

    def _take(self) -> None:
        """Wake whom the waiting events concern, then leave the queue alone for a moment."""
        assert self._inotify is not None
        assert self._loop is not None
        while (event := self._inotify.sync_get()) is not None:
            self._wake(event)
        self._loop.remove_reader(self._inotify.fd)
        self._resume = self._loop.call_later(_PAUSE, self._loop.add_reader, self._inotify.fd, self._take)

    def _wake(self, event: Event) -> None:
        watch = event.watch
        if watch is None:
            if Mask.Q_OVERFLOW in event.mask:  # events were lost: anyone may be concerned
                for names in self._interests.values():
                    for interest in frozenset().union(*names.values()):
                        interest.wake(again=True)
            return
        names = self._interests.get(watch.wd, {})
        if event.mask & _SELF:
            if Mask.IGNORED in event.mask:
                self._interests.pop(watch.wd, None)
            for interest in frozenset().union(*names.values()):
                interest.wake(again=True)
            return
        for interest in tuple(names.get(event.name.name if event.name else "", ())):
            interest.wake(again=bool(event.mask & _ENTRY))

    def add(self, interest: Interest, place: str, name: str) -> Watch | None:
        """Watch the directory `place` for the entry `name`, or the file `place` itself when `name` is empty."""
        if self._inotify is None:
            return None
        try:
            watch = self._inotify.add_watch(Path(place), _DIRECTORY if name else _FILE)
        except OSError as error:
            if not isinstance(error, (FileNotFoundError, NotADirectoryError, PermissionError)):
                self.problem = f"inotify cannot watch {place}: {error.strerror}"
            return None
        self._interests.setdefault(watch.wd, {}).setdefault(name, set()).add(interest)
        return watch

    def discard(self, interest: Interest, watch: Watch) -> None:
        """Take `interest` off `watch`, and end the watch when nobody else has one."""
        names = self._interests.get(watch.wd)
        if names is None:
            return
        for name in [name for name, those in names.items() if interest in those]:
            names[name].discard(interest)
            if not names[name]:
                del names[name]
        if not names:
            del self._interests[watch.wd]
            if self._inotify is not None:
                with suppress(OSError):  # the kernel may have ended it already
                    self._inotify.rm_watch(watch)


class PollingWatcher(Watcher):
    """The same without inotify: every wait ends after `interval` seconds."""

    def __init__(self, *, interval: float = 1.0) -> None:
        super().__init__(blind=interval, safety=interval)

    def _opened(self) -> None:
        return None


class Interest:
    """One reader's interest in one path, from `Watcher.watch` until it is closed."""

    def __init__(self, watcher: Watcher, path: str) -> None:
        self._watcher = watcher
        self._path = path
        self._event = asyncio.Event()
        self._again = True
        self._directories: dict[str, Watch] = {}
        self._files: deque[Watch] = deque()
        self._arm()

    def __repr__(self) -> str:
        return f"<Interest in {self._path}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the interest."""
        for watch in (*self._directories.values(), *self._files):
            self._watcher.discard(self, watch)
        self._directories.clear()
        self._files.clear()

    def wake(self, *, again: bool) -> None:
        """End the current wait or, when there is none, the next. `again`: the path may lead elsewhere now."""
        self._again = self._again or again
        self._event.set()

    async def wait(self) -> None:
        """Return once something may have happened to the path since the wait before, and after a while anyway."""
        if self._again and self._arm():
            self._event.clear()
            return  # what happened before the watch was set would go unseen: look once more, then wait
        try:
            async with asyncio.timeout(self._watcher.blind if self._again else self._watcher.safety):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()

    def _arm(self) -> bool:
        """Watch what leads to the path now; True when that is more than before. Stays due while a part is missing."""
        places = {os.path.abspath(self._path), os.path.realpath(self._path)}  # noqa: PTH100 - no Path for each wake
        wanted = {os.path.split(place)[0]: os.path.split(place)[1] for place in sorted(places)}
        before = {watch.wd for watch in (*self._directories.values(), *self._files)}
        found = {place: self._watcher.add(self, place, name) for place, name in wanted.items()}
        directories = {place: watch for place, watch in found.items() if watch is not None}
        kept = {watch.wd for watch in directories.values()}
        for watch in self._directories.values():
            if watch.wd not in kept:
                self._watcher.discard(self, watch)
        self._directories = directories
        file = self._watcher.add(self, self._path, "")
        if file is not None and file.wd not in {watch.wd for watch in self._files}:
            self._files.append(file)
            if len(self._files) > 2:  # this log and the one rotated away before it, which may still be written to
                self._watcher.discard(self, self._files.popleft())
        self._again = len(directories) < len(wanted)
        return not {watch.wd for watch in (*directories.values(), *self._files)} <= before
