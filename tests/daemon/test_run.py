"""The daemon as a process on its bad days: started twice, or without descriptors; stopped while something hangs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

pytestmark = pytest.mark.timeout(60)

T = TypeVar("T")
HANGING = """\
[Definition]
actionstart = {start}
actionban = {ban}
actionunban = true
"""


def wait_for(probe: Callable[[], T | None], what: str, seconds: float = 20) -> T:
    """Return the first true answer of `probe`; fails naming `what` when none comes in time."""
    end = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.01)
    return answer


class Host:
    """A directory with a configuration, a log, and daemons that only observe; nothing outside of it is touched."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.auth = directory / "auth.log"
        self.auth.touch()
        self.log = directory / "f.log"
        self.daemons: list[subprocess.Popen[bytes]] = []
        (directory / "action.d").mkdir()
        self.write(
            "fail2ban.local",
            f"[Definition]\ndbfile = {directory}/l.sqlite\nsocket = {directory}/s.sock\n"
            f"pidfile = {directory}/s.pid\nlogtarget = {self.log}\n",
        )
        self.jail("observe")

    def write(self, name: str, text: str) -> None:
        """Write a file of the configuration."""
        (self.directory / name).write_text(text)

    def jail(self, action: str) -> None:
        """Let there be one jail with that action."""
        self.write(
            "jail.local",
            f"[sshd]\nenabled = true\nbackend = polling\nlogpath = {self.auth}\nmaxretry = 1\naction = {action}\n",
        )

    def start(self, *options: str, shell: str = "") -> subprocess.Popen[bytes]:
        """Start a daemon; `shell` is said behind its command."""
        command = [sys.executable, "-m", "sekisho", "run", "-c", str(self.directory), *options]
        argv = ["/bin/sh", "-c", f'exec "$@" {shell}', "sh", *command] if shell else command
        daemon = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)
        self.daemons.append(daemon)
        return daemon

    def says(self, text: str) -> bool:
        """Return whether the log holds `text`."""
        return self.log.exists() and text in self.log.read_text()

    def await_log(self, text: str) -> None:
        """Wait until the log holds `text`."""
        wait_for(lambda: self.says(text), f"{text!r} in the log")

    def fail(self, address: str) -> None:
        """Let a login of `address` fail."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        with self.auth.open("a") as log:
            log.write(f"{stamp} mail sshd[7]: Failed password for root from {address} port 4711 ssh2\n")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host whose daemons end with the test."""
    host = Host(tmp_path)
    yield host
    for daemon in host.daemons:
        if daemon.poll() is None:
            daemon.kill()
        daemon.wait(10)


def test_a_second_daemon_touches_nothing_of_the_first(host: Host) -> None:
    """It has another pid file and the same socket: it ends before it takes the first one's rules and ledger over."""
    first = host.start()
    wait_for((host.directory / "s.sock").exists, "the socket")
    second = host.start("-p", str(host.directory / "other.pid"))
    assert second.wait(20) == 1
    host.await_log("another server answers")
    assert host.log.read_text().count("Starting Sekisho") == 1
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0


def test_a_daemon_without_standard_descriptors_writes_none_of_its_files_by_mistake(host: Host) -> None:
    """Whoever starts us may have closed 0, 1 and 2: they are the null device, and never the ledger."""
    daemon = host.start(shell="<&- >&- 2>&-")
    wait_for((host.directory / "s.sock").exists, "the socket")
    assert {Path(f"/proc/{daemon.pid}/fd/{number}").readlink() for number in range(3)} == {Path("/dev/null")}
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(20) == 0


def test_a_stop_during_a_start_that_hangs_ends_soon(host: Host) -> None:
    """An action's start takes a minute; the init system has changed its mind."""
    host.write("action.d/slow.conf", HANGING.format(start="sleep 60", ban="true"))
    host.jail("slow")
    daemon = host.start()
    host.await_log("Creating new jail")
    daemon.send_signal(signal.SIGTERM)
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(15) == 0
    host.await_log("Exiting Sekisho")


def test_a_stop_while_an_action_hangs_ends_before_the_init_system_kills(host: Host) -> None:
    """A ban's command takes a minute, and another waits behind it."""
    host.write("action.d/slow.conf", HANGING.format(start="true", ban="sleep 60"))
    host.jail("slow")
    daemon = host.start()
    wait_for((host.directory / "s.sock").exists, "the socket")
    host.fail("192.0.2.66")
    host.fail("192.0.2.67")
    host.await_log("Ban 192.0.2.67")
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(25) == 0
    assert host.says("cut off")


def test_a_ledger_without_a_place_leaves_nobody_unwatched(host: Host) -> None:
    """The ledger's directory is a file: the log says it loudly, and whoever attacks is banned."""
    (host.directory / "nowhere").touch()
    settings = (host.directory / "fail2ban.local").read_text()
    host.write("fail2ban.local", settings.replace("l.sqlite", "nowhere/l.sqlite"))
    daemon = host.start()
    host.await_log("remembered in memory only")
    wait_for((host.directory / "s.sock").exists, "the socket")
    host.fail("192.0.2.66")
    host.await_log("Ban 192.0.2.66")
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(20) == 0


def test_a_configuration_that_is_not_there_is_misuse(tmp_path: Path) -> None:
    """Exit status 2 with a word, and no traceback."""
    command = [sys.executable, "-m", "sekisho", "run", "-c", str(tmp_path / "none")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("sekisho run: there is no configuration directory")
