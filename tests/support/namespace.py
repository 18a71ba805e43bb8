"""A network of a test's own: a thread in a fresh network namespace, which vanishes with the thread.

Sockets that the thread opens and programs that it starts belong to its namespace; the rest of the test run stays
where it is. Every address of `ADDRESSES` and `ADDRESSES6` is the namespace's own, so a client can be any of them.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

SERVER, SERVER6 = "192.0.2.1", "2001:db8::1"
ADDRESSES = ("192.0.2.0/24", "198.51.100.0/24")
ADDRESSES6 = (SERVER6, "2001:db8::7", "2001:db8::66")  # IPv6 lets nobody bind to an address that is only routed here
_CLONE_NEWNET = 0x40000000
_CLONE_NEWNS = 0x00020000


def play_in_namespace(
    play: Callable[[], Coroutine[Any, Any, None]],
    *,
    seconds: float = 60,
    copies: Mapping[str, Path] | None = None,
    empty: Sequence[str] = (),
) -> None:
    """Run `play` in a namespace of its own; whatever it raises is raised here.

    With `copies` or `empty` the play has mounts of its own too: each path of `copies` is a copy, kept in the folder
    that is named with it, and those of `empty` are empty folders.
    """
    raised: list[BaseException] = []

    def live() -> None:
        try:
            flags = _CLONE_NEWNET | (_CLONE_NEWNS if copies or empty else 0)
            assert ctypes.CDLL(None).unshare(flags) == 0, "no network namespace may be made here"
            _make_private(copies or {}, empty)
            run("ip", "link", "set", "lo", "up")
            for network in ADDRESSES:
                run("ip", "route", "add", "local", network, "dev", "lo")
            for address in ADDRESSES6:
                run("ip", "address", "add", f"{address}/128", "dev", "lo", "nodad")
            asyncio.run(play())
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            raised.append(error)

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), f"the play did not end within {seconds} s"
    if raised:
        raise raised[0]


def _make_private(copies: Mapping[str, Path], empty: Sequence[str]) -> None:
    """Let the calling thread and what it starts see its own copies, and nothing in the empty folders."""
    if copies or empty:
        run("mount", "--make-rprivate", "/")
    for path, folder in copies.items():
        folder.mkdir()
        run("cp", "-a", path, str(folder))
        run("mount", "--bind", str(folder / Path(path).name), path)
    for path in empty:
        run("mount", "-t", "tmpfs", "tmpfs", path)


def run(*argv: str, text: str | None = None) -> str:
    """Run a program in the namespace of the calling thread and return what it printed."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
    return done.stdout


def ruleset() -> str:
    """Return the whole ruleset of the calling thread's namespace."""
    return run("nft", "list", "ruleset")


def listen(port: int, address: str = SERVER) -> socket.socket:
    """Return a listening socket; the kernel answers for it without being served."""
    server = socket.socket(_family(address), socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((address, port))
        server.listen(64)
    except OSError:
        server.close()
        raise
    return server


def connect(source: str, port: int, address: str = SERVER, *, patience: float = 0.3) -> socket.socket | None:
    """Return a connection from `source`, None when it is not admitted."""
    client = socket.socket(_family(address), socket.SOCK_STREAM)
    client.settimeout(patience)
    client.bind((source, 0))
    try:
        client.connect((address, port))
    except OSError:
        client.close()
        return None
    return client


def is_admitted(source: str, port: int, address: str = SERVER) -> bool:
    """Tell whether `source` can connect."""
    client = connect(source, port, address)
    if client is not None:
        client.close()
    return client is not None


def wait_until(probe: Callable[[], bool], what: str, *, seconds: float = 10) -> None:
    """Wait until `probe` holds; fails naming `what`."""
    end = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        os.sched_yield()


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
