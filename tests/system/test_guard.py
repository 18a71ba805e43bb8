"""One jail's hopeless rule, and a stranger who knows it: the other jails' bans are not late."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.lab import Lab

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

TREE = {
    "jail.local": """\
[DEFAULT]
maxretry = 3
banaction = nftables
backend = auto
[hopeless]
enabled = true
logpath = /var/log/app.log
[sound]
enabled = true
filter = app
logpath = /var/log/app.log
[elsewhere]
enabled = true
filter = app
logpath = /var/log/other.log
""",
    "filter.d/hopeless.conf": r"""
[Definition]
failregex = ^ app: odd (a+)+ from <HOST>$
            ^ app: fail .* from <HOST>$
""",
    "filter.d/app.conf": "[Definition]\nfailregex = ^ app: fail .* from <HOST>$\n",
}
CRAFTED = f"app: odd {'a' * 60}!"


def write(log: Path, *lines: str) -> None:
    """Append lines that are written now."""
    with log.open("a") as file:
        for line in lines:
            file.write(f"{dt.datetime.now().astimezone().isoformat(timespec='seconds')} {line}\n")


def work_of_daemon(lab: Lab) -> float:
    """Seconds that the daemon has worked so far, all its threads (proc_pid_stat(5)); a busy machine adds nothing."""
    stat = lab.stage.run("cat", f"/proc/{lab.pid()}/stat").stdout
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def logs(lab: Lab) -> tuple[Path, Path]:
    """The two logs, and a daemon that reads them."""
    found = lab.stage.path("/var/log/app.log"), lab.stage.path("/var/log/other.log")
    for log in found:
        log.touch()
    lab.configure(TREE)
    lab.start()
    return found


@pytest.fixture
def crafted_lines(logs: tuple[Path, Path]) -> Iterator[threading.Semaphore]:
    """Lines on which the hopeless rule would run for years, ten a second, until the test ends; it counts them."""
    over, written = threading.Event(), threading.Semaphore(0)

    def go_on() -> None:
        while not over.wait(0.1):
            write(logs[0], CRAFTED)
            written.release()

    stranger = threading.Thread(target=go_on)
    stranger.start()
    yield written
    over.set()
    stranger.join()


def test_a_hopeless_rule_delays_nobody_by_a_second(
    lab: Lab, logs: tuple[Path, Path], crafted_lines: threading.Semaphore
) -> None:
    """While crafted lines arrive: a sound jail's third line bans within a second of the daemon's work, on either log.

    Before the rule is put out, at its third offence, and after. The log and the status name it, and the daemon stays.
    """
    late: dict[str, float] = {}
    rounds_after = 0
    while rounds_after < 3:
        assert crafted_lines.acquire(timeout=10), "the stranger writes on"
        rounds_after += "tried no more" in lab.log()
        for jail, log in zip(("sound", "elsewhere"), logs, strict=True):
            offender = f"198.51.100.{len(late)}"
            begin = work_of_daemon(lab)
            write(log, *[f"app: fail {n} from {offender}" for n in range(3)])
            lab.wait_log(rf"\[{jail}\] Ban {offender}\n", seconds=20)
            late[offender] = work_of_daemon(lab) - begin
    assert 0 < max(late.values()) < 1, late

    lab.wait_log(r"ERROR +\[hopeless\] failregex \d+ took too long 3 times and is tried no more")
    assert "failregex 0 took too long" in lab.ask("status", "hopeless") + lab.sekisho("status", "hopeless").stdout
    assert lab.ask("ping") == "Server replied: pong"
    lab.wait_log(r"\[hopeless\] Ban 198")  # its other rule goes on
