"""Who comes back is held twice as long, by a real daemon and a real firewall; a friend on a list is not held at all."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from tests.support.lab import Lab

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

EVE, FRIEND = "198.51.100.66", "198.51.100.7"
TREE = {
    "jail.local": """\
[app]
enabled = true
backend = auto
logpath = /var/log/app.log
banaction = nftables
maxretry = 2
bantime = 3
bantime.increment = true
bantime.formula = ban.Time * (1 << min(ban.Count, 20)) * 100
ignoreip = file:/var/log/friends
""",
    "filter.d/app.conf": "[Definition]\nfailregex = ^ app: fail from <HOST>$\n",
}


def fails(log: Path, *hosts: str) -> None:
    """Let each host fail now."""
    with log.open("a") as file:
        for host in hosts:
            file.write(f"{dt.datetime.now().astimezone().isoformat(timespec='seconds')} app: fail from {host}\n")


def test_who_comes_back_is_held_longer_and_a_friend_never(lab: Lab) -> None:
    """The kernel itself is told the longer time at once; the list is read while the daemon runs."""
    log, friends = lab.stage.path("/var/log/app.log"), lab.stage.path("/var/log/friends")
    log.touch()
    friends.write_text("# nobody yet\n")
    lab.configure(TREE)
    lab.start()
    friends.write_text(f"{FRIEND} # the gate\n")
    fails(log, EVE, EVE)
    lab.wait_log(rf"NOTICE +\[app\] Unban {re.escape(EVE)}")
    fails(log, EVE, FRIEND, FRIEND)
    lab.wait_log(rf"\[app\] Increase Ban {re.escape(EVE)} \(2 # 10m -> ")
    lab.wait_log(rf"\[app\] Ignore {re.escape(FRIEND)} by file:/var/log/friends")
    assert lab.banned() == {"app": {EVE}}
    held = re.search(rf"{re.escape(EVE)}.* timeout (\w+) expires", lab.ruleset())
    assert held is not None, lab.ruleset()
    assert held[1].startswith(("9m", "10m"))
    lab.stop()
