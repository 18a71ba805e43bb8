"""`sekisho verify` and `--counters` against a running daemon, a real kernel and real strangers."""

from __future__ import annotations

import json

import pytest
from tests.support.lab import Lab, wait_for

pytestmark = pytest.mark.system

STRANGER, OTHER = "198.51.100.66", "198.51.100.7"


def test_a_ban_is_proved_and_what_undoes_it_is_found(lab: Lab) -> None:
    """A banned stranger is dropped and counted; a probe proves it; when the set loses him, the proof fails."""
    lab.play_scenario()
    lab.open_doors()
    lab.ask("set", "sshd", "banip", STRANGER)
    assert lab.knock(STRANGER, 22) == "dropped"
    counted = json.loads(lab.sekisho("status", "sshd", "--counters", "--json").stdout)
    (ban,) = counted["bans"]
    assert ban["address"] == STRANGER
    assert ban["packets"] == counted["packets"] >= 1

    proved = lab.sekisho("verify", STRANGER)
    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert "dropped by sekisho jail-sshd" in proved.stdout
    again = json.loads(lab.sekisho("status", "sshd", "--counters", "--json").stdout)
    assert again["packets"] > counted["packets"]

    def disproved() -> str:
        lab.stage.run("nft", "delete element inet sekisho addr-set-sshd { " + STRANGER + " }")
        answer = lab.sekisho("verify", STRANGER)
        return answer.stdout if answer.returncode == 1 else ""

    told = wait_for(disproved, "a look before the daemon puts him back")
    assert "1 of 1 NOT as it should be" in told
    assert "LET THROUGH" in told
    assert "sekisho-probe" not in lab.ruleset()
    assert lab.knock(OTHER, 22) == "open"


def test_every_jail_is_looked_at(lab: Lab) -> None:
    """Without a name each jail of the scenario has its row, and none complains."""
    lab.play_scenario()
    lab.ask("set", "postfix", "banip", "198.51.100.0/28", "2001:db8:bad::1")
    document = json.loads(lab.sekisho("verify", "--json").stdout)
    assert document["barred"]
    assert {row["jail"] for row in document["rows"]} == {
        "sshd", "proftpd", "postfix", "dovecot", "postfix-sasl", "recidive"
    }  # fmt: skip
    for row in document["rows"]:
        assert row["address"] or f"sekisho jail-{row['jail']}" in row["traced"]["way"]
    assert {row["address"]: row["traced"]["chain"] for row in document["rows"] if row["address"]} == {
        "198.51.100.0/28": "jail-postfix",
        "2001:db8:bad::1": "jail-postfix",
    }
