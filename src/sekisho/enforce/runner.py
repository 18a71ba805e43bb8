"""Runs shell scripts for actions: each in a session of its own, with a time limit, its output kept in bounds.

A script that overstays is ended together with everything it started: TERM to its process group, then KILL (COMPAT
5.1). Values from logs come in the environment, never in the text (see `render`). `Runner` bounds how many scripts run
at once, so that a burst of bans cannot exhaust the host; whoever waits, waits in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass

from sekisho.enforce.render import Script

_GRACE = 0.2  # seconds between TERM and KILL (COMPAT 5.1), and for a pipe that a background child still holds
_KEPT = 1 << 16  # bytes of each output that are kept; the rest is read and dropped, so that the script never blocks
_AT_ONCE = 4
NOT_STARTED = 127  # as a shell says it when it cannot find or run a command


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a script ended: its exit status (negative: the signal that ended it), its output, whether it overstayed."""

    status: int
    stdout: str = ""
    stderr: str = ""
    timed_out: bool = False

    @property
    def is_success(self) -> bool:
        """True for exit status 0 within the time limit."""
        return self.status == 0 and not self.timed_out

    def __str__(self) -> str:
        if self.timed_out:
            return "timed out"
        said = next((line.strip() for line in (self.stderr or self.stdout).splitlines() if line.strip()), "")
        return f"returned {self.status}" + (f": {said[:300]!r}" if said else "")


class Runner:
    """The place where scripts run; one object a process."""

    def __init__(self, *, at_once: int = _AT_ONCE, environment: Mapping[str, str] | None = None) -> None:
        self._gate = asyncio.Semaphore(at_once)
        self._environment = dict(os.environ if environment is None else environment)

    async def run(self, script: Script, *, limit: float) -> Outcome:
        """Run `script` by /bin/sh and return how it ended; `limit` is in seconds. Never raises for what it does."""
        if not script.text.strip():
            return Outcome(0)
        async with self._gate:
            try:
                process = await asyncio.create_subprocess_exec(
                    "/bin/sh",
                    "-c",
                    script.text,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    env={**self._environment, **script.environment},
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:  # ValueError: a NUL in the text
                return Outcome(NOT_STARTED, stderr=f"cannot run /bin/sh: {error}")
            return await _attend(process, limit)


async def _attend(process: asyncio.subprocess.Process, limit: float) -> Outcome:
    """Wait for the process to end, or end it, and collect what it said."""
    assert process.stdout is not None
    assert process.stderr is not None
    outputs = (bytearray(), bytearray())
    readers = [
        asyncio.create_task(_drain(stream, kept))
        for stream, kept in zip((process.stdout, process.stderr), outputs, strict=True)
    ]
    timed_out = False
    try:
        async with asyncio.timeout(limit):
            await process.wait()
    except TimeoutError:
        timed_out = True
        await _end_group(process)
    except asyncio.CancelledError:
        _signal_group(process, signal.SIGKILL)
        raise
    finally:
        await asyncio.wait(readers, timeout=_GRACE)
        for reader in readers:
            reader.cancel()
        process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - a child left behind may hold the pipes
    said = [bytes(kept).decode(errors="replace") for kept in outputs]
    return Outcome(process.returncode or 0, said[0], said[1], timed_out)


async def _drain(stream: asyncio.StreamReader, kept: bytearray) -> None:
    while piece := await stream.read(_KEPT):
        kept += piece[: max(0, _KEPT - len(kept))]


async def _end_group(process: asyncio.subprocess.Process) -> None:
    _signal_group(process, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE):
            await process.wait()
    _signal_group(process, signal.SIGKILL)  # its children may have outlived it
    await process.wait()


def _signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
