"""The stock command actions, loaded as an administrator's jail loads them, with the real iptables."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.support.commanded import BAD, BAD6, ban, make, play_with, rules, spec
from tests.support.namespace import SERVER6, is_admitted, run

from sekisho.enforce.commands import CommandAction

IPTABLES = pytest.mark.system(needs=("iptables", "ip6tables"))


@IPTABLES
@pytest.mark.parametrize(
    ("action", "barred"),
    [
        ('iptables[port="ssh"]', {22}),
        ('iptables-multiport[port="ssh,imap3", protocol="tcp,udp"]', {22, 220}),
        ('iptables-allports[protocol="all"]', {22, 80, 220}),
        ('iptables-new[port="ssh", chain="INPUT,FORWARD"]', {22}),
        ('iptables[type=multiport, port="ssh,http"]', {22, 80}),
    ],
)
def test_iptables_bars_and_leaves_nothing(tmp_path: Path, action: str, barred: set[int]) -> None:
    """Start, ban, unban, flush and stop, on both families: the jail's ports are barred, and nothing is left behind."""

    async def play(fw: CommandAction) -> None:
        assert await fw.start([]) == []
        assert await fw.ban([ban(BAD), ban(BAD6), ban("198.51.100.128/25")]) == []
        assert {port for port in (22, 80, 220) if not is_admitted(BAD, port)} == barred
        assert {port for port in (22, 80, 220) if not is_admitted(BAD6, port, SERVER6)} == barred
        assert not is_admitted("198.51.100.200", 22)
        assert is_admitted("198.51.100.7", 22)
        assert await fw.unban([ban(BAD)]) == []
        assert is_admitted(BAD, 22)
        assert await fw.unban([ban(BAD6), ban("198.51.100.128/25")]) == []
        assert is_admitted(BAD6, 22, SERVER6)
        assert await fw.ban([ban(BAD)]) == []
        await fw.stop([])
        assert rules() == ""

    play_with(spec(tmp_path / "tree", action), play)


@IPTABLES
def test_blocktype_for_all_iptables_actions_is_one_file(tmp_path: Path) -> None:
    """`[Init] blocktype = DROP` in action.d/iptables-common.local holds for each of them, on both families."""
    files = {"action.d/iptables-common.local": "[Init]\nblocktype = DROP\n"}

    async def play(fw: CommandAction) -> None:
        await fw.start([ban(BAD), ban(BAD6)])
        assert rules().count("-j DROP") == 2
        assert "REJECT" not in rules()

    for number, action in enumerate(
        (
            *("iptables-multiport", "iptables-allports", "iptables", "iptables-new", "iptables-multiport-log"),
            *("iptables-ipset", "iptables-ipset-proto6", "iptables-ipset-proto6-allports"),
        )
    ):
        play_with(spec(tmp_path / str(number), action, files), play)


@IPTABLES
def test_the_reason_for_a_refusal_differs_by_family(tmp_path: Path) -> None:
    """Without a word of the administrator's, IPv4 and IPv6 are refused each in its own way."""

    async def play(fw: CommandAction) -> None:
        await fw.start([ban(BAD), ban(BAD6)])
        assert "-j REJECT --reject-with icmp-port-unreachable" in rules()
        assert "-j REJECT --reject-with icmp6-port-unreachable" in rules()

    play_with(spec(tmp_path / "tree", "iptables-multiport"), play)


@IPTABLES
def test_a_life_that_was_killed_does_not_stand_in_the_way(tmp_path: Path) -> None:
    """The chain is still there with its bans: the next start takes it over, once, with who stands now."""

    async def play(fw: CommandAction) -> None:
        await fw.start([ban(BAD), ban("198.51.100.9")])
        successor = make(which)
        assert await successor.start([ban(BAD)]) == []
        assert rules().count("-j f2b-mine") == 1
        assert rules().count(f"-s {BAD}/32") == 1
        assert is_admitted("198.51.100.9", 22)
        await successor.stop([])
        assert rules() == ""

    which = spec(tmp_path / "tree", 'iptables-multiport[port="ssh"]')
    play_with(which, play)


@IPTABLES
def test_rules_that_another_program_removed_are_repaired(tmp_path: Path) -> None:
    """The chain is gone when the next ban comes: it is set up again, and everybody is barred again."""

    async def play(fw: CommandAction) -> None:
        await fw.start([ban(BAD)])
        run("iptables", "-F")
        run("iptables", "-X")
        assert is_admitted(BAD, 22)
        assert await fw.ban([ban("198.51.100.9")]) == []
        assert not is_admitted(BAD, 22)
        assert not is_admitted("198.51.100.9", 22)

    play_with(spec(tmp_path / "tree", 'iptables-multiport[port="ssh"]'), play)


def test_dummy_writes_what_would_be_done(tmp_path: Path) -> None:
    """Each step is a line in the target; a stranger's name is written as it is."""
    which = spec(tmp_path / "tree", f'dummy[target="{tmp_path}/out/dummy", init="hello"]')

    async def play() -> None:
        action = make(which)
        await action.start([])
        await action.ban([ban("192.0.2.1"), ban("2001:db8::1"), ban("$(id)'\"")])
        await action.unban([ban("192.0.2.1")])
        await action.stop([])

    asyncio.run(play())
    assert (tmp_path / "out" / "dummy").read_text().splitlines() == [
        *("hello", "+192.0.2.1", "+2001:db8::1", "+$(id)'\"", "-192.0.2.1", "-*", "stopped mine"),
    ]


@pytest.mark.parametrize(
    ("action", "native"),
    [
        ("nftables", "nftables"),
        ("nftables-multiport", "nftables"),
        ("nftables-allports", "nftables"),
        ("observe", "observe"),
    ],
)
def test_native_actions_are_marked(tmp_path: Path, action: str, native: str) -> None:
    """The stock files name what is built in; an administrator's own commands under the same name are run instead."""
    assert spec(tmp_path / "stock", action).native == native
    own = {f"action.d/{action}.conf": "[Definition]\nactionban = mine <ip>\n"}
    assert spec(tmp_path / "own", action, own).native is None
