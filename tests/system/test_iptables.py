"""The scenario with `banaction = iptables-multiport`: commands instead of netlink, the same walls."""

from __future__ import annotations

import pytest
from tests.support.lab import Lab, wait_for

from sekisho.cli.demo_script import FILES, JAIL_LOCAL, WEB

pytestmark = [pytest.mark.system(needs=("iptables", "ip6tables")), pytest.mark.timeout(120)]

OFFENDER, OFFENDER6 = "198.51.100.7", "2001:db8:bad::7"
WITH_IPTABLES = JAIL_LOCAL.replace(
    "[DEFAULT]\n", "[DEFAULT]\nbanaction = iptables-multiport\nbanaction_allports = iptables-allports\n"
)


@pytest.fixture
def server(lab: Lab) -> Lab:
    """The scenario over iptables; its `iptables-common.local` says DROP."""
    lab.open_doors()
    lab.configure({**FILES, "jail.local": WITH_IPTABLES})
    lab.start()
    return lab


def rules(lab: Lab, program: str = "iptables") -> list[str]:
    """Return the filter table's rules."""
    return lab.stage.run(program, "-w", "-S").stdout.splitlines()


@pytest.mark.parametrize(("ip", "program"), [(OFFENDER, "iptables"), (OFFENDER6, "ip6tables")])
def test_the_ban_is_a_rule_with_the_blocktype_of_the_local_file(server: Lab, ip: str, program: str) -> None:
    """Both families: DROP, on the jail's ports alone; unban takes the rule away."""
    server.attack("postfix", ip)
    wait_for(lambda: server.knock(ip, 25) == "dropped", "the wall")

    assert [rule for rule in rules(server, program) if ip in rule and rule.endswith("-j DROP")]
    assert server.knock(ip, WEB) == "open"
    assert server.ask("set", "postfix", "unbanip", ip) == "1"
    wait_for(lambda: server.knock(ip, 25) == "open", "the door")
    assert not [rule for rule in rules(server, program) if ip in rule]


def test_every_port_is_shut_to_a_recidivist(server: Lab) -> None:
    """`banaction_allports` is iptables too."""
    server.ask("set", "recidive", "banip", OFFENDER)

    wait_for(lambda: server.knock(OFFENDER, WEB) == "dropped", "the wall")
    assert server.knock(OFFENDER, 22) == "dropped"


def test_an_unknown_port_name_costs_nothing(server: Lab) -> None:
    """`imap3`, which iptables refuses, does not cost the jail its wall."""
    server.attack("postfix-sasl", OFFENDER)

    wait_for(lambda: server.knock(OFFENDER, 993) == "dropped", "the wall")
    assert "ERROR" not in server.log()


def test_stop_leaves_the_rules_as_they_were(lab: Lab) -> None:
    """A rule of the administrator's stands before, during and after; ours are gone."""
    lab.stage.run("iptables", "-w", "-A", "INPUT", "-p", "tcp", "--dport", "99", "-j", "REJECT")
    before, before6 = rules(lab), rules(lab, "ip6tables")
    lab.open_doors()
    lab.configure({**FILES, "jail.local": WITH_IPTABLES})
    lab.start()
    lab.attack("postfix", OFFENDER)
    lab.attack("sshd", OFFENDER6)
    wait_for(lambda: lab.knock(OFFENDER, 25) == lab.knock(OFFENDER6, 22) == "dropped", "the walls")
    assert before[-1] in rules(lab)

    lab.stop()

    assert rules(lab) == before
    assert rules(lab, "ip6tables") == before6
