"""Stock actions for programs that this system does not have: a stand-in records what would have been run."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.commanded import BAD, BAD6, ban, spec

from sekisho.enforce.commands import CommandAction
from sekisho.enforce.render import parse_ticket, render
from sekisho.enforce.runner import Runner
from sekisho.model.specs import ActionSpec

STAND_IN = """#!/bin/sh
printf '%s' "${0##*/}" >> "$RECORD"
for word; do printf ' %s' "$word" >> "$RECORD"; done
case " $* " in *' -f - '*)
  printf ' <<' >> "$RECORD"
  while read -r line; do printf ' %s;' "$line" >> "$RECORD"; done ;;
esac
echo >> "$RECORD"
cat "$ANSWERS/${0##*/}" 2>/dev/null
! grep -Fxq -- "$*" "$ANSWERS/refused" 2>/dev/null
"""
PREFIX, PREFIX6 = "198.51.100.0/24", "2001:db8:66::/48"


def recorded(
    tmp_path: Path, action: str, *programs: str, answers: dict[str, str] | None = None
) -> dict[str, list[str]]:
    """Return the command lines of each step of a life: start, a ban of each family, a prefix, unban, flush, stop."""
    record, bin_, said = tmp_path / "record", tmp_path / "bin", tmp_path / "answers"
    for folder in (bin_, said):
        folder.mkdir()
    for name, text in (answers or {}).items():
        (said / name).write_text(text)
    for program in programs:
        (bin_ / program).write_text(STAND_IN)
        (bin_ / program).chmod(0o755)
    environment = {"PATH": f"{bin_}:{os.environ['PATH']}", "RECORD": str(record), "ANSWERS": str(said)}
    steps: dict[str, list[str]] = {}

    def note(step: str) -> None:
        steps[step] = record.read_text().splitlines() if record.exists() else []
        record.write_text("")

    async def play(which: ActionSpec) -> None:
        fw = CommandAction(which, jail="mine", runner=Runner(environment=environment), clock=time.time)
        assert await fw.start([]) == []
        note("start")
        for step, who in (("ban", BAD), ("ban6", BAD6), ("prefix", PREFIX), ("prefix6", PREFIX6)):
            assert await fw.ban([ban(who)]) == [], step
            note(step)
        for step, who in (("unban", BAD), ("unban6", BAD6)):
            assert await fw.unban([ban(who)]) == [], step
            note(step)
        await fw.stop([])
        note("stop")

    asyncio.run(play(spec(tmp_path / "tree", action)))
    return steps


def test_pf_has_an_anchor_and_a_table_for_the_jail(tmp_path: Path) -> None:
    """The commands are pfctl(8)'s; the rule names ports in braces."""
    steps = recorded(tmp_path, 'pf[port="ssh,http"]', "pfctl")
    anchor = "pfctl -a f2b/mine"
    table = "table <f2b-mine> persist counters;"
    assert steps["start"] == [
        f"{anchor} -f - << {table} block quick proto tcp from <f2b-mine> to any port {{ ssh,http }};",
        f"{anchor} -t f2b-mine -T flush",
    ]
    assert steps["ban"] == [f"{anchor} -t f2b-mine -T add {BAD}"]
    assert steps["ban6"] == [f"{anchor} -t f2b-mine -T add {BAD6}"]
    assert steps["prefix6"] == [f"{anchor} -t f2b-mine -T add {PREFIX6}"]
    assert steps["unban"] == [f"{anchor} -t f2b-mine -T delete {BAD}"]
    assert steps["stop"] == [
        f"{anchor} -t f2b-mine -T flush",
        f"{anchor} -t f2b-mine -T kill",
        f"{anchor} -F rules",
        f"{anchor} -F Tables",
    ]


def test_pf_for_all_ports(tmp_path: Path) -> None:
    """`actiontype=<allports>` closes everything."""
    start = recorded(tmp_path, "pf[actiontype=<allports>]", "pfctl")["start"]
    assert start[0].endswith("block quick proto tcp from <f2b-mine> to any;")


@pytest.mark.parametrize(
    ("action", "program", "expected"),
    [
        ("ipfilter", "ipf", {"ban": "-f - << block return-icmp(port-unr) in quick from {} to any;"}),
        ("ipfilter", "ipf", {"unban": "-r -f - << block return-icmp(port-unr) in quick from {} to any;"}),
        ("ipfw[port=ssh]", "ipfw", {"ban": "-q add unreach port tcp from {} to me ssh // f2b-mine"}),
        ("osx-ipfw[port=ssh, rulenum=7]", "ipfw", {"ban": "add 7 set 10 unreach port log tcp from {} to me ssh"}),
        (
            "bsd-ipfw[startstatefile=/dev/null, lowest_rule_num=65535]",
            "ipfw",
            {"ban": "-q table 1 add {}", "unban": "-q table 1 delete {}"},
        ),
        ("apf", "apf", {"ban": "--deny {} f2b-mine", "unban": "--remove {}"}),
        ("csf", "csf", {"ban": "--deny {} f2b-mine", "unban": "--denyrm {}"}),
        ("shorewall", "shorewall", {"ban": "reject {}", "unban": "allow {}"}),
        ('ufw[blocktype=deny, comment="<name>"]', "ufw", {"ban": "prepend deny from {} to any comment mine"}),
        ('ufw[application="Apache Full"]', "ufw", {"unban": "delete reject from {} to any app Apache Full"}),
    ],
)
def test_the_commands_of_other_firewalls(tmp_path: Path, action: str, program: str, expected: dict[str, str]) -> None:
    """Each is what the program's manual page says."""
    steps = recorded(tmp_path, action, program, "shorewall6")
    for step, words in expected.items():
        assert steps[step] == [f"{program} {words.format(BAD)}"]


@pytest.mark.parametrize("blocktype", ["unreach port", "deny"])
def test_a_rule_is_deleted_by_its_number(tmp_path: Path, blocktype: str) -> None:
    """Ipfw lists what it holds; of the jail's own rules, those about the address go, and at the stop all of them."""
    listing = (
        f"00100 {blocktype} tcp from {BAD} to me 22 // f2b-mine\n"
        f"00200 {blocktype} tcp from {BAD} to me 22 // f2b-another\n"
        f"00300 {blocktype} tcp from {BAD}0 to me 22 // f2b-mine\n"
        f"00400 {blocktype} tcp from {BAD} to me 22\n"
    )
    steps = recorded(tmp_path, f'ipfw[blocktype="{blocktype}"]', "ipfw", answers={"ipfw": listing})
    assert steps["unban"] == ["ipfw list", "ipfw -q delete 00100"]
    mine = ["ipfw list", "ipfw -q delete 00100", "ipfw -q delete 00300"]
    assert steps["start"] == mine  # what an earlier life left
    assert steps["stop"] == mine


def test_ipfw_refuses_each_family_in_its_own_words(tmp_path: Path) -> None:
    """`unreach` is ICMP's word; ICMPv6 has one of its own."""
    ban6 = recorded(tmp_path, "ipfw", "ipfw")["ban6"]
    assert ban6 == [f"ipfw -q add unreach6 port tcp from {BAD6} to me ssh // f2b-mine"]


def test_osx_ipfw_finds_the_number_of_its_rule(tmp_path: Path) -> None:
    """Wherever the address stands in the line; rules of others that share the set stay."""
    listing = f"00007 set 10 deny log tcp from {BAD} to me 22\n00008 set 10 deny log tcp from 198.51.100.6 to me 22\n"
    steps = recorded(tmp_path, "osx-ipfw", "ipfw", answers={"ipfw": listing})
    assert steps["unban"] == ["ipfw -S list", "ipfw delete 00007"]
    assert not any("set 10" in line for line in steps["stop"])


def test_npf_s_table_may_be_shared(tmp_path: Path) -> None:
    """Who is in the table is put in anew; at the stop each of ours goes, and nobody else."""
    steps = recorded(tmp_path, "npf", "npfctl")
    assert steps["ban"] == [f"npfctl table fail2ban rem {BAD}", f"npfctl table fail2ban add {BAD}"]
    assert steps["unban6"] == [f"npfctl table fail2ban rem {BAD6}"]
    assert steps["stop"] == [f"npfctl table fail2ban rem {who}" for who in (PREFIX, PREFIX6)]


@pytest.mark.parametrize(("seconds", "minutes"), [(600, 10), (601, 11), (-1, 52560000)])
def test_afctl_counts_in_minutes(tmp_path: Path, seconds: int, minutes: int) -> None:
    """The ban is never shorter than asked for; one without end has a hundred years."""
    which = spec(tmp_path / "tree", "osx-afctl")
    who = replace(ban(BAD), duration=seconds)
    text = render(which.properties["actionban"], which.properties, parse_ticket(who)).text
    shown = subprocess.run(["sh", "-c", f"echo {text}"], capture_output=True, text=True, check=True).stdout
    assert shown == f"/usr/libexec/afctl -a {BAD} -t {minutes}\n"


def test_a_table_s_rule_is_made_once_and_taken_away(tmp_path: Path) -> None:
    """It has the first free number, which is remembered in a file until the end."""
    state = tmp_path / "started"
    action = f'bsd-ipfw[table=7, port=ssh, startstatefile="{state}", lowest_rule_num=40]'
    steps = recorded(tmp_path, action, "ipfw", answers={"refused": "list 41\n"})
    rule = "ipfw -q add 41 unreach port ip from table(7) to me ssh"
    assert steps["start"] == ["ipfw show", "ipfw list 40", "ipfw list 41", rule]
    left = [f"ipfw -q table 7 delete {who}" for who in (PREFIX, PREFIX6)]
    assert steps["stop"] == [*left, "ipfw table 7 list", "ipfw -q delete 41"]
    assert not state.exists()


def test_a_table_s_rule_stays_while_others_are_in_it(tmp_path: Path) -> None:
    """Another jail shares the table: its bans keep the rule, and the note of its number."""
    state = tmp_path / "made" / "started"
    answers = {"ipfw": "203.0.113.9/32 0\n", "refused": "list 40\n"}
    steps = recorded(
        tmp_path, f'bsd-ipfw[table=7, startstatefile="{state}", lowest_rule_num=40]', "ipfw", answers=answers
    )
    assert steps["stop"][-1] == "ipfw table 7 list"
    assert state.read_text() == "40\n"


def test_shorewall_speaks_to_each_family_s_own(tmp_path: Path) -> None:
    """IPv6 has a program of its own."""
    steps = recorded(tmp_path, "shorewall[blocktype=drop]", "shorewall", "shorewall6")
    assert (steps["ban"], steps["ban6"]) == ([f"shorewall drop {BAD}"], [f"shorewall6 drop {BAD6}"])


def test_mikrotik_s_list_is_the_router_s(tmp_path: Path) -> None:
    """The words are RouterOS', each family has a menu of its own; the comment tells our entries from others."""
    action = 'mikrotik[user=admin, host=192.0.2.254, keyfile="/k", list=bad]'
    steps = recorded(tmp_path, action, "ssh")
    ssh, menu = "ssh -o BatchMode=yes -l admin -p 22 -i /k 192.0.2.254", "firewall address-list"
    removed = f'remove [find list="bad" comment="f2b-mine {BAD}"]'
    removed6 = f'remove [find list="bad" comment="f2b-mine {BAD6}"]'
    left = 'remove [find list="bad" comment~"^f2b-mine "]'
    assert steps["ban"] == [
        f"{ssh} /ip {menu} {left}",
        f'{ssh} /ip {menu} {removed}; /ip {menu} add list="bad" address={BAD} comment="f2b-mine {BAD}"',
    ]
    assert steps["ban6"][1] == (
        f'{ssh} /ipv6 {menu} {removed6}; /ipv6 {menu} add list="bad" address={BAD6} comment="f2b-mine {BAD6}"'
    )
    assert steps["unban6"] == [f"{ssh} /ipv6 {menu} {removed6}"]
    assert steps["stop"] == [f"{ssh} /ip {menu} {left}", f"{ssh} /ipv6 {menu} {left}"]


def test_mikrotik_without_a_key_file_leaves_the_choice_to_ssh(tmp_path: Path) -> None:
    """No empty word is handed over."""
    steps = recorded(tmp_path, "mikrotik[host=192.0.2.254]", "ssh")
    assert steps["unban"][0].startswith("ssh -o BatchMode=yes -l admin -p 22 192.0.2.254 /ip ")


def test_firewalld_s_direct_rules(tmp_path: Path) -> None:
    """A chain for each family, made before its first ban; ranges are spelt as iptables wants them."""
    steps = recorded(tmp_path, 'firewallcmd-multiport[port="ssh,1000-1010"]', "firewall-cmd")
    direct = "firewall-cmd --direct"
    jump = "ipv4 filter INPUT_direct 0 -p tcp -m multiport --dports ssh,1000:1010 -j f2b-mine"
    assert steps["start"] == []
    assert steps["ban"][:3] == [
        f"{direct} --query-chain ipv4 filter f2b-mine",
        f"{direct} --remove-rules ipv4 filter f2b-mine",
        f"{direct} --add-rule ipv4 filter f2b-mine 1000 -j RETURN",
    ]
    assert steps["ban"][3] == f"{direct} --query-rule {jump}"
    rule = f"ipv4 filter f2b-mine 0 -s {BAD} -j REJECT --reject-with icmp-port-unreachable"
    assert steps["ban"][-1] == f"{direct} --add-rule {rule}"
    assert steps["ban6"][-1].endswith(f"-s {BAD6} -j REJECT --reject-with icmp6-port-unreachable")
    assert steps["unban"] == [f"{direct} --remove-rule {rule}"]
    assert f"{direct} --remove-chain ipv6 filter f2b-mine" in steps["stop"]


def test_firewalld_s_rich_rules(tmp_path: Path) -> None:
    """One for each port, with the address' own family and reason."""
    steps = recorded(tmp_path, 'firewallcmd-rich-logging[port="22,80"]', "firewall-cmd")
    rule = (
        "firewall-cmd --zone=public --{}-rich-rule=rule family='{}' source address='{}' port port='{}' protocol='tcp' "
    )
    rule += "log prefix='f2b-mine' level='info' limit value='1/m' reject type='{}'"
    assert steps["ban"] == [rule.format("add", "ipv4", BAD, port, "icmp-port-unreachable") for port in (22, 80)]
    assert steps["unban6"] == [rule.format("remove", "ipv6", BAD6, port, "icmp6-port-unreachable") for port in (22, 80)]
