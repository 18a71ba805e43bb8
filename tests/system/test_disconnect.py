"""`disconnect` in a whole server: who is banned in the midst of a session is thrown out of it, and nobody else is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.support.lab import Lab, wait_for

from sekisho.cli.demo_stage import OUTSIDE_NETWORK, SERVER, SERVER6

pytestmark = pytest.mark.system

BAD, GOOD, BAD6 = "198.51.100.66", "198.51.100.7", "2001:db8:bad::66"
TRACKING = "table inet watch {\n chain c {\n type filter hook input priority 0;\n ct state established accept\n }\n}\n"
SERVE = """\
import selectors, socket
chosen = selectors.DefaultSelector()
for port in (22, 80):
    door = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    chosen.register(door, selectors.EVENT_READ, True)
print("ready", flush=True)
while True:
    for key, _ in chosen.select():
        if key.data is True:
            guest, peer = key.fileobj.accept()
            chosen.register(guest, selectors.EVENT_READ, (peer[0].removeprefix("::ffff:"), guest.getsockname()[1]))
            continue
        try:
            end = "" if key.fileobj.recv(100) else "closed"
        except ConnectionAbortedError:
            end = "aborted"
        if end:
            print(*key.data, end, flush=True)
            chosen.unregister(key.fileobj)
"""
CALL = """\
import json, socket, sys
calls, seen = {}, {}
for line in sys.stdin:
    if line.strip():
        source, target, port = line.split()
        calls[source + " " + port] = socket.create_connection((target, int(port)), 5, (source, 0))
        print("open", flush=True)
        continue
    for name, call in calls.items():
        if seen.get(name, "open") == "open":
            call.setblocking(False)
            try:
                seen[name] = "closed" if not call.recv(1) else "spoken to"
            except BlockingIOError:
                seen[name] = "open"
            except ConnectionResetError:
                seen[name] = "reset"
    print(json.dumps(seen), flush=True)
"""


def say(to: subprocess.Popen[str], line: str = "") -> str:
    """Say a line and return the answer."""
    assert to.stdin is not None
    assert to.stdout is not None
    to.stdin.write(line + "\n")
    return to.stdout.readline().strip()


@pytest.fixture
def server(lab: Lab) -> Iterator[subprocess.Popen[str]]:
    """A service at ports 22 and 80 that keeps its guests, and tells of each end."""
    with lab.stage.start(sys.executable, "-c", SERVE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


@pytest.fixture
def world(lab: Lab, server: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Strangers who stay on the line."""
    assert lab.stage.run("nft", "-f", "-", text=TRACKING).returncode == 0
    with lab.stage.start(sys.executable, "-c", CALL, network=OUTSIDE_NETWORK) as process:
        for source in (BAD, GOOD, BAD6):
            for port in (22, 80):
                assert say(process, f"{source} {SERVER6 if ':' in source else SERVER} {port}") == "open"
        yield process
        process.kill()


def tracked(lab: Lab) -> set[tuple[str, int]]:
    """Source and port of the TCP connections that the server tracks."""
    text = lab.stage.run("cat", "/proc/net/nf_conntrack").stdout
    found = re.findall(r"^\S+ +\d+ tcp .*?src=(\S+) dst=\S+ sport=\d+ dport=(\d+)", text, re.MULTILINE)
    return {(BAD6 if ":" in source else source, int(port)) for source, port in found}


EVERYBODY = {(source, port) for source in (BAD, GOOD, BAD6) for port in (22, 80)}


def test_the_banned_are_thrown_out(lab: Lab, world: subprocess.Popen[str], server: subprocess.Popen[str]) -> None:
    """Three failures, a ban, and the session to port 22 is over on both ends; the one to port 80 goes on."""
    lab.configure({"action.d/nftables.local": "[Init]\ndisconnect = yes\n"})
    lab.play_scenario()
    assert tracked(lab) == EVERYBODY
    lab.attack("sshd", BAD)
    lab.wait_log(rf"\[sshd\] Disconnected {BAD} \(TCP sockets: 1, conntrack entries: 1\)")
    assert server.stdout is not None
    assert server.stdout.readline() == f"{BAD} 22 aborted\n"
    seen = {f"{source} {port}": "open" for source, port in EVERYBODY} | {f"{BAD} 22": "reset"}
    wait_for(lambda: json.loads(say(world)) == seen, "the client to hear of it, and of nobody else")
    assert tracked(lab) == EVERYBODY - {(BAD, 22)}
    assert lab.knock(BAD, 22) == "dropped"

    lab.ask("set", "sshd", "banip", "2001:db8:bad::/48")
    assert server.stdout.readline() == f"{BAD6} 22 aborted\n"
    lab.wait_log(rf"Disconnected {BAD6} \(TCP sockets: 1, conntrack entries: 1\)")
    assert tracked(lab) == EVERYBODY - {(BAD, 22), (BAD6, 22)}
    lab.ask("set", "recidive", "banip", BAD)
    assert server.stdout.readline() == f"{BAD} 80 aborted\n"


def test_without_the_parameter_a_session_only_falls_silent(
    lab: Lab, world: subprocess.Popen[str], server: subprocess.Popen[str]
) -> None:
    """The default leaves sockets and entries to their own ends; another word is refused with those that are known."""
    lab.play_scenario()
    lab.ask("set", "sshd", "banip", BAD)
    assert lab.knock(BAD, 22) == "dropped"
    assert set(json.loads(say(world)).values()) == {"open"}
    assert tracked(lab) == EVERYBODY
    assert server.poll() is None
    lab.configure({"action.d/nftables.local": "[Init]\ndisconnect = maybe\n"})
    lab.client("reload")
    lab.wait_log("disconnect 'maybe': expected no, conntrack, sockets or yes")
    assert lab.knock(BAD, 22) == "dropped"
    assert "Disconnected" not in lab.log()
