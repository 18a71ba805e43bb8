"""Stock actions for firewalls that a program of their own manages: a real ufw and a real firewalld."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.commanded import BAD, BAD6, ban, debian, make, rules, spec
from tests.support.namespace import SERVER6, is_admitted, listen, play_in_namespace, run, wait_until


@pytest.mark.system(needs=("ufw", "iptables", "ip6tables"))
@pytest.mark.parametrize("action", ['ufw[comment="<name>: <failures>"]', "ufw[blocktype=deny, kill-mode=ss]"])
def test_ufw_has_a_rule_in_front_for_each(tmp_path: Path, action: str) -> None:
    """Addresses of both families and a prefix; once lifted, ufw's rules are what they were."""
    which = spec(tmp_path / "tree", action)

    async def play() -> None:
        run("ufw", "default", "allow", "incoming")
        run("ufw", "allow", "22/tcp")
        run("ufw", "--force", "enable")
        before = rules()
        fw = make(which)
        assert await fw.start([]) == []
        assert await fw.ban([ban(BAD), ban(BAD6), ban("198.51.100.128/25")]) == []
        verdict = "DROP" if "deny" in action else "REJECT"
        user = [line for line in rules().splitlines() if line.startswith("-A ufw-user-input")]
        places = [number for number, line in enumerate(user) if verdict in line]
        allowed = next(number for number, line in enumerate(user) if "--dport 22 -j ACCEPT" in line)
        assert (len(places), max(places) < allowed) == (2, True)
        assert any(f"-s {BAD6}/128" in line and verdict in line for line in rules().splitlines())
        assert await fw.unban([ban(BAD)]) == []
        assert f"-s {BAD}/32" not in rules()
        await fw.stop([])
        assert rules() == before
        run("ufw", "--force", "disable")

    copies = {"/etc/ufw": tmp_path / "etc", "/etc/default/ufw": tmp_path / "default"}
    play_in_namespace(play, copies=copies, empty=("/run",))


@contextlib.contextmanager
def firewalld() -> Iterator[None]:
    """A message bus and firewalld on it, in the calling thread's namespaces."""
    Path("/run/dbus").mkdir()
    bus = subprocess.Popen(["dbus-daemon", "--system", "--nofork", "--nopidfile"], stderr=subprocess.DEVNULL)
    wait_until(Path("/run/dbus/system_bus_socket").exists, "the bus")
    daemon = subprocess.Popen(["firewalld", "--nofork", "--nopid"], stderr=subprocess.DEVNULL)
    state = ["firewall-cmd", "--state"]
    try:
        wait_until(
            lambda: subprocess.run(state, capture_output=True, check=False).returncode == 0, "firewalld", seconds=30
        )
        yield
    finally:
        for process in (daemon, bus):
            process.terminate()
            process.wait(20)


def books() -> list[str]:
    """Return all that an action of firewalld's may have changed, in its books and in the kernel."""
    asked = (
        *("--direct --get-all-rules", "--direct --get-all-chains", "--list-all"),
        *("--permanent --list-all", "--permanent --get-ipsets"),
    )
    listed = [run("firewall-cmd", *words.split()) for words in asked]
    return [rules(), run("ipset", "-name", "list"), *listed]


@pytest.mark.system(needs=("firewalld", "dbus-daemon", "iptables", "ip6tables", "ipset"))
@pytest.mark.parametrize(
    ("action", "barred"),
    [
        ('firewallcmd-multiport[port="ssh"]', {22}),
        ("firewallcmd-allports", {22, 80}),
        ('firewallcmd-new[port="ssh"]', {22}),
        ('firewallcmd-ipset[port="ssh"]', {22}),
    ],
)
def test_firewalld_s_direct_rules_bar_and_go(tmp_path: Path, action: str, barred: set[int]) -> None:
    """Packets of both families tell; nothing is left behind, in firewalld's books or in the kernel."""
    which = spec(tmp_path / "tree", action)

    async def play() -> None:
        doors = [listen(port, address) for port in (22, 80) for address in ("192.0.2.1", SERVER6)]
        with firewalld():
            before = books()
            fw = make(which)
            assert await fw.start([]) == []
            assert await fw.ban([ban(BAD), ban(BAD6)]) == []
            assert {port for port in (22, 80) if not is_admitted(BAD, port)} == barred
            assert {port for port in (22, 80) if not is_admitted(BAD6, port, SERVER6)} == barred
            assert await fw.unban([ban(BAD)]) == []
            assert is_admitted(BAD, 22)
            assert await make(which).start([ban(BAD)]) == []  # over what a killed life left
            assert not is_admitted(BAD, 22)
            assert await fw.ban([ban(BAD)]) == []
            await fw.stop([])
            assert books() == before
        for door in doors:
            door.close()

    play_in_namespace(play, copies={"/etc/firewalld": tmp_path / "etc"}, empty=("/run",), seconds=90)


@pytest.mark.system(needs=("firewalld", "dbus-daemon"))
@pytest.mark.parametrize("action", ["firewallcmd-rich-rules", "firewallcmd-rich-logging"])
def test_firewalld_s_rich_rules_come_and_go(tmp_path: Path, action: str) -> None:
    """One for each port, prefixes too; firewalld lists them, and no more of them once they are lifted."""
    which = spec(tmp_path / "tree", f'{action}[port="22,1000:1010"]')

    async def play() -> None:
        with firewalld():
            fw = make(which)
            assert await fw.start([]) == []
            assert await fw.ban([ban(BAD), ban(BAD6), ban("198.51.100.128/25")]) == []
            listed = run("firewall-cmd", "--zone=public", "--list-rich-rules").splitlines()
            assert len(listed) == 6
            assert sum(BAD6 in line and "ipv6" in line for line in listed) == 2
            assert ("log prefix" in listed[0]) is action.endswith("logging")
            await fw.stop([])
            assert run("firewall-cmd", "--zone=public", "--list-rich-rules").strip() == ""

    play_in_namespace(play, copies={"/etc/firewalld": tmp_path / "etc"}, empty=("/run",), seconds=90)


@pytest.mark.system(needs=("firewalld", "dbus-daemon", "nft"))
@pytest.mark.parametrize(
    ("parameters", "rich"),
    [('port="22,1000:1010"', 2), ("actiontype=<allports>", 1)],
)
def test_firewalld_keeps_a_set_of_its_own(tmp_path: Path, parameters: str, rich: int) -> None:
    """Rich rules look into it, in the kernel too; packets over lo cannot tell, for firewalld lets them all pass."""
    which = spec(tmp_path / "tree", f"firewallcmd-ipset[{parameters}, ipsetbackend=firewalld]")

    def entries(name: str) -> set[str]:
        return set(run("firewall-cmd", f"--ipset={name}", "--get-entries").split())

    async def play() -> None:
        with firewalld():
            before = books()
            fw = make(which)
            assert await fw.start([]) == []
            assert await fw.ban([ban(who) for who in (BAD, BAD6, "203.0.113.0/25")]) == []
            assert (entries("f2b-mine"), entries("f2b-mine6")) == ({BAD, "203.0.113.0/25"}, {BAD6})
            rules_ = run("firewall-cmd", "--zone=public", "--list-rich-rules").splitlines()
            assert sum('source ipset="f2b-mine"' in line for line in rules_) == rich
            assert sum('source ipset="f2b-mine6"' in line for line in rules_) == rich
            kernel = run("nft", "list", "table", "inet", "firewalld")
            assert "ip saddr @f2b-mine" in kernel
            assert "ip6 saddr @f2b-mine6" in kernel
            assert BAD in kernel
            assert await fw.unban([ban("203.0.113.0/25")]) == []
            run("firewall-cmd", "--reload")  # as another jail's start may, or the administrator
            assert (entries("f2b-mine"), entries("f2b-mine6")) == ({BAD}, {BAD6})
            assert "ip saddr @f2b-mine" in run("nft", "list", "table", "inet", "firewalld")
            assert await make(which).start([ban("198.51.100.9")]) == []  # over what a killed life left
            assert entries("f2b-mine") == {"198.51.100.9"}
            assert await fw.unban([ban(BAD), ban(BAD6)]) == []  # all of them: one flush
            assert (entries("f2b-mine"), entries("f2b-mine6")) == (set(), set())
            await fw.stop([])
            assert books() == before

    play_in_namespace(play, copies={"/etc/firewalld": tmp_path / "etc"}, empty=("/run",), seconds=90)


@pytest.mark.system(needs=("fail2ban-client", "ufw", "iptables", "ip6tables"))
def test_debian_s_own_ufw_runs(tmp_path: Path) -> None:
    """Its rules come and go, for both families."""
    which = spec(debian(tmp_path / "tree"), "ufw")

    async def play() -> None:
        run("ufw", "default", "allow", "incoming")
        run("ufw", "allow", "22/tcp")  # ufw writes some chains with the first rule of a family only
        run("ufw", "--force", "enable")
        before = rules()
        fw = make(which)
        assert await fw.start([]) == []
        assert await fw.ban([ban(BAD), ban(BAD6)]) == []
        assert f"-s {BAD}/32" in rules()
        assert f"-s {BAD6}/128" in rules()
        assert await fw.unban([ban(BAD)]) == []
        assert f"-s {BAD}/32" not in rules()
        await fw.stop([])
        assert rules() == before
        run("ufw", "--force", "disable")

    copies = {"/etc/ufw": tmp_path / "etc", "/etc/default/ufw": tmp_path / "default"}
    play_in_namespace(play, copies=copies, empty=("/run",))


@pytest.mark.system(needs=("fail2ban-client", "firewalld", "dbus-daemon", "iptables", "ip6tables", "ipset"))
@pytest.mark.parametrize(
    ("action", "barred"),
    [
        ('firewallcmd-multiport[port="ssh"]', {22}),
        ("firewallcmd-allports", {22, 80}),
        ('firewallcmd-new[port="ssh"]', {22}),
        ('firewallcmd-ipset[port="ssh"]', {22}),
        ('firewallcmd-rich-rules[port="22"]', None),
        ('firewallcmd-rich-logging[port="22"]', None),
    ],
)
def test_debian_s_own_firewalld_actions_run(tmp_path: Path, action: str, barred: set[int] | None) -> None:
    """Packets tell where a direct rule bars, firewalld's list where a rich rule does; nothing is left behind."""
    which = spec(debian(tmp_path / "tree"), action)

    async def play() -> None:
        doors = [listen(port, address) for port in (22, 80) for address in ("192.0.2.1", SERVER6)]
        with contextlib.ExitStack() as house:
            for door in doors:
                house.enter_context(door)
            house.enter_context(firewalld())
            before = books()
            fw = make(which)
            assert await fw.start([]) == []
            assert await fw.ban([ban(BAD), ban(BAD6)]) == []
            if barred is None:
                assert all(who in run("firewall-cmd", "--list-rich-rules") for who in (BAD, BAD6))
            else:
                assert {port for port in (22, 80) if not is_admitted(BAD, port)} == barred
                assert {port for port in (22, 80) if not is_admitted(BAD6, port, SERVER6)} == barred
            assert await fw.unban([ban(BAD)]) == []
            assert is_admitted(BAD, 22)
            assert BAD not in run("firewall-cmd", "--list-rich-rules")
            await fw.stop([])
            assert books() == before

    play_in_namespace(play, copies={"/etc/firewalld": tmp_path / "etc"}, empty=("/run",), seconds=90)
