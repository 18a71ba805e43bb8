"""Real servers as Debian packages them, attacked with real clients; their logs are what they write today.

Each directory of `servers/` is one: its configuration, and in server.toml how it is started, how a stranger fails at it
once, and the jail and port that it has. Another server is another directory.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
from tests.support.lab import Lab, wait_for

from sekisho.cli.demo_stage import OUTSIDE_NETWORK, SERVER

SERVERS = Path(__file__).parent / "servers"
PEERS = Path(__file__).parents[2] / "build" / "peers"
"""Where .ci/set-up unpacks the servers that cannot be installed beside another one."""

OFFENDER, NEIGHBOUR = "198.51.100.7", "198.51.100.8"
PROLOGUE = """\
own() { cp -rL "$1" "$1.own" && rm "$1" && mv "$1.own" "$1"; }  # on the stage /etc holds links into the host's
PATH=$PATH:$PEERS/usr/sbin LD_LIBRARY_PATH=$(echo "$PEERS"/usr/lib/*-linux-gnu)
export PATH LD_LIBRARY_PATH
set -e
"""
DIAL = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1, (sys.argv[3], 0))"
JAILS = """\
[DEFAULT]
maxretry = 3
[sshd]
backend = auto
[postfix-sasl]
backend = auto
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A directory of `servers/`. `start` and `fail` are shell scripts: on the stage, in that directory, and outside.

    `settings` is what its jail has beside the stock's.
    """

    name: str
    jail: str
    port: int
    needs: tuple[str, ...]
    fail: str
    start: str
    settings: str = ""

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Return the server that `directory` describes."""
        told = tomllib.loads((directory / "server.toml").read_text())
        return cls(directory.name, **{**told, "needs": tuple(told["needs"])})


ALL = [Server.read(path.parent) for path in sorted(SERVERS.glob("*/server.toml"))]
EACH = [pytest.param(server, marks=pytest.mark.system(needs=server.needs), id=server.name) for server in ALL]
GUARDED = sorted({"sshd", *(server.jail for server in ALL)})


def start(lab: Lab, server: Server) -> None:
    """Let syslog and the server run on the stage, wait until it listens, and let Sekisho guard all there are."""
    lab.stage.run("cp", "-r", str(SERVERS), "/run/servers")
    syslog = "rsyslogd -f rsyslog.conf -i rsyslog.pid; ln -sfn $PWD/log /dev/log"
    own = f"cd {server.name}; {PROLOGUE} {server.start}"
    settings = [f"PEERS={PEERS}", f"SERVER={SERVER}"]
    words = ["env", *settings, "sh", "-c", f"umask 022; cd /run/servers; {syslog}; {own}"]
    with lab.stage.path("/run/servers/output").open("w") as output:
        started = subprocess.run(
            lab.stage.inside(words), stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
    said = lab.stage.path("/run/servers/output").read_text()
    assert started.returncode == 0, said
    listens = ("ss", "-Hltn", f"sport = :{server.port}")
    wait_for(lambda: lab.stage.run(*listens).stdout, f"{server.name} to listen; it said {said}", 20)
    jails = {f"jail.d/{jail}.conf": f"[{jail}]\nenabled = true\n" for jail in GUARDED}
    jails[f"jail.d/{server.jail}.conf"] += server.settings
    lab.configure({"jail.local": JAILS, **jails})
    lab.start()


def fail(lab: Lab, server: Server, source: str) -> None:
    """Fail at the server once, with the client that is meant for it, from `source`."""
    route = ("ip", "-n", "outside", "route", "replace", f"{SERVER}/32", "dev", "outside", "src", source)
    assert lab.stage.run(*route).returncode == 0
    words = ["env", f"SERVER={SERVER}", "sh", "-c", server.fail]
    subprocess.run(lab.stage.inside(words, network=OUTSIDE_NETWORK), capture_output=True, timeout=20, check=False)


def reaches(lab: Lab, server: Server, source: str) -> bool:
    """Tell whether a connection from `source` to the server is answered."""
    words = [sys.executable, "-c", DIAL, SERVER, str(server.port), source]
    answer = subprocess.run(lab.stage.inside(words, network=OUTSIDE_NETWORK), capture_output=True, check=False)
    return answer.returncode == 0


def counts_beyond(lab: Lab, server: Server, failures: int) -> bool:
    """Tell whether the server's jail has counted more than so many failures."""
    return lab.failed(server.jail) > failures


@pytest.mark.timeout(120)
@pytest.mark.parametrize("server", EACH)
def test_whoever_fails_three_times_is_barred(lab: Lab, server: Server) -> None:
    """Each try counts once, in that server's jail; the third closes the door, to that address and to no other."""
    start(lab, server)
    for _ in range(3):
        before = lab.failed(server.jail)
        fail(lab, server, OFFENDER)
        wait_for(functools.partial(counts_beyond, lab, server, before), "the failure to be counted")
    wait_for(lambda: lab.banned()[server.jail] == {OFFENDER}, "the ban")
    assert not reaches(lab, server, OFFENDER)

    assert reaches(lab, server, NEIGHBOUR)
    fail(lab, server, NEIGHBOUR)
    wait_for(lambda: f"[{server.jail}] Found {NEIGHBOUR}" in lab.log(), "the neighbour's failure")
    assert Counter(re.findall(r"\[(\S+)\] Found ", lab.log())) == {server.jail: 4}
    assert lab.banned() == {jail: {OFFENDER} if jail == server.jail else set() for jail in GUARDED}
