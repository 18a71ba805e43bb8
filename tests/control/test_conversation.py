"""One connection: what a peer may send, how long it may take, and that nobody else is kept waiting."""

from __future__ import annotations

import contextlib
import pickle
import socket
from pathlib import Path

import pytest
from tests.support.peers import peer, rest, wait_for
from tests.support.served import Served

from sekisho.control.client import ask
from sekisho.control.pickled import CLOSE, END
from sekisho.control.protocol import FRAME_CAP


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


def test_an_exporter_in_go_is_understood(tmp_path: Path) -> None:
    """It writes a request in two pieces, asks several times, and finds lists, tuples and ordinary numbers."""
    with Served(tmp_path) as served, peer(served.path) as sock:
        for request, answer in (
            (b"](U\x04pingU\x03100e.", (0, "pong")),
            (b"](U\x06statuse.", (0, [("Number of jail", 2), ("Jail list", "ddd, demo")])),
            (b"\x80\x02(X\x03\x00\x00\x00getX\x04\x00\x00\x00demoX\x08\x00\x00\x00maxretryl.", (0, 3)),
        ):
            sock.sendall(request)
            sock.sendall(END)
            assert pickle.loads(sock.recv(65536).removesuffix(END)) == answer
