"""`kill -9` at a random moment, twenty times during an attack: nothing is counted twice, nothing is lost.

Every address fails a known number of times, in random order, in one window: those with three failures are to be banned,
those with two are not. A failure that is counted twice bans one of the latter; a failure that is lost spares one of the
former. The attack does not pause while the daemon is dead.
"""

from __future__ import annotations

import datetime as dt
import random
import re
import threading
import time
from collections.abc import Callable

import pytest
from tests.support.lab import Lab, wait_for

from sekisho.cli.demo_script import ATTACKS

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

KILLS = 20
SENTINEL = "192.0.2.250"
JAIL = """\
[DEFAULT]
maxretry = 3
findtime = 3600
bantime = 3600
banaction = nftables
[sshd]
enabled = true
port = ssh
{source}
"""
SOURCES = {"journal": "backend = systemd", "file": "backend = auto\nlogpath = /var/log/auth.log"}


@pytest.mark.parametrize("source", SOURCES)
def test_twenty_deaths_in_an_attack(lab: Lab, source: str) -> None:
    """After each restart the firewall holds the ledger's bans; at the end exactly those who deserve it are banned."""
    chance = random.Random(f"sekisho {source}")
    lab.configure({"jail.local": JAIL.format(source=SOURCES[source])})
    lab.stage.path("/var/log/auth.log").touch()
    say = writer(lab, source)
    guilty = {f"198.51.100.{n}" for n in range(1, 200)}
    innocent = {f"192.0.2.{n}" for n in range(1, 200)}
    attack = [*(ip for ip in guilty for _ in range(3)), *(ip for ip in innocent for _ in range(2))]
    chance.shuffle(attack)
    share = len(attack) // KILLS + 1

    lab.start()
    for n in range(KILLS):
        wave = threading.Thread(target=send, args=(say, attack[n * share : (n + 1) * share]))
        wave.start()
        time.sleep(chance.uniform(0, 0.4))  # the moment of death; nothing is waited for
        lab.kill()
        wave.join()
        lab.start()
        wait_for(lambda: union(lab.barred()) == lab.banned()["sshd"], f"firewall and ledger to agree after death {n}")
    for _ in range(3):
        say(SENTINEL)

    wait_for(lambda: SENTINEL in lab.banned()["sshd"], "all lines to be read", 30)
    assert lab.banned()["sshd"] == {*guilty, SENTINEL}
    assert union(lab.barred()) == {*guilty, SENTINEL}
    readers = "grep -l journalctl /proc/[0-9]*/comm | wc -l"
    wait_for(lambda: int(lab.stage.run("sh", "-c", readers).stdout) <= 1, "the readers of the dead to be gone")
    decided = re.findall(r"\] Ban (\S+)\n", lab.log())
    assert sorted(decided) == sorted(set(decided)), "someone was banned twice"


def writer(lab: Lab, source: str) -> Callable[[str], None]:
    """Return what writes a failure of an address to the source."""
    number = iter(range(1000, 100_000))
    if source == "journal":
        return lambda ip: lab.say(ATTACKS["sshd"].unit, ATTACKS["sshd"].text(ip, next(number)))
    path = lab.stage.path("/var/log/auth.log")

    def write(ip: str) -> None:
        now = dt.datetime.now().astimezone().isoformat(timespec="microseconds")
        with path.open("a") as log:
            log.write(f"{now} mail sshd[{next(number)}]: Failed password for root from {ip} port 4000 ssh2\n")

    return write


def send(say: Callable[[str], None], addresses: list[str]) -> None:
    """Write the failures over 0.4 seconds, as an attacker would whether or not anyone listens."""
    for ip in addresses:
        say(ip)
        time.sleep(0.4 / len(addresses))


def union(barred: dict[str, set[str]]) -> set[str]:
    """Return everyone who is in any set."""
    return set().union(*barred.values())
