"""The socket's server: what a peer may do, and that nothing it sends ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine
from tests.support.peers import peer, rest, wait_for
from tests.support.served import Served

from sekisho.control.access import Peer
from sekisho.control.client import ask
from sekisho.control.listener import SocketInUse
from sekisho.control.pickled import CLOSE, END
from sekisho.control.protocol import FRAME_CAP
from sekisho.control.server import ControlServer


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
    ("bytes_", "kind", "said"),
    [
        (b"GET / HTTP/1.1\r\n", "bytes that are neither framing", b""),
        (b'{"words": 3}\n', "no request", b'"error": "no request: expected a list'),
        (b"{" * 100_000 + b"\n", "no request", b'"error": "no request: not JSON'),
        (pickle.dumps("ping") + END, "no request", b"ERROR: expected a list"),
        (b"\x80\x04." + END, "no request", b"ERROR: a pickle that does not end with one value"),
        (pickle.dumps([print]) + END, "a pickle that is more than values", b"ERROR: the instruction STACK_GLOBAL"),
        (b"cos\nsystem\n(S'true'\ntR." + END, "a pickle that is more than values", b"ERROR: the instruction GLOBAL"),
        (b'{"words": ["pi', "half a request", b""),
        (b"\x80\x04]", "half a request", b""),
        (b"{" + b" " * (FRAME_CAP + 10), f"a request of more than {FRAME_CAP} bytes", b""),
        (b"\x80\x04\x8e" + b"\xff" * (FRAME_CAP + 10), f"a request of more than {FRAME_CAP} bytes", b""),
    ],
)
def test_abuse_ends_the_connection_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, bytes_: bytes, kind: str, said: bytes
) -> None:
    """Whatever a peer sends, others are answered, and the log has one line for it however often it comes."""
    with Served(tmp_path) as served:
        for _ in range(3):
            with peer(served.path) as sock:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    sock.sendall(bytes_)
                    sock.shutdown(socket.SHUT_WR)
                answer = rest(sock)
                assert said in answer
                assert bool(said) is bool(answer)
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


def test_idle_peers_make_room(tmp_path: Path) -> None:
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
    who = f"{Peer(os.getpid(), os.getuid())}, for 'ann\\x1b[2J'"
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


def test_a_peer_may_be_silent_between_two_requests(tmp_path: Path) -> None:
    """An exporter that keeps its connection for an hour finds it open; only what has begun must end."""
    with Served(tmp_path, patience=0.01) as served, peer(served.path) as sock:
        for _ in range(3):
            sock.sendall(pickle.dumps(["ping"]) + END)
            assert pickle.loads(sock.recv(4096).removesuffix(END)) == (0, "pong")
            ask(served.path, ["sleep", "0.02"])
        assert served.server.statistics().abuses == {}


def test_bytes_one_by_one_are_cut_off_in_time(tmp_path: Path) -> None:
    """Patience is for the whole request, not from byte to byte."""
    with Served(tmp_path, patience=0.1) as served, peer(served.path) as sock:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(1_000_000):
                sock.sendall(b"{")
                if served.server.statistics().abuses:
                    break
        assert served.server.statistics().abuses == {"no whole request in time": 1}


def test_a_peer_that_asks_without_a_pause_delays_nobody(tmp_path: Path) -> None:
    """A thousand requests in one go are answered in turn with those of others."""
    with Served(tmp_path) as served, peer(served.path) as sock:
        sock.sendall(b'{"words": ["ping"]}\n' * 1000)
        assert ask(served.path, ["ping"]) == "pong"
        assert served.server.statistics().requests < 1000
        sock.shutdown(socket.SHUT_WR)
        assert rest(sock).count(b"pong") == 1000


def test_a_stop_of_the_stream_still_gets_its_answer(tmp_path: Path) -> None:
    """A peer that says that it will send no more is answered, and one that leaves without a word costs nothing."""
    with Served(tmp_path) as served:
        with peer(served.path) as sock:
            sock.sendall(pickle.dumps(["ping"]) + END + CLOSE)
            sock.shutdown(socket.SHUT_WR)
            assert pickle.loads(rest(sock).removesuffix(END)) == (0, "pong")
        for _ in range(100):
            with peer(served.path):
                pass
        wait_for(lambda: served.server.statistics().open == 0)
        assert served.server.statistics().abuses == {}


def test_a_living_servers_socket_is_left_alone(tmp_path: Path) -> None:
    """The second server does not start, and the first goes on."""
    with Served(tmp_path) as served:
        with pytest.raises(SocketInUse, match="another server answers"):
            asyncio.run(ControlServer(FakeEngine(), served.path).start())
        assert ask(served.path, ["ping"]) == "pong"


def test_a_socket_that_somebody_removes_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever cleans up too much does not cut the administrator off."""
    with Served(tmp_path, look=0.01) as served:
        Path(served.path).unlink()
        wait_for(Path(served.path).exists)
        assert ask(served.path, ["ping"]) == "pong"
        Path(served.path).unlink()
        Path(served.path).mkdir()
        wait_for(lambda: "cannot be made again" in caplog.text)
        Path(served.path).rmdir()
        wait_for(Path(served.path).exists)
        assert ask(served.path, ["ping"]) == "pong"
    assert caplog.text.count("gone from its path") == 1
    assert not Path(served.path).exists()


def test_without_descriptors_one_peer_after_the_other_is_answered(tmp_path: Path) -> None:
    """A daemon that has none left goes on, answers whoever asks, and does not turn in circles."""
    path = str(tmp_path / "s")
    command = ["sh", "-c", 'ulimit -n 24; exec "$@"', "sh", sys.executable, "-m", "tests.support.served", path]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        with contextlib.ExitStack() as stack:
            for _ in range(40):
                stack.enter_context(peer(path))
            for _ in range(3):
                assert ask(path, ["ping"]) == "pong"
        assert ask(path, ["stop"]) is None
        assert server.wait(10) == 0
        assert server.stderr is not None
        assert server.stderr.read().count("no descriptor left") == 1


def test_a_secret_is_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log says which property was changed, and not to what."""
    caplog.set_level(logging.INFO)
    with Served(tmp_path) as served:
        ask(served.path, ["set", "demo", "action", "note", "cfkey", "hunter2"])
    (message,) = caplog.messages
    assert message.endswith(": set demo action note cfkey (not shown)")
