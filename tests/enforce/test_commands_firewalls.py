"""Stock actions with the programs of a Linux system, and Debian's own action files in their place."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.support.commanded import BAD, BAD6, ban, debian, make, play_with, rules, spec
from tests.support.namespace import SERVER6, is_admitted, run

from sekisho.enforce.commands import CommandAction

REAL = pytest.mark.system(needs=("iptables", "ip6tables", "ipset"))
PORTS = (22, 80, 220)

KINDS = [
    ('iptables-multiport-log[port="ssh"]', {22}, True),
    ('iptables-ipset[type=multiport, port="ssh,220"]', {22, 220}, True),
    ('iptables-ipset[type=oneport, port=ssh, ipsettype="hash:ip"]', {22}, True),
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
        if both and "hash:ip" not in action:
            assert await fw.unban([ban(BAD6)]) == []
            assert await fw.ban([ban("2001:db8::64/126")]) == []
            assert not is_admitted(BAD6, 22, SERVER6)
            assert await fw.unban([ban("2001:db8::64/126")]) == []
            assert is_admitted(BAD6, 22, SERVER6)
        successor = make(which)
        assert await fw.ban([ban("198.51.100.9")]) == []
        assert await successor.start([ban(BAD)]) == []
        assert not is_admitted(BAD, 22)
        assert is_admitted("198.51.100.9", 22)  # its time was over while nobody lived
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
        assert await fw.start([ban(BAD), ban(BAD6)]) == []
        assert (is_admitted(BAD, 22), is_admitted(BAD6, 22, SERVER6)) == (False, False)
        assert await fw.unban([ban(BAD)]) == []
        assert (is_admitted(BAD, 22), is_admitted(BAD6, 22, SERVER6)) == (True, False)
        await fw.stop([])
        assert is_admitted(BAD6, 22, SERVER6)
        assert rules() == ""

    play_with(spec(tmp_path / "tree", "iptables-xt_recent-echo"), play)


@REAL
def test_symbiosis_keeps_a_file_for_each_beside_the_rules(tmp_path: Path) -> None:
    """A prefix has a file too, spelt without a slash; nothing is left of them, nor of the rules."""
    folder = tmp_path / "blacklist.d"
    folder.mkdir()
    which = spec(tmp_path / "tree", f'symbiosis-blacklist-allports[chain="INPUT,FORWARD", _folder="{folder}"]')

    async def play(fw: CommandAction) -> None:
        assert await fw.start([]) == []
        assert await fw.ban([ban(who) for who in (BAD, BAD6, "198.51.100.128/25")]) == []
        names = {path.name for path in folder.iterdir()}
        assert names == {f"{BAD}.auto", f"{BAD6}.auto", "198.51.100.128|25.auto"}
        assert not any(is_admitted(who, 22) for who in (BAD, "198.51.100.200"))
        assert not is_admitted(BAD6, 22, SERVER6)
        assert await make(which).start([ban(BAD)]) == []
        assert rules().count(f"-s {BAD}/32") == 2  # one for each chain
        await fw.stop([])
        assert (rules(), list(folder.iterdir())) == ("", [])

    play_with(which, play)


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

    play_with(spec(debian(tmp_path / "tree"), action), play)


@pytest.mark.system(needs=("fail2ban-client", "ip"))
def test_debian_s_own_route_runs(tmp_path: Path) -> None:
    """Both families and a prefix; once lifted, the routes are what they were."""

    async def play(fw: CommandAction) -> None:
        before = run("ip", "route"), run("ip", "-6", "route")
        assert await fw.start([]) == []
        assert await fw.ban([ban(who) for who in ("203.0.113.9", "203.0.113.128/25", "2001:db8:9::9")]) == []
        assert all(f"unreachable {who} " in run("ip", "route") for who in ("203.0.113.9", "203.0.113.128/25"))
        assert "unreachable 2001:db8:9::9 " in run("ip", "-6", "route")
        assert await fw.unban([ban("203.0.113.9")]) == []
        assert "203.0.113.9 " not in run("ip", "route")
        await fw.stop([])
        assert (run("ip", "route"), run("ip", "-6", "route")) == before

    play_with(spec(debian(tmp_path / "tree"), "route"), play)


@pytest.mark.system(needs=("fail2ban-client",))
def test_debian_s_own_hostsdeny_runs(tmp_path: Path) -> None:
    """The addresses are in the file while they are banned, and the administrator's line always."""
    file = tmp_path / "hosts.deny"
    file.write_text("sshd: 203.0.113.1\n")

    async def play() -> None:
        action = make(spec(debian(tmp_path / "tree"), f'hostsdeny[file="{file}"]'))
        assert await action.start([]) == []
        assert await action.ban([ban(BAD), ban(BAD6)]) == []
        assert BAD in file.read_text()
        assert f"[{BAD6}]" in file.read_text()
        assert await action.unban([ban(BAD)]) == []
        assert BAD not in file.read_text()
        await action.stop([])
        assert file.read_text() == "sshd: 203.0.113.1\n"

    asyncio.run(play())


@pytest.mark.system(needs=("fail2ban-client",))
def test_debian_s_own_dummy_runs(tmp_path: Path) -> None:
    """Each step leaves its word in the target."""
    target = tmp_path / "dummy"

    async def play() -> None:
        action = make(spec(debian(tmp_path / "tree"), f'dummy[target="{target}", init="hello"]'))
        assert await action.start([]) == []
        assert "hello" in target.read_text()
        assert await action.ban([ban(BAD), ban(BAD6)]) == []
        assert {f"+{BAD}", f"+{BAD6}"} <= set(target.read_text().splitlines())
        assert await action.unban([ban(BAD)]) == []
        assert f"-{BAD}" in target.read_text().splitlines()
        await action.stop([])

    asyncio.run(play())


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
