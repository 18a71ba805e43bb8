"""Tests of enforce.ruleset; the texts themselves are in tests/firewall."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.enforce.ruleset import (
    Block,
    Reach,
    parse_block,
    parse_reach,
    parse_rules,
    render_label,
    render_set_up,
    render_take_down,
)
from sekisho.model.ports import ALL_PORTS, PortRange

SSH = (PortRange(22, 22),)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(names)
def test_every_jail_has_a_name_that_nft_reads(jail: str) -> None:
    """Whatever the jail is called, its label is of nft's alphabet and short enough for the kernel."""
    label = render_label(jail)
    assert re.fullmatch(r"[A-Za-z0-9/_.-]+", label)
    assert len("addr6-set-" + label) < 256


@given(st.lists(st.tuples(names, names | st.just("nftables")), min_size=2, max_size=2, unique=True))
def test_two_actions_never_share_a_set(pair: list[tuple[str, str]]) -> None:
    """Different jails, or different actions of one jail, have different labels."""
    assert render_label(*pair[0]) != render_label(*pair[1])


def test_names_made_to_collide_do_not() -> None:
    """A jail called like another one with its action, or like another one's escapes, keeps a name of its own."""
    crafty = [
        ("a/b", "nftables"),
        ("a", "b"),
        ("a//2f/b", "nftables"),
        ("a", "/b"),
        ("a/", "b"),
        ("x" * 300, "nftables"),
    ]
    crafty.append(("x" * 301, "nftables"))
    assert len({render_label(*each) for each in crafty}) == len(crafty)


def test_familiar_names_stay_familiar() -> None:
    """An ordinary jail is found under its own name."""
    assert render_label("postfix-sasl") == "postfix-sasl"
    assert render_label("sshd", "nftables-allports") == "sshd/nftables-allports"


@pytest.mark.parametrize(
    ("blocktype", "block"),
    [
        ("drop", Block()),
        ("DROP", Block()),
        ("reject", Block("reject", "reject")),
        ("REJECT", Block("reject", "reject")),
        ("reject with tcp reset", Block("reject", "reject", reset=True)),
        ("REJECT --reject-with tcp-reset", Block("reject", "reject", reset=True)),
        ("reject with icmp type host-prohibited", Block("reject with icmp host-prohibited", "reject")),
        ("reject with icmpv6 no-route", Block("reject", "reject with icmpv6 no-route")),
        (
            "reject with icmpx admin-prohibited",
            Block("reject with icmpx admin-prohibited", "reject with icmpx admin-prohibited"),
        ),
        ("REJECT --reject-with icmp-port-unreachable", Block("reject with icmp port-unreachable", "reject")),
        ("REJECT --reject-with icmp6-adm-prohibited", Block("reject", "reject with icmpv6 admin-prohibited")),
    ],
)
def test_blocktypes_are_read_in_nfts_and_in_iptables_words(blocktype: str, block: Block) -> None:
    """Both spellings are understood; a reason of one family leaves the other with an ordinary refusal."""
    assert parse_block(blocktype) == block


@pytest.mark.parametrize("blocktype", ["accept", "reject with icmp oops", "drop; add table x", "reject\nflush ruleset"])
def test_a_blocktype_that_means_nothing_is_refused(blocktype: str) -> None:
    """The message names the option, the value, and what was expected."""
    with pytest.raises(ValueError, match=r"blocktype .* expected drop, reject"):
        parse_block(blocktype)


def test_protocols_come_as_a_list() -> None:
    """Commas, blanks and nft's braces separate protocols; `all` with ports means those that have ports."""
    assert parse_reach("tcp, udp", SSH) == Reach(("tcp", "udp"), SSH)
    assert parse_reach("{ tcp, udp }", None) == Reach(("tcp", "udp"), None)
    assert parse_reach("all", None) == Reach((), None)
    assert parse_reach("all", SSH).protocols == ("tcp", "udp", "udplite", "sctp", "dccp")


def test_every_port_needs_no_port() -> None:
    """`0:65535` is the same as not asking for ports."""
    assert parse_reach("tcp", ALL_PORTS) == Reach(("tcp",), None)


@pytest.mark.parametrize(
    ("properties", "ports", "message"),
    [
        ({"protocol": "tpc"}, SSH, "protocol 'tpc': expected"),
        ({"protocol": "icmp"}, SSH, "has no ports"),
        ({"type": "manyports"}, SSH, "type 'manyports': expected"),
        ({}, (), "no port is left"),
        ({"type": "custom"}, SSH, "rule_match"),
        ({"type": "custom", "rule_match": "tcp dport 22\nflush ruleset"}, SSH, "rule_match"),
    ],
)
def test_properties_that_mean_nothing_are_refused(
    properties: dict[str, str], ports: tuple[PortRange, ...], message: str
) -> None:
    """The message names the property and what was expected."""
    with pytest.raises(ValueError, match=message):
        parse_rules("sshd", "nftables", properties, ports)


def test_the_base_chain_keeps_jumping_to_the_others() -> None:
    """Setting a jail up, or taking it down, leaves every other jail's jump in place."""
    rules = parse_rules("sshd", "nftables", {}, SSH)
    up = render_set_up(rules, {"jail-postfix", "jail-sshd"})
    assert re.findall(r"jump (\S+)", up) == ["jail-postfix", "jail-sshd"]
    assert re.findall(r"jump (\S+)", render_take_down(["sshd"], {"jail-postfix"})) == ["jail-postfix"]


def test_with_the_last_jail_the_table_goes() -> None:
    """Nothing is left behind, even where the table was not there any more."""
    assert render_take_down(["sshd"], set()) == "add table inet sekisho\ndelete table inet sekisho\n"
