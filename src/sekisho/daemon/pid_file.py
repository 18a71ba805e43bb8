"""The lock on the pid file: whoever has it is the daemon, or is sure that there is none."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class AlreadyRunning(Exception):  # noqa: N818 - a fact that the caller acts on
    """Another daemon holds the pid file; the message names it."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold the lock; the open file, as it was found: another program's may lie there. One that is empty is gone then.

    Raises AlreadyRunning, or OSError when it cannot be opened.
    """
    path.parent.mkdir(mode=0o755, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"Server already running ({path} is locked)") from None
        try:
            yield descriptor
        finally:
            if os.fstat(descriptor).st_size == 0:
                path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def written(lock: int, path: Path) -> Iterator[None]:
    """Have our number in the pid file whose lock we hold; it is gone afterwards."""
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    yield
    path.unlink(missing_ok=True)
