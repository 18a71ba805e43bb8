"""Those who may only read: what a group's members may say, and that they never keep root out."""

from __future__ import annotations

import contextlib
import grp
import logging
import os
import pickle
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine
from tests.support.peers import peer, rest
from tests.support.served import Served
from tests.support.somebody import as_nobody

from sekisho.control.client import ControlError, ask
from sekisho.control.conversation import READER_CAP
from sekisho.control.pickled import CLOSE, END
from sekisho.model.specs import ServerSpec

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
GROUP = grp.getgrall()[-1]


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that everybody may pass; pytest's own is not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def group_engine(access: str = "read") -> FakeEngine:
    """An engine whose configuration lets a group use the socket."""
    return FakeEngine(server=ServerSpec(socketgroup=GROUP.gr_name, socketaccess=access))


def tried(path: str, *words: str) -> str:
    """Return the answer to words, as text, whatever it is."""
    try:
        return repr(ask(path, words, by="root"))
    except ControlError as error:
        return str(error)


def test_a_group_may_read_and_nothing_else(open_directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Members see how things stand; every word that changes something, or shows a secret, is refused with a reason.

    In both framings, and whatever name they say that they act in; the log has one line for each minute.
    """
    caplog.set_level(logging.INFO)

    def member() -> list[str]:
        told = [tried(served.path, *words) for words in (("ping",), ("status", "demo"), ("get", "demo", "maxretry"))]
        told += [tried(served.path, "set", "demo", "banip", "192.0.2.1"), tried(served.path, "stop")]
        told += [tried(served.path, "get", "demo", "action", "note", "actionban")]
        with peer(served.path) as sock:
            sock.sendall(pickle.dumps(["unban", "--all"]) + END + CLOSE + END)
            code, error = pickle.loads(rest(sock).removesuffix(END))
        return [*told, f"{code} {error!r}"]

    with Served(open_directory, group_engine()) as served:
        pong, status, retries, ban, stop, secret, unban = as_nobody(member, groups=[GROUP.gr_gid])
        assert (pong, retries) == ("'pong'", "3")
        assert "Banned IP list" in status
        why = "(fail2ban.conf: socketaccess)"
        assert ban == f"nobody may only read: 'set <JAIL> banip' changes something {why}"
        assert stop == f"nobody may only read: 'stop' changes something {why}"
        assert secret == f"nobody may only read: 'get <JAIL> action' may show secrets {why}"
        assert unban == f"1 PermissionError(\"nobody may only read: 'unban' changes something {why}\")"
        assert served.engine.bans == {}
        assert not served.engine.ended.is_set()
    assert [line.count("may only read") for line in caplog.messages] == [1]
    assert "nobody (uid 65534, pid " in caplog.messages[0]


def test_a_group_may_be_allowed_everything(open_directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With `socketaccess = write`; the log says who it was, and not who he said that he was."""
    caplog.set_level(logging.INFO)
    with Served(open_directory, group_engine("write")) as served:
        assert as_nobody(lambda: tried(served.path, "set", "demo", "banip", "192.0.2.1"), groups=[GROUP.gr_gid]) == "1"
        assert "192.0.2.1" in served.engine.bans["demo"]
    (message,) = caplog.messages
    assert message.startswith("nobody (uid 65534, pid ")
    assert message.endswith("), for root: set demo banip 192.0.2.1")


def test_who_is_in_no_such_group_is_not_let_in(open_directory: Path) -> None:
    """The socket's mode keeps strangers out; where somebody widens it, the server does."""
    with Served(open_directory, group_engine()) as served:
        assert "Permission denied" in as_nobody(lambda: tried(served.path, "ping"))
        Path(served.path).parent.chmod(0o711)
        Path(served.path).chmod(0o666)
        assert "broke off" in as_nobody(lambda: tried(served.path, "ping"))
        assert served.server.statistics().abuses == {"somebody whom the socket is not for": 1}


def test_a_reload_gives_and_takes_access(open_directory: Path) -> None:
    """At once: for who connects, and for who is connected already."""
    with Served(open_directory) as served:

        def member() -> list[str]:
            with contextlib.ExitStack() as stack:
                before = tried(served.path, "ping")
                os.write(grant[1], b"+")
                os.read(granted[0], 1)
                sock = stack.enter_context(peer(served.path))
                sock.sendall(b'{"words": ["set", "demo", "maxretry", "9"]}\n')
                during = sock.recv(4096).decode()
                os.write(grant[1], b"+")
                os.read(granted[0], 1)
                sock.sendall(b'{"words": ["get", "demo", "maxretry"]}\n')
                return [before, during, sock.recv(4096).decode(), tried(served.path, "ping")]

        grant, granted = os.pipe(), os.pipe()

        def administrator() -> None:
            for server in (group_engine("write").server, ServerSpec()):
                os.read(grant[0], 1)
                served.engine.server = server
                ask(served.path, ["reload"])
                os.write(granted[1], b"+")

        thread = threading.Thread(target=administrator)
        thread.start()
        before, during, after, out = as_nobody(member, groups=[GROUP.gr_gid])
        thread.join(10)
        assert "Permission denied" in before
        assert during == '{"ok": 9}\n'
        assert "nobody may not use this socket any more" in after
        assert "Permission denied" in out


def test_readers_never_keep_root_out(open_directory: Path) -> None:
    """Whatever a member opens and leaves, it is his own that close: root's connections stay, and root gets in."""

    def member() -> str:
        with contextlib.ExitStack() as stack:
            for _ in range(200):
                stack.enter_context(peer(served.path))
            return tried(served.path, "ping")

    with Served(open_directory, group_engine(), limit=4) as served, peer(served.path) as sock:
        sock.sendall(b'{"words": ["ping"]}\n')
        assert sock.recv(4096) == b'{"ok": "pong"}\n'
        assert as_nobody(member, groups=[GROUP.gr_gid]) == "'pong'"
        sock.sendall(b'{"words": ["ping"]}\n')
        assert sock.recv(4096) == b'{"ok": "pong"}\n'
        assert ask(served.path, ["ping"]) == "pong"


def test_a_reader_is_answered_one_request_after_the_other(open_directory: Path) -> None:
    """However many connections he opens, and each answer costs him four times its time: others have the rest."""
    count, length = 5, 0.01

    def member() -> float:
        begin = time.monotonic()
        with contextlib.ExitStack() as stack:
            socks = [stack.enter_context(peer(served.path)) for _ in range(count)]
            for sock in socks:
                sock.sendall(b'{"words": ["sleep", "%g"]}\n' % length)
            for sock in socks:
                assert sock.recv(4096) == b'{"ok": null}\n'
        return time.monotonic() - begin

    with Served(open_directory, group_engine()) as served:
        assert as_nobody(member, groups=[GROUP.gr_gid]) > (count - 1) * length * 5


def test_a_readers_request_is_short(open_directory: Path) -> None:
    """He cannot make the daemon read megabytes."""

    def member() -> str:
        return tried(served.path, "echo", "x" * READER_CAP)

    with Served(open_directory, group_engine()) as served:
        assert "broke off" in as_nobody(member, groups=[GROUP.gr_gid])
        assert served.server.statistics().abuses == {f"a request of more than {READER_CAP} bytes": 1}
