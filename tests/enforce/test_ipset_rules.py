"""Tests of enforce.ipset_rules: what iptables is told, to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.enforce.ipset_rules import (
    MOST,
    find_rules,
    parse_ipset_rules,
    parse_label,
    render_change,
    render_label,
    render_rules,
)
from sekisho.model.address import Family
from sekisho.model.ports import PortRange

SSH = (PortRange(22, 22),)


def told(family: Family = Family.INET4, ports: tuple[PortRange, ...] = SSH, **properties: str) -> list[str]:
    """The rules of jail sshd with some properties, without the set's match, which is the same everywhere."""
    rules = parse_ipset_rules("sshd", "ipset", properties, ports)
    asked = f"-m set --match-set {rules.set_name(family)} src "
    found = render_rules(rules, family, rules.table("raw"))
    assert all(asked in text for _, text in found)
    return [f"{hook} {text.replace(asked, '')}" for hook, text in found]


def test_a_jail_is_one_rule_a_family_in_front_of_everything() -> None:
    """Dropped in raw: the packet's port, then the set, then its end."""
    rules = parse_ipset_rules("sshd", "ipset", {}, SSH)
    assert (rules.table("raw"), rules.most) == ("raw", MOST)
    assert render_rules(rules, Family.INET6, "raw") == [
        ("PREROUTING", "-p tcp -m multiport --dports 22 -m set --match-set sekisho6-sshd src -j DROP")
    ]


def test_where_there_is_no_raw_the_next_table_says_the_same() -> None:
    """Before the destination is changed the port is still the one that was dialled; in filter, both are asked for."""
    rules = parse_ipset_rules("sshd", "ipset", {}, SSH)
    assert rules.table("mangle") == "mangle"
    assert render_rules(rules, Family.INET4, "mangle") == render_rules(rules, Family.INET4, "raw")
    assert [hook for hook, _ in render_rules(rules, Family.INET4, "filter")] == ["INPUT"] * 2 + ["FORWARD"] * 2


def test_many_ports_are_told_in_fifteens() -> None:
    """A range counts for two, and no port is lost."""
    ports = (*(PortRange(port, port) for port in range(10, 38, 2)), PortRange(100, 200), PortRange(443, 443))
    assert told(ports=ports) == [
        "PREROUTING -p tcp -m multiport --dports 10,12,14,16,18,20,22,24,26,28,30,32,34,36 -j DROP",
        "PREROUTING -p tcp -m multiport --dports 100:200,443 -j DROP",
    ]


def test_protocols_stand_beside_each_other_and_only_where_they_exist() -> None:
    """Each has a rule; ICMP's own for its family, and one that not every iptables has a name for, by its number."""
    assert told(protocol="udp,dccp") == [
        "PREROUTING -p udp -m multiport --dports 22 -j DROP",
        "PREROUTING -p 33 -m multiport --dports 22 -j DROP",
    ]
    assert told(protocol="icmp,icmpv6", type="allports") == ["PREROUTING -p icmp -j DROP"]
    assert told(Family.INET6, protocol="icmp,icmpv6", type="allports") == ["PREROUTING -p icmpv6 -j DROP"]
    assert told(protocol="all", type="allports") == ["PREROUTING -j DROP"]


def test_a_refusal_stands_where_one_may_be_sent_and_knows_forwarded_ports() -> None:
    """In filter, for this host and what it passes on, by the port of the packet and by the one that was dialled."""
    assert told(blocktype="reject", ports=(PortRange(60000, 61000),)) == [
        f"{hook} -p tcp {ports} -j REJECT"
        for hook in ("INPUT", "FORWARD")
        for ports in ("-m multiport --dports 60000:61000", "-m conntrack --ctorigdstport 60000:61000 --ctdir ORIGINAL")
    ]


@pytest.mark.parametrize(
    ("blocktype", "inet4", "inet6"),
    [
        ("REJECT --reject-with icmp-port-unreachable", "icmp-port-unreachable", ""),
        ("reject with icmp prot-unreachable", "icmp-proto-unreachable", ""),
        ("reject with icmpv6 admin-prohibited", "", "icmp6-adm-prohibited"),
        ("reject with icmpx no-route", "icmp-net-unreachable", "icmp6-no-route"),
        ("reject with icmpx host-unreachable", "icmp-host-unreachable", "icmp6-addr-unreachable"),
    ],
)
def test_a_reason_is_told_in_the_words_of_iptables(blocktype: str, inet4: str, inet6: str) -> None:
    """Of either language; a family that has no such reason refuses without."""
    for family, reason in ((Family.INET4, inet4), (Family.INET6, inet6)):
        ends = {rule.partition(" -j ")[2] for rule in told(family, type="allports", blocktype=blocktype)}
        assert ends == {f"REJECT --reject-with {reason}" if reason else "REJECT"}


def test_a_reset_answers_tcp_and_nothing_else() -> None:
    """Everything else is refused in the ordinary way, behind it."""
    assert told(blocktype="reject with tcp reset", type="allports", protocol="all")[:2] == [
        "INPUT -p tcp -j REJECT --reject-with tcp-reset",
        "INPUT -j REJECT",
    ]
    assert told(blocktype="reject with tcp reset", type="allports") == [
        "INPUT -p tcp -j REJECT --reject-with tcp-reset",
        "FORWARD -p tcp -j REJECT --reject-with tcp-reset",
    ]


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({"type": "custom", "rule_match": "tcp dport 22"}, "rule_match is nft's language"),
        ({"maxelem": "many"}, "maxelem 'many': expected a number"),
        ({"maxelem": "0"}, "maxelem '0'"),
        ({"protocol": "tpc"}, "protocol 'tpc'"),
    ],
)
def test_what_means_nothing_here_is_refused(properties: dict[str, str], complaint: str) -> None:
    """The message names the property."""
    with pytest.raises(ValueError, match=complaint):
        parse_ipset_rules("sshd", "ipset", properties, SSH)


def test_names_are_as_plain_as_they_can_be() -> None:
    """A short jail is its own label, with another action's name behind it; of a long one the beginning is left."""
    assert render_label("sshd") == "sshd"
    assert render_label("sshd", "nftables") == "sshd/nftables"
    assert render_label("nginx-http-auth", "nftables-multiport").startswith("nginx-http-+")
    assert render_label("räuber").startswith("r_uber+")


names = st.text("ab/+-. ä", min_size=1, max_size=40)


@given(st.tuples(names, names), st.tuples(names, names))
def test_two_actions_never_share_a_name_and_every_name_fits(one: tuple[str, str], other: tuple[str, str]) -> None:
    """31 bytes, no blanks, and as different as jail and action are."""
    assert (render_label(*one) == render_label(*other)) == (one == other)
    rules = parse_ipset_rules(*one, {}, SSH)
    for name in (rules.set_name(Family.INET6), rules.fresh_name(Family.INET4)):
        assert len(name.encode()) <= 31
        assert " " not in name
        assert parse_label(name) == rules.label


def test_sets_of_others_are_not_ours() -> None:
    """However near their names come."""
    assert [parse_label(name) for name in ("f2b-sshd", "sekisho5-sshd", "sekisho4-", "sekisho")] == [None] * 4


def test_our_rules_are_found_among_all_others() -> None:
    """Known by the set that they name, whole and in no other way."""
    saved = (
        "# Generated\n*raw\n:PREROUTING ACCEPT [0:0]\n"
        "-A PREROUTING -i lo -j NOTRACK\n"
        "-A PREROUTING -p tcp -m multiport --dports 22 -m set --match-set sekisho4-sshd src -j DROP\n"
        "-A PREROUTING -p tcp -m multiport --dports 22 -m set --match-set sekisho4-sshd2 src -j DROP\nCOMMIT\n"
    )
    assert find_rules(saved, {"sekisho4-sshd"}) == [
        "PREROUTING -p tcp -m multiport --dports 22 -m set --match-set sekisho4-sshd src -j DROP"
    ]


def test_old_and_new_rules_change_places_in_one_transaction() -> None:
    """The old are named as they were saved; the new stand in front, in their order, in each chain."""
    assert render_change("filter", ["INPUT -j OLD"], [("INPUT", "-j A"), ("FORWARD", "-j A"), ("INPUT", "-j B")]) == (
        "*filter\n-D INPUT -j OLD\n-I INPUT 1 -j A\n-I FORWARD 1 -j A\n-I INPUT 2 -j B\nCOMMIT\n"
    )
