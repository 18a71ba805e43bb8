"""Running a program for what it prints: by argument vector, with a time limit and a cap on its output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program did. `status` is its exit status, None when it was ended for its time or for its output."""

    status: int | None
    output: bytes


class _Collector(asyncio.SubprocessProtocol):
    """Gathers at most `limit` bytes; `done` is set when the program is over or has said too much."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.output = bytearray()
        self.done = asyncio.Event()
        self.gone = asyncio.Event()
        self._open = True

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        del fd
        self.output += data
        if len(self.output) > self.limit:
            del self.output[self.limit :]
            self.done.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del fd, exc
        self._open = False
        self._look()

    def process_exited(self) -> None:
        self.gone.set()
        self._look()

    def _look(self) -> None:
        if self.gone.is_set() and not self._open:
            self.done.set()


async def run_command(argv: Sequence[str], *, seconds: float, limit: int) -> Outcome:
    """Return what `argv` printed (standard output and error), at most `limit` bytes of it, within `seconds`.

    No shell is involved and standard input is empty. The program's whole process group ends with it.

    Raises:
        OSError: it cannot be started.

    """
    transport, collector = await asyncio.get_running_loop().subprocess_exec(
        lambda: _Collector(limit), *argv, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, start_new_session=True
    )
    status = None
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(collector.done.wait(), seconds)
            status = transport.get_returncode()
    finally:
        if not collector.gone.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(transport.get_pid(), signal.SIGKILL)  # it only asks: nothing to clean up
            await collector.gone.wait()
        transport.close()
    return Outcome(status, bytes(collector.output))
