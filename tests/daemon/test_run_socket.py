"""The daemon as a process, and peers that mean it no good: it stays up, answers others, and keeps nothing of them."""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pickle
import random
import signal
import socket
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.host import Host
from tests.support.lab import wait_for
from tests.support.peers import peer, rest
from tests.support.somebody import as_nobody

from sekisho.control.client import ServerError, ask
from sekisho.control.pickled import END

pytestmark = pytest.mark.timeout(120)

Attack = Callable[[str, Path], Iterator[None]]
"""Does its worst to the socket at a path, and yields whenever another client shall be answered."""


def code(path: str, trace: Path) -> Iterator[None]:
    """A pickle that would leave a trace, in every protocol."""

    class Malice:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (os.system, (f"touch {trace}",))

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with peer(path) as sock:
            sock.sendall(pickle.dumps(["ping", Malice()], protocol) + END)
            assert rest(sock).startswith(b"\x80\x02X")
        yield


def four_gigabytes(path: str, _trace: Path) -> Iterator[None]:
    """A request whose only word has four gigabytes, sent for as long as anybody takes it."""
    chunk, sent = b"A" * 65536, 0
    with peer(path) as sock:
        sock.sendall(b"\x80\x04\x8e" + struct.pack("<Q", 1 << 32))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while sent < 1 << 32:
                sock.sendall(chunk)
                sent += len(chunk)
                if sent % (1 << 20) == 0:
                    yield
    assert sent < 8 << 20


def open_and_leave(path: str, _trace: Path) -> Iterator[None]:
    """Twenty thousand connections, hundreds of them at a time."""
    with contextlib.ExitStack() as stack:
        left: list[contextlib.ExitStack] = []
        for number in range(20_000):
            one = contextlib.ExitStack()
            one.enter_context(peer(path))
            left.append(stack.enter_context(one))
            if len(left) > 300:
                left.pop(0).close()
            if number % 1000 == 0:
                yield


def half_and_silence(path: str, _trace: Path) -> Iterator[None]:
    """The beginnings of requests."""
    with contextlib.ExitStack() as stack:
        for half in (b'{"words": ["pi', b"\x80\x04]\x94(", b"(lp0\n", b"{", b"<F2B"):
            stack.enter_context(peer(path)).sendall(half)
            yield


def one_by_one(path: str, _trace: Path) -> Iterator[None]:
    """A request that comes byte after byte, and is one in the end."""
    with peer(path) as sock:
        for byte in b'{"words": ["ping"]}\n':
            sock.sendall(bytes((byte,)))
            yield
        assert sock.recv(4096) == b'{"ok": "pong"}\n'


def deaf(path: str, _trace: Path) -> Iterator[None]:
    """Long answers that nobody takes."""
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            sock = stack.enter_context(peer(path))
            sock.sendall(json.dumps({"words": ["echo", "x" * 1_000_000]}).encode() + b"\n")
            yield


def noise(path: str, _trace: Path) -> Iterator[None]:
    """Random bytes, some of which begin or end as a request does."""
    chance = random.Random(1)
    for number in range(2000):
        data = chance.randbytes(chance.randrange(1, 500))
        start = chance.choice([b"", b"", b"{", b"\x80\x04", b"(", b"]", b"c", b"<"])
        with peer(path) as sock, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(start + data + chance.choice([b"", END, b"\n"]))
            sock.shutdown(socket.SHUT_WR)
            rest(sock)
        if number % 100 == 0:
            yield


def held_by(pid: int) -> tuple[int, int]:
    """Return how many descriptors a process has open, and how many MiB it holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return len(list(Path(f"/proc/{pid}/fd").iterdir())), int(status.split("VmRSS:")[1].split()[0]) // 1024


@pytest.mark.parametrize(
    ("attack", "kinds"),
    [
        (code, {"a pickle that is more than values"}),
        (four_gigabytes, {"a request of more than 4194304 bytes"}),
        (open_and_leave, {"too many connections, so idle ones are closed"}),
        (half_and_silence, {"half a request"}),
        (one_by_one, set()),
        (deaf, set()),
        (
            noise,
            {"bytes that are neither framing", "no request", "half a request", "a pickle that is more than values"},
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_hostile_peer_harms_nobody(host: Host, tmp_path: Path, attack: Attack, kinds: set[str]) -> None:
    """While it does its worst a ping is answered; afterwards nothing of it is left but one line for each kind."""
    daemon = host.start()
    path = str(host.directory / "s.sock")
    host.await_socket()
    assert ask(path, ["ping"]) == "pong"
    descriptors, memory = held_by(daemon.pid)

    for _ in range(3):
        for _ in attack(path, tmp_path / "trace"):
            assert ask(path, ["ping"], timeout=10) == "pong"
        wait_for(lambda: held_by(daemon.pid)[0] <= descriptors, "the descriptors to be as before", 20)

    assert held_by(daemon.pid)[1] - memory < 100  # what ten peers need that ask for a megabyte each, and no more
    assert not (tmp_path / "trace").exists()
    told = [line.split("Control socket: ")[1] for line in host.log.read_text().splitlines() if "Control socket" in line]
    assert {kind for kind in kinds if sum(line.startswith(kind) for line in told) == 1} == kinds
    assert len(told) == len(kinds)
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(20) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_a_group_of_the_hosts_asks_the_daemon() -> None:
    """As fail2ban.local says: first to read, and after a reload to change things; the log tells who it was."""
    group = grp.getgrall()[-1]
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        host = Host(Path(name))
        host.directory.chmod(0o755)
        path = str(host.directory / "s.sock")
        settings = (host.directory / "fail2ban.local").read_text() + f"socketgroup = {group.gr_name}\n"
        host.write("fail2ban.local", settings)
        daemon = host.start()
        try:
            host.await_socket()

            def member() -> list[str]:
                found = [str(ask(path, ["ping"]))]
                try:
                    found.append(str(ask(path, ["set", "sshd", "banip", "192.0.2.9"])))
                except ServerError as error:
                    found.append(str(error))
                return found

            pong, refused = as_nobody(member, groups=[group.gr_gid])
            assert (pong, "nobody may only read" in refused) == ("pong", True)
            host.write("fail2ban.local", settings + "socketaccess = write\n")
            assert ask(path, ["reload"]) == "OK"
            assert as_nobody(member, groups=[group.gr_gid]) == ["pong", "1"]
            host.await_log("nobody (uid 65534, pid ")
        finally:
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(20) == 0
