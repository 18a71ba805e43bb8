"""Raw connections to a control socket, as any program may open them."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def peer(path: str) -> Iterator[socket.socket]:
    """A raw connection; the kernel waits where many want one at the same time."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(path)
        sock.settimeout(10)
        yield sock


def rest(sock: socket.socket) -> bytes:
    """Return all that the server still says before it closes."""
    chunks = []
    with contextlib.suppress(ConnectionResetError):
        while chunk := sock.recv(65536):
            chunks.append(chunk)
    return b"".join(chunks)


def wait_for(probe: Callable[[], bool]) -> None:
    """Wait until `probe` is true."""
    end = time.monotonic() + 10
    while not probe():
        assert time.monotonic() < end, "waited in vain"
