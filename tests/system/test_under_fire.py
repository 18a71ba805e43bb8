"""Packets of a banned address, a thousand a second, while the daemon dies, restarts, and others meddle with its rules.

A table of the test's own counts what arrives, before anybody looks at it, and what gets through to the server.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.support.lab import Lab, wait_for

from sekisho.cli.demo_stage import OUTSIDE_NETWORK, SERVER

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

BAD = "198.51.100.66"
JAIL = """\
[DEFAULT]
banaction = {}
protocol = all
[sshd]
enabled = true
backend = auto
logpath = /var/log/auth.log
"""
PROBE = f"""\
add table inet probe
add counter inet probe arrived
add counter inet probe passed
add chain inet probe first {{ type filter hook prerouting priority -390; }}
add rule inet probe first ip saddr {BAD} counter name arrived
add chain inet probe last {{ type filter hook input priority 0; }}
add rule inet probe last ip saddr {BAD} counter name passed
"""
FIRE = f"""\
import socket, time
gun = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
gun.setsockopt(socket.SOL_IP, 15, 1)  # IP_FREEBIND
gun.bind(({BAD!r}, 0))
while True:
    gun.sendto(b"bullet", ({SERVER!r}, 9))
    time.sleep(0.001)
"""


NATIVE = ("nftables-allports", "ipset[type=allports]")


@pytest.fixture
def fired_at(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Return a lab whose daemon has barred the one who fires at it, by nftables where the test does not say by what."""
    lab.configure({"jail.local": JAIL.format(getattr(request, "param", NATIVE[0]))})
    lab.stage.path("/var/log/auth.log").touch()
    lab.start()
    lab.ask("set", "sshd", "banip", BAD)
    count(lab)
    with subprocess.Popen(lab.stage.inside([sys.executable, "-c", FIRE], network=OUTSIDE_NETWORK)) as gun:
        yield lab
        gun.kill()


def count(lab: Lab) -> None:
    """Begin to count."""
    assert lab.stage.run("nft", "-f", "-", text=PROBE).returncode == 0


def counted(lab: Lab, name: str) -> int:
    """Return how many packets have arrived, or passed."""
    answer = lab.stage.run("nft", "-j", "list", "counter", "inet", "probe", name)
    return int(json.loads(answer.stdout)["nftables"][1]["counter"]["packets"])


def endure(lab: Lab, packets: int = 200) -> None:
    """Wait until so many more packets have arrived, none of which passed."""
    before = counted(lab, "arrived")
    wait_for(lambda: counted(lab, "arrived") >= before + packets, "packets to arrive")
    assert counted(lab, "passed") == 0


@pytest.mark.parametrize("fired_at", NATIVE, indirect=True)
def test_no_packet_passes_while_the_daemon_is_dead_or_comes_back(fired_at: Lab) -> None:
    """Killed, started, killed again: the kernel goes on barring, and the new life takes over without a gap."""
    endure(fired_at)
    for _ in range(2):
        fired_at.kill()
        endure(fired_at)
        fired_at.start()
        endure(fired_at)
    fired_at.ask("reload")
    endure(fired_at)
    fired_at.ask("set", "sshd", "unbanip", BAD)
    wait_for(lambda: counted(fired_at, "passed") > 0, "the forgiven to get through")


@pytest.mark.parametrize("fired_at", NATIVE, indirect=True)
def test_no_packet_passes_while_the_client_restarts_the_server(fired_at: Lab) -> None:
    """`fail2ban-client restart` ends one server and starts another, and the kernel keeps the bans in between."""
    endure(fired_at)
    before = fired_at.pid()
    assert fired_at.ask("restart") == "Shutdown successful\nServer ready"
    assert fired_at.pid() != before
    endure(fired_at)
    fired_at.ask("stop")
    wait_for(lambda: counted(fired_at, "passed") > 0, "an end to lift what a restart keeps")


@pytest.mark.parametrize("harm", ["flush ruleset", "delete table inet sekisho", "flush table inet sekisho"])
def test_what_another_program_takes_away_is_back_within_a_second(fired_at: Lab, harm: str) -> None:
    """The log names the program and what it took, and from then on nothing passes again."""
    endure(fired_at)
    assert fired_at.stage.run("nft", *harm.split()).returncode == 0
    fired_at.wait_log(r"'nft' \(pid \d+\) changed the firewall: .* gone, and (is|are) put back", seconds=1)
    wait_for(lambda: "jump jail-sshd" in fired_at.ruleset() and BAD in fired_at.ruleset(), "the rules", 1)
    fired_at.stage.run("nft", "delete", "table", "inet", "probe")
    count(fired_at)
    endure(fired_at)
    assert fired_at.log().count("changed the firewall") == 1
