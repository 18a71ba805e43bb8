"""The socket's server: what a peer may do, and that nothing it sends ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pickle
import socket
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine
from tests.support.served import Served

from sekisho.control.client import ask
from sekisho.control.pickled import CLOSE, END
from sekisho.control.protocol import FRAME_CAP
from sekisho.control.server import ControlServer, SocketInUse


@contextlib.contextmanager
def peer(path: str) -> Iterator[socket.socket]:
    """A raw connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(10)
        sock.connect(path)
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


def test_only_the_owner_reaches_the_socket(tmp_path: Path) -> None:
    """The directory is made, for its owner alone, and so is the socket; afterwards the socket is gone."""
    with Served(tmp_path) as served:
        path = Path(served.path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert [entry.name for entry in path.parent.iterdir()] == ["s.sock"]
    assert not path.exists()


def test_several_requests_share_a_connection(tmp_path: Path) -> None:
    """One answer a line, in order."""
    with Served(tmp_path) as served, peer(served.path) as sock:
        sock.sendall(b'{"words": ["ping"]}\n{"words": ["echo", "a"]}\n')
        sock.shutdown(socket.SHUT_WR)
        assert rest(sock) == b'{"ok": "pong"}\n{"ok": ["a"]}\n'


def test_a_client_of_fail2bans_is_understood(tmp_path: Path) -> None:
    """Pickled requests, several on one connection, until it says that it is done."""
    with Served(tmp_path) as served, peer(served.path) as sock:
        for words in (["ping"], ["status", "nojail"], ["get", "demo", "maxretry"]):
            sock.sendall(pickle.dumps(words) + END)
        sock.sendall(CLOSE + END)
        frames = rest(sock).split(END)
    assert pickle.loads(frames[0]) == (0, "pong")
    assert b"UnknownJailException" in frames[1]
    assert pickle.loads(frames[2]) == (0, 3)
    assert frames[3:] == [b""]


@pytest.mark.parametrize(
    ("bytes_", "kind"),
    [
        (b"GET / HTTP/1.1\r\n", "bytes that are neither framing"),
        (b'{"words": 3}\n', "no request"),
        (b"{" * 100_000 + b"\n", "no request"),
        (pickle.dumps([print]) + END, "no request"),
        (b'{"words": ["pi', "half a request"),
        (b"{" + b" " * (FRAME_CAP + 10), f"a request of more than {FRAME_CAP} bytes"),
    ],
)
def test_abuse_ends_the_connection_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, bytes_: bytes, kind: str
) -> None:
    """Whatever a peer sends, others are answered, and the log has one line for it however often it comes."""
    with Served(tmp_path) as served:
        for _ in range(3):
            with peer(served.path) as sock:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    sock.sendall(bytes_)
                    sock.shutdown(socket.SHUT_WR)
                assert rest(sock) == b""
        assert ask(served.path, ["ping"]) == "pong"
        assert served.server.statistics().abuses == {kind: 3}
    assert sum(kind in record.getMessage() for record in caplog.records) == 1


def test_a_silent_peer_is_let_go(tmp_path: Path) -> None:
    """Half a request and then silence costs a connection for a moment only."""
    with Served(tmp_path, patience=0.05) as served, peer(served.path) as sock:
        sock.sendall(b'{"words"')
        assert rest(sock) == b""
        assert served.server.statistics().abuses == {"no whole request in time": 1}


def test_a_peer_that_does_not_read_is_let_go(tmp_path: Path) -> None:
    """An answer that nobody takes does not hold the server."""
    with Served(tmp_path, patience=0.05) as served, peer(served.path) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, TimeoutError):
            sock.sendall(b'{"words": ["echo", "%s"]}\n' % (b"x" * 3_000_000))
        wait_for(lambda: "an answer that was not taken in time" in served.server.statistics().abuses)
        assert ask(served.path, ["ping"]) == "pong"


def test_the_peer_that_was_silent_longest_makes_room(tmp_path: Path) -> None:
    """Connections that are opened and left do not shut anybody out."""
    with Served(tmp_path, limit=3) as served, contextlib.ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(peer(served.path))
        assert ask(served.path, ["ping"]) == "pong"
        assert served.server.statistics().open <= 3


def test_ping_is_answered_while_a_reload_is_under_way(tmp_path: Path) -> None:
    """Each connection is its own task."""
    engine = FakeEngine()
    with Served(tmp_path, engine) as served, peer(served.path) as sock:

        async def hold() -> None:
            engine.reloading = asyncio.Event()

        async def release() -> None:
            assert engine.reloading is not None
            engine.reloading.set()

        served.run(hold())
        sock.sendall(b'{"words": ["reload"]}\n')
        wait_for(lambda: bool(engine.calls))
        assert ask(served.path, ["ping"]) == "pong"
        served.run(release())
        sock.shutdown(socket.SHUT_WR)
        assert rest(sock) == b'{"ok": "OK"}\n'


def test_two_changes_of_one_jail_lose_nothing(tmp_path: Path) -> None:
    """Changes read the specification and write it back, one after another."""
    with Served(tmp_path) as served, contextlib.ExitStack() as stack:
        socks = [stack.enter_context(peer(served.path)) for _ in range(10)]
        for number, sock in enumerate(socks):
            sock.sendall(b'{"words": ["set", "demo", "addignoreip", "10.0.0.%d"]}\n' % number)
        for sock in socks:
            assert sock.recv(65536).startswith(b'{"ok"')
        assert len(served.engine.specs["demo"].ignoreip) == 13


def test_stop_is_answered_and_then_everything_is_shutdown(tmp_path: Path) -> None:
    """The client gets its answer before the daemon ends; an action that calls the client meanwhile does not hang."""
    with Served(tmp_path) as served:
        assert ask(served.path, ["stop"]) is None
        assert ask(served.path, ["ping"]) == "SHUTDOWN"
        assert served.engine.ended.is_set()


def test_changes_are_logged_with_who_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The uid and pid are the kernel's word, the name the client's; no byte of either breaks the line."""
    caplog.set_level(logging.INFO)
    with Served(tmp_path) as served:
        ask(served.path, ["set", "demo", "banip", "192.0.2.1\nNOTICE  [demo] Ban 192.0.2.9"], by="ann\x1b[2J")
        ask(served.path, ["get", "demo", "maxretry"])
    (message,) = [record.getMessage() for record in caplog.records if record.name == "fail2ban.server"]
    who = f"'ann\\x1b[2J' (uid {os.getuid()}, pid {os.getpid()})"
    assert message == who + ": set demo banip '192.0.2.1\\nNOTICE  [demo] Ban 192.0.2.9'"


def test_an_error_of_ours_is_an_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A fault in the engine is logged and told; the server goes on."""

    class Faulty(FakeEngine):
        def status(self) -> None:  # type: ignore[override]
            raise RuntimeError("boom")

    with Served(tmp_path, Faulty()) as served:
        with peer(served.path) as sock:
            sock.sendall(b'{"words": ["status"]}\n')
            assert b"internal error; the log tells more" in sock.recv(65536)
        assert ask(served.path, ["ping"]) == "pong"
    assert "boom" in caplog.text


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    """What a killed daemon left behind stands in nobody's way."""
    (tmp_path / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "run" / "s.sock"))
    with Served(tmp_path) as served:
        assert ask(served.path, ["ping"]) == "pong"


def test_a_living_servers_socket_is_left_alone(tmp_path: Path) -> None:
    """The second server does not start, and the first goes on."""
    with Served(tmp_path) as served:
        with pytest.raises(SocketInUse, match="another server answers"):
            asyncio.run(ControlServer(FakeEngine(), served.path).start())
        assert ask(served.path, ["ping"]) == "pong"


def test_another_servers_socket_is_not_removed(tmp_path: Path) -> None:
    """A server that ends removes its own socket, not that of whoever came after it."""
    with Served(tmp_path) as first:
        Path(first.path).unlink()
        second = Served(tmp_path)
        second.__enter__()
    assert ask(second.path, ["ping"]) == "pong"
    second.__exit__()


def test_what_is_no_socket_is_not_touched(tmp_path: Path) -> None:
    """A file at the socket's path is somebody's file; a path that no socket can have is named as such."""
    (tmp_path / "file").write_text("precious")
    with pytest.raises(FileExistsError, match="is no socket"):
        asyncio.run(ControlServer(FakeEngine(), str(tmp_path / "file")).start())
    assert (tmp_path / "file").read_text() == "precious"
    with pytest.raises(OSError, match="too long"):
        asyncio.run(ControlServer(FakeEngine(), f"/tmp/{'x' * 120}").start())
