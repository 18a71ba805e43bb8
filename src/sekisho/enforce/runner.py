"""Runs shell scripts for actions: each in a session of its own, with a time limit, its output kept in bounds.

A script that overstays is ended together with everything it started: TERM to its process group, then KILL (COMPAT
5.1). Values from logs come in the environment, never in the text (see `render`).

`Runner` bounds how many scripts begin at once, so that a burst of bans cannot exhaust the host; whoever waits, waits in
order. A script that takes long gives its place up and goes on beside the others: a place is for a script that works,
and one that hangs must not keep another jail's ban waiting. Each action runs one script at a time, so there are never
more of them than there are actions.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from sekisho.enforce.render import Script

_GRACE = 0.2  # seconds between TERM and KILL (COMPAT 5.1)
_KEPT = 1 << 16  # bytes of each output that are kept; the rest is read and dropped, so that the script never blocks
_AT_ONCE = 4
_PATIENCE = 0.5  # seconds that a script may keep its place; a firewall's command takes some milliseconds
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

    def __init__(
        self, *, at_once: int = _AT_ONCE, patience: float = _PATIENCE, environment: Mapping[str, str] | None = None
    ) -> None:
        self._gate = asyncio.Semaphore(at_once)
        self._patience = patience
        self._environment = dict(os.environ if environment is None else environment)

    async def run(self, script: Script, *, limit: float) -> Outcome:
        """Run `script` by /bin/sh and return how it ended; `limit` is in seconds. Never raises for what it does."""
        if not script.text.strip():
            return Outcome(0)
        async with self._place():
            outputs = _Output(), _Output()
            birth = asyncio.ensure_future(
                asyncio.create_subprocess_exec(
                    "/bin/sh",
                    "-c",
                    script.text,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=outputs[0].inner,
                    stderr=outputs[1].inner,
                    env={**self._environment, **script.environment},
                    start_new_session=True,
                )
            )
            try:
                process = await asyncio.shield(birth)
                timed_out = await _attend(process, limit)
            except (OSError, ValueError) as error:  # ValueError: a NUL in the text
                return Outcome(NOT_STARTED, stderr=f"cannot run /bin/sh: {error}")
            except asyncio.CancelledError:
                with contextlib.suppress(OSError, ValueError):
                    process = await birth  # a half-born process has to come to life before it can be ended
                    _signal_group(process, signal.SIGKILL)
                    await process.wait()
                raise
            finally:
                said = [output.finish() for output in outputs]
            return Outcome(process.returncode or 0, said[0], said[1], timed_out)

    @contextlib.asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """A place among those that begin, which is given up after a while, or at the end."""
        await self._gate.acquire()
        early = asyncio.get_running_loop().call_later(self._patience, self._gate.release)
        try:
            yield
        finally:
            if early.when() > asyncio.get_running_loop().time():
                early.cancel()
                self._gate.release()


class _Output:
    """A pipe of which the beginning is kept.

    It is not asyncio's own: that one would make the end of a script wait for every child that it left behind with the
    pipe in its hands.
    """

    def __init__(self) -> None:
        self._outer, self.inner = os.pipe()
        self._kept = bytearray()
        os.set_blocking(self._outer, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._outer, self._read)

    def finish(self) -> str:
        """Close both ends and return what was kept; whatever the script has written is in the pipe by now."""
        while self._read():
            pass
        self._loop.remove_reader(self._outer)
        os.close(self._outer)
        os.close(self.inner)
        return self._kept.decode(errors="replace")

    def _read(self) -> bool:
        """Take what is there; whether more may be, and is worth having."""
        try:
            piece = os.read(self._outer, _KEPT)
        except BlockingIOError:
            return False
        self._kept += piece[: max(0, _KEPT - len(self._kept))]
        return bool(piece) and len(self._kept) < _KEPT


async def _attend(process: asyncio.subprocess.Process, limit: float) -> bool:
    """Wait for the process to end, or end it with everything it started; whether that was needed."""
    try:
        async with asyncio.timeout(limit):
            await process.wait()
    except TimeoutError:
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await process.wait()
        _signal_group(process, signal.SIGKILL)  # its children may have outlived it
        await process.wait()
        return True
    return False


def _signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
