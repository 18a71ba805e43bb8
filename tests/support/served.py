"""A control server on a socket of the test's own, in a thread, with an engine that only remembers.

Run as a program (`python -m tests.support.served SOCKET`) it is a daemon's whole outside: it ends when told to stop.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

from tests.support.fake_engine import FakeEngine

from sekisho.control.server import ControlServer


class Served:
    """The server while the `with` block lasts; `path` is its socket."""

    def __init__(self, directory: Path, engine: FakeEngine | None = None, **limits: Any) -> None:  # noqa: ANN401
        self.path = str(directory / "run" / "s.sock")
        self.engine = engine or FakeEngine()
        self.limits = limits
        self.server: ControlServer
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._done: asyncio.Event
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10), "the server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the server did not stop"

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        """Run a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._done = asyncio.Event()
        self.server = ControlServer(self.engine, self.path, **self.limits)
        await self.server.start()
        self._ready.set()
        await self._done.wait()
        await self.server.stop()


async def _serve(path: str) -> None:
    engine = FakeEngine()
    server = ControlServer(engine, path)
    await server.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await engine.ended.wait()
    await server.stop()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
