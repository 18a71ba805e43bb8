"""Tests of lookup.services."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sekisho.lookup.services import ask_system, parse_ports, render_for_commands, with_known_ports
from sekisho.model.ports import ALL_PORTS, PortRange


def nobody(name: str, protocol: str) -> int | None:
    """A system without /etc/services."""
    return None


def debian(name: str, protocol: str) -> int | None:
    """A system that knows some of today's names, most of them for TCP only."""
    if protocol == "udp":
        return {"domain": 53}.get(name)
    return {"smtp": 25, "submission": 587, "domain": 53, "ssh": 2200}.get(name)


def test_the_mail_servers_ports_are_known_without_the_system() -> None:
    """All names of the mail server's jails have a port, on a host whose system knows no name at all."""
    ports = parse_ports("smtp,465,submission,imap3,imaps,pop3,pop3s,imap,sieve,ftp,ftp-data,ftps,ftps-data,ssh", nobody)
    numbers = [20, 21, 22, 25, 110, 143, 220, 465, 587, 989, 990, 993, 995, 4190]
    merged = [number for span in ports.ports for number in range(span.first, span.last + 1)]
    assert merged == numbers
    assert not ports.warnings


def test_a_retired_name_costs_nothing() -> None:
    """`imap3`, which today's systems have forgotten, is port 220."""
    assert parse_ports("imap3", debian).ports == (PortRange(220, 220),)


def test_the_system_is_believed_first() -> None:
    """Where the administrator gave a name another port, that port is protected."""
    assert parse_ports("ssh", debian).ports == (PortRange(2200, 2200),)


def test_an_unknown_name_leaves_the_rest_protected() -> None:
    """One name that nobody knows is a warning with the name in it; the other ports stand."""
    ports = parse_ports("smtp,smtpp,465", debian)
    assert ports.ports == (PortRange(25, 25), PortRange(465, 465))
    assert ports.unknown == ("smtpp",)
    assert "'smtpp'" in ports.warnings[0]


def test_a_list_that_protects_nothing_says_so() -> None:
    """With no port left the last warning says that nothing is protected."""
    assert "nothing is protected" in parse_ports("smtpp", debian).warnings[-1]
    assert "nothing is protected" in parse_ports(" , ", debian).warnings[-1]


def test_ranges_are_read_in_both_spellings() -> None:
    """Colon as in iptables, dash as in nft, an open end, blanks as separators, and every port."""
    assert parse_ports("60000:61000 7-9,65000:", nobody).ports == (
        PortRange(7, 9),
        PortRange(60000, 61000),
        PortRange(65000, 65535),
    )
    assert parse_ports("all", nobody).ports == parse_ports("0:65535", nobody).ports == ALL_PORTS


def test_what_is_no_port_is_unknown() -> None:
    """Too large, backwards, or digits of another script: reported, never raised."""
    assert parse_ports("70000,9:8,:,٢٢", nobody).unknown == ("70000", "9:8", ":", "٢٢")


def test_commands_get_names_that_the_system_knows() -> None:
    """A name known to the system stays, a retired one becomes its number, an unknown one is left out."""
    assert render_for_commands("smtp,imap3,nope,60000-61000", debian) == "smtp,220,60000:61000"


def test_a_name_must_be_known_in_each_protocol() -> None:
    """A command that asks for `ssh` over UDP fails on a host where ssh is TCP only; it gets the number."""
    assert with_known_ports({"port": "ssh,domain", "protocol": "tcp,udp"}, debian)["port"] == "2200,domain"
    assert with_known_ports({"port": "ssh,domain", "protocol": "tcp"}, debian)["port"] == "ssh,domain"
    assert with_known_ports({"port": "ssh,domain", "protocol": "all"}, debian)["port"] == "ssh,domain"


def test_ports_are_mended_where_they_are_spelled_out() -> None:
    """The port's text was filled into the commands before the host was known; it is mended there, and only there."""
    properties = {"port": "smtp,imap3", "actionban": "fw --dports smtp,imap3 -j x", "note": "xsmtp,imap3"}
    assert with_known_ports(properties, debian) == {
        "port": "smtp,220",
        "actionban": "fw --dports smtp,220 -j x",
        "note": "xsmtp,imap3",
    }
    assert with_known_ports({"port": "smtp"}, debian) == {"port": "smtp"}
    assert with_known_ports({"actionban": "x"}, debian) == {"actionban": "x"}


def test_the_system_does_not_choke_on_odd_names() -> None:
    """A name with a NUL, or with anything that a resolver refuses, is simply unknown."""
    assert ask_system("a\0b") is None
    assert ask_system("\udcff") is None


@given(st.text(max_size=40))
def test_no_text_raises(text: str) -> None:
    """Whatever stands in `port`, the answer is ports or warnings."""
    ports = parse_ports(text, nobody)
    assert ports.ports or ports.warnings
    render_for_commands(text, nobody)
