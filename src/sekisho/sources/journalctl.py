"""Runs `journalctl`: which arguments ask for which part of which journal, and the life of the child.

A crash of the child costs a restart and nothing else; its memory is its own. It never outlives us: `journalctl -f`
watches its standard output and ends when nobody reads it any more, even where we were killed.

What is asked for is not obvious in two places. Entries after a cursor are asked for with `--cursor`, which includes the
cursor's own entry, and the caller drops that: `--after-cursor` skips one entry too many where the cursor's entry is not
among the matches (systemd 252), as happens after a change of the configuration. And `--merge` is what lets `-f` wait on
a journal that is still empty.
"""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from sekisho.model.position import JournalPosition

_CHUNK = 256 * 1024  # bytes read at once: a few milliseconds of parsing, between which the loop serves others
_PATIENCE = 2.0  # seconds that a child has to end when it is asked to
_WORDS = 500  # bytes kept of what the child last complained about

_LOCAL_ONLY, _RUNTIME_ONLY, _SYSTEM, _CURRENT_USER = 1, 2, 4, 8  # sd-journal's flags, as `journalflags` adds them up
_RUNTIME_DIRECTORY = "/run/log/journal"  # journalctl has no option for it


def which_journal(options: Mapping[str, str]) -> list[str]:
    """Return the arguments for the journal that a backend's bracket options name (COMPAT 4.4).

    Raises:
        ValueError: `journalflags` is no number.

    """
    path = options.get("journalpath", "")
    files = options.get("journalfiles", "").replace(",", " ").split()
    preset = "0" if path or files else os.environ.get("F2B_SYSTEMD_DEFAULT_FLAGS", str(_SYSTEM))
    given = options.get("journalflags", preset)
    try:
        flags = int(given)
    except ValueError as error:
        raise ValueError(f"journalflags {given!r}: expected a number (1 local, 2 runtime, 4 system, 8 user)") from error
    if flags & _RUNTIME_ONLY and not path and not files:
        path = _RUNTIME_DIRECTORY
    arguments = [f"--directory={path}"] if path else [f"--file={file}" for file in files]
    if namespace := options.get("namespace", ""):
        arguments.append(f"--namespace={namespace}")
    for flag, argument in ((_SYSTEM, "--system"), (_CURRENT_USER, "--user")):
        if flags & flag:
            arguments.append(argument)
    if not flags & _LOCAL_ONLY:
        arguments.append("--merge")
    return arguments


def from_where(place: JournalPosition | None, since: float | None) -> list[str]:
    """Return the arguments that begin at `place` itself, or at `since` (seconds since the epoch), or at the beginning.

    A place without a cursor is a time.
    """
    if place is not None:
        return [f"--cursor={place.cursor}"] if place.cursor else [f"--since=@{place.realtime:.6f}"]
    return [f"--since=@{since:.6f}"] if since is not None and since > 0 else []


class Child:
    """A running `journalctl`."""

    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        self._process = process
        self._stdout = process.stdout
        self._words = b""
        self._listening = asyncio.create_task(self._listen())

    async def read(self) -> bytes:
        """Return what it has written as soon as there is some; empty when it has ended."""
        return await self._stdout.read(_CHUNK)

    async def outcome(self) -> tuple[int, str]:
        """Return its exit status (negative: the signal that ended it) and its last complaint, once it has ended."""
        status = await self._process.wait()
        await self._listening
        return status, self._words.decode("utf-8", "replace").strip()

    async def end(self) -> None:
        """End it, gently at first."""
        try:
            for signal in (self._process.terminate, self._process.kill):
                with suppress(ProcessLookupError):
                    signal()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_PATIENCE):
                        while await self._stdout.read(_CHUNK):  # what it still says goes nowhere, but must be read
                            pass
                        await self._process.wait()
                        await self._listening
                        return
        finally:
            self._listening.cancel()

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while words := await self._process.stderr.read(_WORDS):
            self._words = (self._words + words)[-_WORDS:]


@asynccontextmanager
async def running(program: str, arguments: Sequence[str]) -> AsyncIterator[Child]:
    """Run `journalctl` for as long as the block lasts.

    Raises:
        OSError: it cannot be started.

    """
    process = await asyncio.create_subprocess_exec(
        program,
        "--output=export",
        "--no-pager",
        "--quiet",
        *arguments,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        limit=_CHUNK,
        env=os.environ | {"LC_ALL": "C"},
        start_new_session=True,  # what a terminal sends to our group is for us; we end our children ourselves
    )
    child = Child(process)
    try:
        yield child
    finally:
        await child.end()
