"""The stage on which the other system tests play: it is private, it is real, and it vanishes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.support.lab import Lab

from sekisho.cli import demo_stage

pytestmark = pytest.mark.system


def test_strangers_meet_doors_and_walls(lab: Lab) -> None:
    """Any outside address reaches an open port, over both families, and is refused at a closed one."""
    lab.open_doors([25])

    for source in ("198.51.100.7", "192.168.3.4", "10.1.2.3", demo_stage.OUTSIDE, "2001:db8:bad::7"):
        assert lab.knock(source, 25) == "open"
        assert lab.knock(source, 26) == "refused"


def test_a_firewall_rule_drops_one_and_not_another(lab: Lab) -> None:
    """The stage has a ruleset of its own, and it works on real packets."""
    lab.open_doors([25])
    rule = "table inet t { chain c { type filter hook input priority 0; ip saddr 198.51.100.7 drop; }; }"
    assert lab.stage.run("nft", rule).returncode == 0

    assert lab.knock("198.51.100.7", 25) == "dropped"
    assert lab.knock("198.51.100.8", 25) == "open"


def test_a_voice_has_the_papers_of_its_unit(lab: Lab) -> None:
    """A line comes out of the real journal with the trusted fields of the unit, and as syslog would have written it."""
    lab.say("postfix.service", "postfix/smtpd[77]: connect from unknown[198.51.100.7]")

    entry = lab.stage.run("journalctl", "--output=export", "_SYSTEMD_UNIT=postfix.service").stdout

    assert "\nSYSLOG_IDENTIFIER=postfix/smtpd\n" in entry
    assert "\nSYSLOG_PID=77\n" in entry
    assert "\nMESSAGE=connect from unknown[198.51.100.7]\n" in entry
    assert "\n_HOSTNAME=mail\n" in entry


def test_mail_is_caught(lab: Lab) -> None:
    """What a program hands to sendmail can be read by the test."""
    lab.stage.run("sendmail", "-f", "a@example.com", text="To: b@example.com\n\nhello\n")

    letter = lab.mails()[0]
    assert letter["To"] == "b@example.com"
    assert letter["X-Arguments"] == "-f a@example.com"


def test_the_host_stays_as_it_is(lab: Lab) -> None:
    """What the stage writes where programs write is not on the host, nor are its networks and rules."""
    before = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
    touched = ["/etc/sekisho-stage", "/usr/sbin/sekisho-stage", "/run/sekisho-stage", "/var/log/sekisho-stage"]
    assert lab.stage.run("touch", *touched).returncode == 0
    lab.stage.run("nft", "add table inet t")

    assert [path for path in touched if Path(path).exists()] == []
    assert not Path("/run/netns/outside").exists()
    assert subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout == before


def test_everything_ends_with_the_stage() -> None:
    """Closing the stage ends what runs on it, even a process that ignores every signal it may ignore."""
    stage = demo_stage.enter()
    stubborn = stage.start("sh", "-c", "trap '' TERM HUP INT; echo here; while :; do sleep 1; done")
    assert stubborn.stdout is not None
    assert stubborn.stdout.readline() == "here\n"

    stage.close()

    assert stubborn.wait(10) != 0
    stubborn.stdout.close()
    assert stubborn.stdin is not None
    stubborn.stdin.close()


def test_the_host_s_ledger_is_not_on_the_stage(lab: Lab) -> None:
    """Where a server of this host keeps its bans, a play neither meets them nor adds to them."""
    assert lab.stage.run("test", "-e", "/var/lib/sekisho").returncode == 1
