"""Tests of enforce.render: what reaches a shell, and what never does."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.enforce.render import (
    RenderError,
    Ticket,
    empty_ticket,
    fill_static,
    has_families,
    parse_ticket,
    questions,
    render,
)
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Ban, Captured, Cause

HOSTILE = (
    "$(touch /tmp/owned)",
    "`touch /tmp/owned`",
    "a; touch /tmp/owned",
    "' ; touch /tmp/owned ; '",
    '" ; touch /tmp/owned ; "',
    "a\ntouch /tmp/owned",
    "~!id",
    "<ip>",
    "${IFS}",
    "\\",
    "a\0b",
    "-rf",
    "x" * 65536,
)
values = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=80))


def ban(
    who: str = "192.0.2.1", *, captured: Mapping[str, Captured] | None = None, matches: tuple[str, ...] = ()
) -> Ban:
    """A ban of jail sshd."""
    return Ban(
        "sshd", parse_subject(who), 1_800_000_000.5, 600, failures=3, count=2, matches=matches, captured=captured or {}
    )


def shell(text: str, ban_: Ban, properties: Mapping[str, str] | None = None) -> str:
    """What the rendered script prints."""
    script = render(text, properties or {}, parse_ticket(ban_))
    done = subprocess.run(
        ["/bin/sh", "-c", script.text], env={**os.environ, **script.environment}, capture_output=True, check=True
    )
    return done.stdout.decode()


def test_what_we_computed_is_text() -> None:
    """Addresses, numbers and the family stand in the script itself."""
    text = "<ip> <fid> <family> <ip-rev> <failures> <time> <bantime> <bancount> <restored>"
    script = render(text, {}, parse_ticket(ban()))
    assert script.text == "192.0.2.1 192.0.2.1 inet4 1.2.0.192. 3 1800000000.5 600 2 0"
    assert script.environment == {}


def test_ipv6_is_reversed_by_nibbles() -> None:
    """As name servers ask for it, with a final dot and no suffix."""
    script = render("<ip-rev> <family>", {}, parse_ticket(ban("2001:db8::1")))
    assert script.text == "1" + ".0" * 23 + ".8.b.d.0.1.0.0.2. inet6"


def test_a_networks_text_is_an_address_too() -> None:
    """A prefix has been parsed like an address, so it may stand in a command."""
    assert render("-s <ip>", {}, parse_ticket(ban("192.0.2.0/24"))).text == "-s 192.0.2.0/24"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_identifier_that_is_no_address_is_no_text(hostile: str) -> None:
    """A filter took something else for an identifier: it travels in the environment, under ip and fid."""
    script = render('"<ip>" "<fid>" <family> "<F-ID>"', {}, parse_ticket(ban(hostile)))
    assert script.text == '"$f2bV_ip" "$f2bV_fid" None "$f2bV_F_ID"'


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_values_arrive_as_they_are_and_run_nothing(hostile: str) -> None:
    """The shell prints a stranger's words to the letter, from double quotes, and does nothing else with them."""
    told = hostile.replace("\0", "\N{REPLACEMENT CHARACTER}")
    printed = shell('printf %s "<F-USER>|<matches>"', ban(captured={"user": hostile}, matches=(hostile, "second")))
    assert printed == f"{told}|{told}\nsecond"
    assert not Path("/tmp/owned").exists()


@settings(max_examples=60, deadline=None)
@given(values, values, values)
def test_no_strangers_word_is_ever_text(user: str, line: str, who: str) -> None:
    """Whatever was captured, logged or banned, the script is the same: only the environment differs."""
    template = 'echo "<F-USER>" <F-HOST> "<matches>" "<ipmatches>" "<raw-ticket>" "<ip-host>" <ip> <F-ID>'
    facts = {"ip-host": user, "ipmatches": line}
    one = render(template, {}, parse_ticket(ban(f"x{who}", captured={"user": user, "host": line})), facts)
    other = render(template, {}, parse_ticket(ban("x", captured={"user": "", "host": ""})), facts)
    assert one.text == other.text
    assert all("\0" not in value for value in one.environment.values())


def test_harmless_words_travel_the_same_way() -> None:
    """A user called root is passed as a variable too: what is text does not depend on what a stranger wrote."""
    script = render("echo <F-USER>", {}, parse_ticket(ban(captured={"user": "root"})))
    assert (script.text, script.environment) == ("echo $f2bV_F_USER", {"f2bV_F_USER": "root"})


def test_what_was_not_captured_is_empty() -> None:
    """An F-tag without a group becomes nothing; a group that took no part, too; a tuple is joined."""
    captured: dict[str, Captured] = {"user": ("alice", None, "bob")}
    assert shell("printf %s '<F-NONE>' \"<F-USER>\"", ban(captured=captured)) == "alice bob"


def test_unknown_tags_stay() -> None:
    """They may be redirections, or meant for somebody else; lower-case F-tags are no tags either."""
    assert render("cat <STDIN> <A b> <f-user>", {}, parse_ticket(ban())).text == "cat <STDIN> <A b> <f-user>"


def test_values_are_not_filled_in_again() -> None:
    """A log line that spells a tag is printed, not obeyed."""
    assert shell('printf %s "<matches>"', ban(matches=("<ip> <name>",)), {"name": "x"}) == "<ip> <name>"


def test_properties_are_filled_in_again_and_by_family() -> None:
    """A property may consist of others, their names may be composed, and a family has its own."""
    properties = {
        "rule": "<fw> <rule_<type>>",
        "rule_one": "--dport <port>",
        "port": "22",
        "type": "one",
        "fw": "iptables",
        "fw?family=inet6": "ip6tables",
    }
    assert fill_static("<rule><br>x<sp>y", properties, "inet4") == "iptables --dport 22\nx y"
    assert fill_static("<rule>", properties, "inet6") == "ip6tables --dport 22"
    assert has_families(properties)
    assert not has_families({"fw": "x"})


@pytest.mark.parametrize("properties", [{"a": "<b>", "b": "<a>"}, {"a": "<a><a>"}, {"a": "x <a>"}])
def test_properties_that_never_end_are_refused(properties: dict[str, str]) -> None:
    """The error names a culprit, and comes before the memory is full."""
    with pytest.raises(RenderError, match=r"without end: <[ab]>"):
        fill_static("<a>", properties, "")


def test_a_property_cannot_take_a_strangers_place() -> None:
    """Whatever an action file calls `matches` or `ip`, the ticket answers for these names."""
    script = render('<ip> "<matches>"', {"ip": "no", "matches": "no"}, parse_ticket(ban(matches=("yes",))))
    assert script.text == '192.0.2.1 "$f2bV_matches"'


def test_only_what_is_needed_is_asked_and_only_counters_become_text() -> None:
    """A jail's counter is a number of ours; the lines of the ledger, and a counter that is none, are not."""
    facts = {"jail.found": "7", "jail.banned": "7; id", "ipmatches": "old\nlines", "fq-hostname": "mx.example.com"}
    ticket = parse_ticket(ban(matches=("new",)))
    assert questions("<ip> <failures> <nosuch> <F-USER>", {}, ticket) == frozenset()
    assert questions("<who> <jail.found>", {"who": "<ip-host>"}, ticket) == {"ip-host", "jail.found"}
    script = render('<jail.found> <jail.banned> "<ipmatches>" "<fq-hostname>" "<ipjailmatches>"', {}, ticket, facts)
    assert script.text == '7 $f2bV_jail_banned "$f2bV_ipmatches" "$f2bV_fq_hostname" "$f2bV_ipjailmatches"'
    assert script.environment["f2bV_ipmatches"] == "old\nlines"
    assert script.environment["f2bV_ipjailmatches"] == "new"


def test_a_restored_ban_says_so() -> None:
    """By its cause, or because whoever starts the action knows."""
    restored = Ban("sshd", parse_subject("192.0.2.1"), 1.0, -1, cause=Cause.RESTORED)
    assert render("<restored> <bantime> <bancount>", {}, parse_ticket(restored)).text == "1 -1 2"
    assert render("<restored>", {}, parse_ticket(ban(), restored=True)).text == "1"


def test_nobodys_ticket_is_empty() -> None:
    """At start and stop the tags of a ticket are empty, but for time and family."""
    script = render("[<ip>|<matches>|<F-USER>|<family>|<time>|<restored>]", {}, empty_ticket("inet6", 12.5))
    assert script.text == "[|||inet6|12.5|0]"


@given(st.dictionaries(st.sampled_from(["user", "id", "ip4"]), values))
def test_variable_names_are_names(captured: dict[str, str]) -> None:
    """However a tag is spelled, its variable is a name that a shell can hold."""
    tags = "<F-USER> <F-ID> <F-IP4> <F-ÄÖ> <F-A.B>"
    ticket = Ticket("", {}, {}, {**captured, "äö": "x", "a.b": "x"})
    script = render(tags, {}, ticket)
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in script.environment)
