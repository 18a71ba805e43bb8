"""The socket's server: what is answered and logged, and who makes room."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine
from tests.support.peers import peer, rest, wait_for
from tests.support.served import Served

from sekisho.control.access import Peer
from sekisho.control.client import ask


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


def test_a_secret_is_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log says which property was changed, and not to what."""
    caplog.set_level(logging.INFO)
    with Served(tmp_path) as served:
        ask(served.path, ["set", "demo", "action", "note", "cfkey", "hunter2"])
    (message,) = caplog.messages
    assert message.endswith(": set demo action note cfkey (not shown)")
