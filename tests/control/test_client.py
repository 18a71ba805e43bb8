"""The synchronous client, and the errors by which it tells what went wrong."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.served import Served

from sekisho.control.client import (
    Kind,
    NoAnswer,
    NoServer,
    PermissionDenied,
    Phrase,
    ServerError,
    ask,
    converse,
    help_text,
    vocabulary,
    wait_end,
)


@contextlib.contextmanager
def answering(path: Path, reply: bytes) -> Iterator[str]:
    """A server that says `reply` to its first peer, whatever that wants, and hangs up."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            with listener.accept()[0] as sock:
                sock.recv(65536)
                sock.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield str(path)
        thread.join(10)


def test_a_value_comes_back(tmp_path: Path) -> None:
    """What the words stand for, however big, and any argument's bytes."""
    with Served(tmp_path) as served:
        assert ask(served.path, ["ping"]) == "pong"
        assert ask(served.path, ["echo", "x" * 1_000_000]) == ["x" * 1_000_000]
        assert ask(served.path, ["echo", os.fsdecode(b"\xff")]) == ["�"]
        assert converse(served.path, ["status"]).notes == ()


def test_the_servers_no_is_an_error_with_its_kind(tmp_path: Path) -> None:
    """The text is for people, the kind and the detail for programs."""
    with Served(tmp_path) as served, pytest.raises(ServerError, match="the jail 'x' does not exist") as caught:
        ask(served.path, ["status", "x"])
    assert (caught.value.kind, caught.value.detail) == (Kind.UNKNOWN_JAIL, "x")


def test_nobody_there(tmp_path: Path) -> None:
    """A path where nothing is, and one where a server was."""
    with pytest.raises(NoServer, match=r"Failed to access socket path: .*Is fail2ban running") as caught:
        ask(str(tmp_path / "none"), ["ping"])
    assert not caught.value.stale
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left"))
    with pytest.raises(NoServer) as caught:
        ask(str(tmp_path / "left"), ["ping"])
    assert caught.value.stale


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_a_socket_of_somebody_else(tmp_path: Path) -> None:
    """Without permission the message says who one must be."""
    with Served(tmp_path) as served:
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            with contextlib.suppress(PermissionDenied):
                ask(served.path, ["ping"])
                os._exit(1)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(("reply", "text"), [(b"", "without an answer"), (b"220 smtp\n", "speaks another language")])
def test_no_answer_in_our_language(tmp_path: Path, reply: bytes, text: str) -> None:
    """Whoever else listens there, the client ends with a message."""
    with answering(tmp_path / "s", reply) as path, pytest.raises(NoAnswer, match=text):
        ask(path, ["ping"])


def test_a_server_that_is_silent(tmp_path: Path) -> None:
    """The client does not wait for ever."""
    with Served(tmp_path) as served, pytest.raises(NoAnswer, match=r"did not answer within 0\.05 seconds"):
        ask(served.path, ["sleep", "0.2"], timeout=0.05)


def test_a_crowd_at_the_door_is_waited_for(tmp_path: Path) -> None:
    """Where nobody is let in for now, the client waits its time and says so, and not that nobody is there."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as stack:
        listener.bind(path)
        listener.listen(0)
        stack.enter_context(socket.socket(socket.AF_UNIX)).connect(path)
        with pytest.raises(NoAnswer, match=r"accepted no connection within 0\.05 seconds"):
            ask(path, ["ping"], timeout=0.05)


def test_the_end_of_the_server_is_waited_for(tmp_path: Path) -> None:
    """When `wait_end` is back, the process is gone."""
    path = str(tmp_path / "s")
    command = [sys.executable, "-m", "tests.support.served", path]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        assert wait_end(path, ["stop"], timeout=10)
        assert server.wait(0.5) == 0
    assert not Path(path).exists()


def test_a_server_that_does_not_end_is_told(tmp_path: Path) -> None:
    """A server that goes on (this very process) is not called ended."""
    with Served(tmp_path) as served:
        assert not wait_end(served.path, ["stop"], timeout=0.05)


def test_the_help_is_the_servers_table() -> None:
    """The client shows what the server understands."""
    assert "set <JAIL> banip" in help_text()


def test_the_vocabulary_is_the_help_s() -> None:
    """Whoever makes papers gets every word that the help shows, and those that the client carries out by itself."""
    phrases = vocabulary()

    assert (
        Phrase(("set", "<JAIL>", "banip"), "[<IP>...]", "Jail configuration", "ban these addresses by hand") in phrases
    )
    assert ("restart",) in [phrase.path for phrase in phrases]
    shown = [" ".join((*phrase.path, phrase.arguments)).rstrip() for phrase in phrases]
    assert [usage for usage in shown if usage not in help_text()] == []
    assert "overview" not in " ".join(shown)
