"""Every stock action that bars somebody: the real program where this system has it, a recording stand-in where not."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from tests.support.commanded import BAD, BAD6, ban, make, play_with, rules, spec
from tests.support.namespace import SERVER6, is_admitted, run

from sekisho.enforce.commands import CommandAction
from sekisho.enforce.runner import Runner
from sekisho.model.specs import ActionSpec

REAL = pytest.mark.system(needs=("iptables", "ip6tables", "ipset"))
PORTS = (22, 80, 220)
DEBIAN = Path("/etc/fail2ban/action.d")

KINDS = [
    ('iptables-multiport-log[port="ssh"]', {22}, True),
    ('iptables-ipset[type=multiport, port="ssh,220"]', {22, 220}, True),
    ('iptables-ipset[type=oneport, port=ssh, ipsettype="hash:net"]', {22}, True),
    ('iptables-ipset[type=allports, protocol="tcp,udp", chain="INPUT,FORWARD"]', {22, 80, 220}, True),
    ('iptables-ipset-proto6[port="ssh"]', {22}, True),
    ("iptables-ipset-proto6-allports", {22, 80, 220}, True),
    ('iptables-ipset-proto4[port="ssh"]', {22}, False),
]


def sets() -> str:
    """Return the names of all ipsets in the calling thread's namespace."""
    return run("ipset", "-name", "list")


@REAL
@pytest.mark.parametrize(("action", "barred", "both"), KINDS)
def test_iptables_and_ipset_bar_and_leave_nothing(tmp_path: Path, action: str, barred: set[int], both: bool) -> None:  # noqa: FBT001
    """Start, ban, unban, flush, start over what a killed life left, stop: packets tell, and nothing is left behind."""
    which = spec(tmp_path / "tree", action)
    bad = [BAD, BAD6] if both else [BAD]

    async def play(fw: CommandAction) -> None:
        before = (rules(), sets())
        assert await fw.start([]) == []
        assert await fw.ban([ban(who) for who in bad]) == []
        assert {port for port in PORTS if not is_admitted(BAD, port)} == barred
        assert {port for port in PORTS if not is_admitted(BAD6, port, SERVER6)} == (barred if both else set())
        assert await fw.ban([ban("198.51.100.128/28")]) == []
        assert not is_admitted("198.51.100.135", 22)
        assert is_admitted("198.51.100.7", 22)
        assert await fw.unban([ban("198.51.100.128/28")]) == []
        assert is_admitted("198.51.100.135", 22)
        successor = make(which)
        assert await successor.start([ban(BAD)]) == []
        assert not is_admitted(BAD, 22)
        assert await successor.unban([ban(BAD)]) == []
        assert is_admitted(BAD, 22)
        assert await successor.ban([ban(who) for who in bad]) == []
        assert await successor.unban([ban(who) for who in bad]) == []  # all of them: one flush
        assert is_admitted(BAD, 22)
        assert is_admitted(BAD6, 22, SERVER6)
        assert await successor.ban([ban(who) for who in bad]) == []
        await successor.stop([])
        assert (rules(), sets()) == before

    play_with(which, play)


@REAL
def test_recent_addresses_are_a_file(tmp_path: Path) -> None:
    """A ban is a word written into the kernel's list, and one rule bars whoever is on it."""
    if "recent" not in Path("/proc/net/ip_tables_matches").read_text() and not Path("/proc/net/xt_recent").is_dir():
        pytest.skip("this kernel has no xt_recent")

    async def play(fw: CommandAction) -> None:
        assert await fw.start([ban(BAD)]) == []
        assert not is_admitted(BAD, 22)
        assert await fw.unban([ban(BAD)]) == []
        assert is_admitted(BAD, 22)
        await fw.stop([])
        assert rules() == ""

    play_with(spec(tmp_path / "tree", "iptables-xt_recent-echo"), play)


@pytest.mark.system(needs=("fail2ban-client", "iptables", "ip6tables", "ipset", "nft"))
@pytest.mark.parametrize(
    ("action", "barred"),
    [
        ("iptables[port=ssh]", {22}),
        ('iptables-multiport[port="ssh"]', {22}),
        ("iptables-allports", {22, 80, 220}),
        ("iptables-new[port=ssh]", {22}),
        ('iptables-multiport-log[port="ssh"]', {22}),
        ('iptables-ipset-proto6[port="ssh"]', {22}),
        ("iptables-ipset-proto6-allports", {22, 80, 220}),
        ('nftables[port="ssh"]', {22}),
        ('nftables-multiport[port="ssh"]', {22}),
        ("nftables-allports", {22, 80, 220}),
    ],
)
def test_debian_s_own_actions_run(tmp_path: Path, action: str, barred: set[int]) -> None:
    """The files of an existing /etc/fail2ban in place of ours do what they say, and leave nothing behind."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "action.d").symlink_to(DEBIAN)

    async def play(fw: CommandAction) -> None:
        assert await fw.start([]) == []
        assert await fw.ban([ban(BAD), ban(BAD6)]) == []
        assert {port for port in PORTS if not is_admitted(BAD, port)} == barred
        assert {port for port in PORTS if not is_admitted(BAD6, port, SERVER6)} == barred
        assert await fw.unban([ban(BAD)]) == []
        assert is_admitted(BAD, 22)
        assert await fw.ban([ban(BAD)]) == []
        await fw.stop([])
        assert is_admitted(BAD, 22)
        assert is_admitted(BAD6, 22, SERVER6)
        assert (rules(), sets()) == ("", "")

    play_with(spec(tree, action), play)


@pytest.mark.system(needs=("ip",))
def test_route_leads_nowhere_and_back(tmp_path: Path) -> None:
    """A ban is a route of its own, for prefixes too; once lifted, the routes are what they were."""

    async def play(fw: CommandAction) -> None:
        before = run("ip", "route"), run("ip", "-6", "route")
        assert await fw.start([]) == []
        assert await fw.ban([ban("203.0.113.9"), ban("203.0.113.128/25"), ban("2001:db8:9::9")]) == []
        assert "unreachable 203.0.113.9 " in run("ip", "route")
        assert "unreachable 203.0.113.128/25 " in run("ip", "route")
        assert "unreachable 2001:db8:9::9 " in run("ip", "-6", "route")
        assert await make(which).start([ban("203.0.113.9")]) == []
        await fw.stop([])
        assert (run("ip", "route"), run("ip", "-6", "route")) == before

    which = spec(tmp_path / "tree", "route")
    play_with(which, play)


def test_hosts_deny_keeps_everybody_else_s_lines(tmp_path: Path) -> None:
    """A line for each address, no line twice; what the administrator wrote stays as it is, to the last newline."""
    file = tmp_path / "hosts.deny"
    mine = "# mine\nsshd: 203.0.113.1 \\\n  203.0.113.2\n\n"
    file.write_text(mine)

    async def play() -> None:
        action = make(spec(tmp_path / "tree", f'hostsdeny[file="{file}", daemon_list="sshd, vsftpd"]'))
        await action.start([])
        assert await action.ban([ban(BAD), ban(BAD6), ban("198.51.100.0/24"), ban(BAD)]) == []
        lines = [f"sshd, vsftpd: {who}" for who in (BAD, f"[{BAD6}]", "198.51.100.0/24")]
        assert file.read_text() == mine + "".join(f"{line}\n" for line in lines)
        assert [failed.ban.subject.text for failed in await action.ban([ban("ALL\nALL: EXCEPT")])] == [
            "ALL\nALL: EXCEPT"
        ]
        await action.stop([])
        assert file.read_text() == mine

    asyncio.run(play())


def test_two_jails_write_hosts_deny_at_once(tmp_path: Path) -> None:
    """Neither loses a line of the other's."""
    file = tmp_path / "hosts.deny"
    file.write_text("")

    async def play() -> None:
        one, two = (make(spec(tmp_path / name, f'hostsdeny[file="{file}"]')) for name in ("one", "two"))
        await asyncio.gather(one.start([]), two.start([]))
        kept, lifted = [[ban(f"198.51.100.{part + number}") for number in range(20)] for part in (0, 100)]
        await asyncio.gather(one.ban(kept), two.ban(lifted))
        await asyncio.gather(one.ban([ban("203.0.113.1")]), two.unban(lifted[:10]))
        assert sorted(file.read_text().split()[1::2]) == sorted(
            each.subject.text for each in (*kept, *lifted[10:], ban("203.0.113.1"))
        )

    asyncio.run(play())


# -- programs of other systems: what would have been run


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
        f"{anchor} -f - << {table} block quick proto tcp from <f2b-mine> to any port {{ ssh,http }};"
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
        ("npf", "npfctl", {"ban": "table fail2ban add {}", "unban": "table fail2ban rem {}"}),
        ("ipfilter", "ipf", {"ban": "-f - << block return-icmp(port-unr) in quick from {} to any;"}),
        ("ipfilter", "ipf", {"unban": "-r -f - << block return-icmp(port-unr) in quick from {} to any;"}),
        ("ipfw[port=ssh]", "ipfw", {"ban": "add unreach port tcp from {} to 127.0.0.1 ssh"}),
        ("osx-ipfw[port=ssh, rulenum=7]", "ipfw", {"ban": "add 7 set 10 deny log tcp from {} to me ssh"}),
        (
            "bsd-ipfw[startstatefile=/dev/null, lowest_rule_num=65535]",
            "ipfw",
            {"ban": "table 1 add {}", "unban": "table 1 delete {}"},
        ),
        ("apf", "apf", {"ban": "--deny {} banned by Fail2Ban mine", "unban": "--remove {}"}),
        ("csf", "csf", {"ban": "--deny {} banned by Fail2Ban mine", "unban": "--denyrm {}"}),
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


def test_a_rule_is_deleted_by_its_number(tmp_path: Path) -> None:
    """Ipfw lists what it holds; only the rules that are about the address go."""
    listing = (
        f"00100 unreach port tcp from {BAD} to 127.0.0.1 22\n00200 unreach port tcp from 198.51.100.6 to 127.0.0.1 22\n"
    )
    assert recorded(tmp_path, "ipfw", "ipfw", answers={"ipfw": listing})["unban"] == ["ipfw list", "ipfw delete 00100"]


def test_a_table_s_rule_is_made_once_and_taken_away(tmp_path: Path) -> None:
    """It has the first free number, which is remembered in a file until the end."""
    state = tmp_path / "started"
    action = f'bsd-ipfw[table=7, port=ssh, startstatefile="{state}", lowest_rule_num=40]'
    steps = recorded(tmp_path, action, "ipfw", answers={"refused": "list 41\n"})
    rule = "ipfw -q add 41 unreach port ip from table(7) to me ssh"
    assert steps["start"] == ["ipfw show", "ipfw list 40", "ipfw list 41", rule]
    assert steps["stop"] == ["ipfw table 7 flush", "ipfw -q delete 41"]
    assert not state.exists()


def test_shorewall_speaks_to_each_family_s_own(tmp_path: Path) -> None:
    """IPv6 has a program of its own."""
    steps = recorded(tmp_path, "shorewall[blocktype=drop]", "shorewall", "shorewall6")
    assert (steps["ban"], steps["ban6"]) == ([f"shorewall drop {BAD}"], [f"shorewall6 drop {BAD6}"])


def test_mikrotik_s_list_is_the_router_s(tmp_path: Path) -> None:
    """The words are RouterOS'; the comment tells our entries from others."""
    action = 'mikrotik[user=admin, host=192.0.2.254, keyfile="/k", list=bad]'
    steps = recorded(tmp_path, action, "ssh")
    ssh = "ssh -o BatchMode=yes -l admin -p 22 -i /k 192.0.2.254 /ip firewall address-list"
    assert steps["ban"] == [f'{ssh} add list="bad" address={BAD} comment="AutoBan-mine"']
    assert steps["unban6"] == [f'{ssh} remove [find list="bad" comment="AutoBan-mine" address={BAD6}]']
    assert steps["stop"] == [f'{ssh} remove [find list="bad" comment="AutoBan-mine"]']


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


@pytest.mark.parametrize("backend", ["ipset", "firewalld"])
def test_firewalld_with_a_set(tmp_path: Path, backend: str) -> None:
    """The set is ipset's or firewalld's own; one rule looks into it."""
    steps = recorded(tmp_path, f"firewallcmd-ipset[ipsetbackend={backend}]", "firewall-cmd", "ipset")
    added = {
        "ipset": f"ipset -exist add f2b-mine {BAD} timeout 0",
        "firewalld": f"firewall-cmd --ipset=f2b-mine --add-entry={BAD}",
    }
    assert steps["ban"][-1] == added[backend]
    assert any("--match-set f2b-mine6 src" in line for line in steps["ban6"])
    assert any(line.endswith("f2b-mine6") for line in steps["stop"])
