"""Where peers come in: the socket's life, and a daemon that runs out of descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine
from tests.support.peers import peer, wait_for
from tests.support.served import Served

from sekisho.control.client import ask
from sekisho.control.listener import SocketInUse
from sekisho.control.server import ControlServer


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
