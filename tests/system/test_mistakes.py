"""A tree full of mistakes, and a reload shown beforehand, before a real daemon."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from tests.support.lab import Lab, wait_for
from tests.support.mistakes import HEALTHY, PLANTED, SHOP

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

OFFENDER, LOG = "198.51.100.7", "/var/log/shop.log"


def start(lab: Lab, *, planted: bool) -> None:
    """Start the daemon with the healthy jails, amid all mistakes or without."""
    lab.stage.path(LOG).touch()
    files = {"jail.local": HEALTHY, "filter.d/shop.conf": SHOP}
    for each in PLANTED if planted else ():
        files |= each.files
    lab.configure({name: text.replace("@LOG@", LOG).encode(errors="surrogateescape") for name, text in files.items()})
    lab.start()


def fail(lab: Lab, times: int) -> None:
    """Let the shop refuse the offender."""
    now = dt.datetime.now().astimezone().isoformat(timespec="microseconds")
    with lab.stage.path(LOG).open("a") as log:
        log.write(f"{now} shop: refused {OFFENDER}\n" * times)


def test_healthy_jails_run_amid_every_mistake(lab: Lab) -> None:
    """One bans as if nothing were wrong around it."""
    start(lab, planted=True)
    assert {"sshd", "shop"} <= set(lab.banned())
    fail(lab, 5)
    wait_for(lambda: OFFENDER in lab.banned()["shop"], "the ban")


def test_a_reload_is_shown_beforehand_and_keeps_what_it_does_not_touch(lab: Lab) -> None:
    """The dry run changes nothing and speaks of what was set by hand; the reload does what it said; failures stay."""
    start(lab, planted=False)
    fail(lab, 2)
    wait_for(lambda: lab.failed("shop") == 2, "the failures")
    lab.ask("set", "sshd", "maxretry", "9")
    lab.configure({"jail.d/new.local": "[shop]\nmaxretry = 3\naction = nftables[port='http,https,8443']\n"})

    shown = lab.sekisho("reload", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "sshd: maxretry 9 → 5" in shown.stdout
    assert "shop: maxretry 5 → 3" in shown.stdout
    assert "shop: action nftables: port http,https → http,https,8443" in shown.stdout
    assert lab.ask("get", "shop", "maxretry").strip() == "5"

    done = lab.sekisho("reload", "--json")
    assert {jail["jail"] for jail in json.loads(done.stdout)["jails"]} == {"sshd", "shop"}
    assert lab.sekisho("reload", "--dry-run").stdout == "Nothing changes.\n"
    fail(lab, 1)
    wait_for(lambda: OFFENDER in lab.banned()["shop"], "the ban by the third failure")


def test_a_broken_tree_changes_nothing_and_says_why(lab: Lab) -> None:
    """Exit status 1, with file and line; the jails go on."""
    start(lab, planted=False)
    lab.configure({"jail.d/new.local": "[shop]\nmaxretry = 3\nmaxretry = 4\n"})
    refused = lab.sekisho("reload")
    assert refused.returncode == 1
    assert "new.local:3" in refused.stderr
    assert lab.ask("get", "shop", "maxretry").strip() == "5"


def test_a_jail_in_error_is_kept_and_told(lab: Lab) -> None:
    """The others change, it goes on; the dry run says the same beforehand."""
    start(lab, planted=False)
    lab.configure({"jail.d/new.local": "[shop]\nbantime = soon\n[sshd]\nmaxretry = 2\n"})
    for words in (("reload", "--dry-run"), ("reload",)):
        told = lab.sekisho(*words)
        assert told.returncode == 1
        assert "new.local:2" in told.stdout
        assert "shop: kept as it is: its new configuration is in error; it goes on as it was\n" in told.stdout
        assert "sshd: maxretry 5 → 2" in told.stdout
    assert {"sshd", "shop"} == set(lab.banned())
