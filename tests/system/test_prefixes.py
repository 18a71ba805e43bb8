"""One who owns a /64 fails from another address each time: a real daemon, a real firewall, real connections."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from tests.support.lab import Lab

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

PORT = 587
EVES = "2001:db8:bad:e::"  # a /64 with nobody else in it
SHARED = "2001:db8:bad:5::"  # one in which a friend lives
FRIEND = f"{SHARED}77"
TREE = {
    "jail.local": f"""\
[app]
enabled = true
backend = auto
logpath = /var/log/app.log
banaction = nftables
port = {PORT}
maxretry = 3
ipv6_prefix = 64
ipv4_prefix = 24
ignoreip = {FRIEND}
""",
    "filter.d/app.conf": "[Definition]\nfailregex = ^ app: fail from <HOST>$\n",
}


def fails(log: Path, *hosts: str) -> None:
    """Let each host fail now."""
    with log.open("a") as file:
        for host in hosts:
            file.write(f"{dt.datetime.now().astimezone().isoformat(timespec='seconds')} app: fail from {host}\n")


def test_an_attacker_with_addresses_without_end_is_barred_once_and_a_friend_never(lab: Lab) -> None:
    """Another address of Eve's /64 meets nothing; a friend's neighbour is barred alone, and both outlive a death.

    Whoever lets one address in lets the prefix in; a length that no prefix has is refused.
    """
    log = lab.stage.path("/var/log/app.log")
    log.touch()
    lab.configure(TREE)
    lab.open_doors([PORT])
    lab.start()
    fails(log, *(f"{EVES}{number}" for number in range(1, 4)))
    lab.wait_log(rf"\[app\] Found {EVES}3 - ")
    lab.wait_log(rf"\[app\] Ban {EVES}/64\n")
    fails(log, *[FRIEND] * 3, *[f"{SHARED}1"] * 3, *(f"::ffff:198.51.100.{number}" for number in range(1, 4)))
    lab.wait_log(rf"\[app\] Ban {SHARED}1\n")
    lab.wait_log(r"\[app\] Ban 198\.51\.100\.0/24\n")
    barred = {f"{EVES}/64", f"{SHARED}1", "198.51.100.0/24"}

    def meets() -> dict[str, str]:
        """Return what connections from here and there meet."""
        sources = (f"{EVES}9", "2001:db8:bad:f::1", f"{SHARED}1", f"{SHARED}2", FRIEND, "198.51.100.200", "192.0.2.1")
        return {source: lab.knock(source, PORT) for source in sources}

    met = {f"{EVES}9": "dropped", "2001:db8:bad:f::1": "open", f"{SHARED}1": "dropped", f"{SHARED}2": "open"}
    met |= {FRIEND: "open", "198.51.100.200": "dropped", "192.0.2.1": "open"}
    assert (lab.banned(), meets()) == ({"app": barred}, met)

    lab.kill()
    assert meets() == met
    lab.start()
    assert (lab.banned(), meets()) == ({"app": barred}, met)

    assert lab.ask("banned", f"{EVES}9") == "[['app']]"
    assert f"{EVES}/64" in lab.sekisho("status", f"{EVES}9").stdout
    assert lab.ask("set", "app", "unbanip", f"{EVES}9") == "1"
    assert lab.knock(f"{EVES}9", PORT) == "open"
    assert lab.ask("get", "app", "ipv6_prefix") == "64"
    assert lab.ask("set", "app", "ipv6_prefix", "128") == "128"
    assert lab.client("set", "app", "ipv6_prefix", "129").returncode != 0
    fails(log, *(f"{EVES}{number}" for number in range(4, 7)), *[f"{EVES}9"] * 3)
    lab.wait_log(rf"\[app\] Ban {EVES}9\n")
    assert lab.banned() == {"app": (barred - {f"{EVES}/64"}) | {f"{EVES}9"}}
    lab.stop()
