"""Tests of cli.ipset_diagnosis: each illness, and how it looks when there is none."""

from __future__ import annotations

import pytest

from sekisho.cli.diagnosis import Level
from sekisho.cli.ipset_diagnosis import Trial, judge_front, judge_ipset, parse_trial

WELL = Trial("", places={"IPv4": "raw", "IPv6": "raw"})
OURS = "-A PREROUTING -p tcp -m multiport --dports 22 -m set --match-set sekisho4-sshd src -j DROP"
ACCEPT = "-A PREROUTING -i eth0 -j ACCEPT"


@pytest.mark.parametrize(
    ("trial", "level", "words"),
    [
        (WELL, Level.OK, "ipset and iptables (table raw) take sets and rules"),
        (
            Trial("", "EINVAL", {"IPv4": "mangle"}),
            Level.OK,
            "no nf_tables (EINVAL), ipset stands in: ipset and iptables (table mangle)",
        ),
        (
            Trial("iptables-restore returned 2: no such match"),
            Level.ERROR,
            "refuses sets and rules such as ours: iptables-restore",
        ),
        (Trial("unshare: unshare failed: Operation not permitted"), Level.WARNING, "may not be tried by you"),
    ],
)
def test_one_trial_one_finding(trial: Trial, level: Level, words: str) -> None:
    """What is well is said so; what is not has what was found and how to mend it."""
    (found,) = judge_ipset(trial)
    assert found.level is level
    assert words in found.what
    assert bool(found.remedy) == (level is not Level.OK)


def test_a_family_that_cannot_be_barred_is_named() -> None:
    """The other one is well."""
    fine, lame = judge_ipset(Trial("", places={"IPv4": "raw"}, lame={"IPv6": "ip6tables-save returned 3"}))
    assert (fine.level, lame.level) == (Level.OK, Level.WARNING)
    assert "no IPv6 address can be barred by iptables here: ip6tables-save returned 3" in lame.what


def test_ipset_stands_in_where_only_it_is_there() -> None:
    """Not where nf_tables is, nor where neither is."""
    assert Trial("", "EINVAL").stands_in
    assert not Trial("").stands_in
    assert not Trial("no ipset", "EINVAL").stands_in


def test_a_trial_that_could_not_be_made_is_its_own_fault() -> None:
    """What was told is read; silence has its reason."""
    said = '{"absent": "", "fault": "", "places": {"IPv4": "raw", "IPv6": "raw"}, "lame": {}}'
    assert parse_trial(said, "") == WELL
    assert parse_trial("", "cannot run unshare") == Trial("cannot run unshare")


def test_an_accept_in_front_of_ours_is_found() -> None:
    """Behind ours it spares nobody, and where none of ours stands there is nothing to spare."""
    saved = {"iptables-save": f"*raw\n{ACCEPT}\n{OURS}\nCOMMIT\n", "ip6tables-save": f"*raw\n{ACCEPT}\n"}
    (found,) = judge_front(saved)
    assert found.level is Level.WARNING
    assert found.what.startswith(f"`{ACCEPT}` accepts packets before ours are asked (iptables-save -t raw)")
    assert [each.level for each in judge_front({"iptables-save": f"{OURS}\n{ACCEPT}\n"})] == [Level.OK]
    assert [each.level for each in judge_front({"iptables-save": f"-A PREROUTING -i lo -j CT --notrack\n{OURS}"})] == [
        Level.OK
    ]
