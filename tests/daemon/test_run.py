"""The daemon as a process on its bad days: started twice, or without descriptors; stopped while something hangs."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.host import Host

pytestmark = pytest.mark.timeout(60)

HANGING = """\
[Definition]
actionstart = {start}
actionban = {ban}
actionunban = true
"""


def test_a_second_daemon_touches_nothing_of_the_first(host: Host) -> None:
    """It has another pid file and the same socket: it ends before it takes the first one's rules and ledger over."""
    first = host.start()
    host.await_socket()
    second = host.start("-p", str(host.directory / "other.pid"))
    assert second.wait(20) == 1
    host.await_log("another server answers")
    assert host.log.read_text().count("Starting Sekisho") == 1
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0


def test_a_daemon_without_standard_descriptors_writes_none_of_its_files_by_mistake(host: Host) -> None:
    """Whoever starts us may have closed 0, 1 and 2: they are the null device, and never the ledger."""
    daemon = host.start(shell="<&- >&- 2>&-")
    host.await_socket()
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
    host.await_socket()
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
    host.await_socket()
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
