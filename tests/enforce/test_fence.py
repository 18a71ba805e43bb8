"""Tests of enforce.fence over a host in memory."""

from __future__ import annotations

import asyncio
import errno
import logging
from pathlib import Path

import pytest
from tests.support.memory_ipset import MemoryIpset

from sekisho.enforce.fence import Fence, explain
from sekisho.enforce.ipset_rules import IpsetRules, parse_ipset_rules
from sekisho.enforce.ipset_wire import BUSY, Entry
from sekisho.enforce.iptables import Iptables, NoProgramError
from sekisho.enforce.program import ProgramError
from sekisho.model.ports import PortRange

OFFENDER = Entry(bytes([192, 0, 2, 1]), 32, 600)
V4, V6 = ("iptables", "raw"), ("ip6tables", "raw")


def fence_of(host: MemoryIpset, loaded: Path = Path("/")) -> Fence:
    """The fence of a daemon that starts over what is on the host."""
    return Fence(connect=host.connect, iptables=lambda family: Iptables(family, run=host.run), loaded=loaded)


def rules_of(jail: str = "sshd", port: int = 22, **properties: str) -> IpsetRules:
    """The rules of a jail."""
    return parse_ipset_rules(jail, "ipset", properties, (PortRange(port, port),))


def test_sets_and_rules_come_and_go() -> None:
    """A set and a rule for each family, in front of others' rules; afterwards nothing is left but those."""
    host, theirs = MemoryIpset(), "PREROUTING -i lo -j NOTRACK"
    host.rules[V4] = [theirs]
    fence, rules = fence_of(host), rules_of()

    async def play() -> None:
        await fence.set_up(rules, "owner")
        assert set(host.held) == {"sekisho4-sshd", "sekisho6-sshd"}
        assert [len(host.rules[place]) for place in (V4, V6)] == [2, 1]
        assert host.rules[V4][1] == theirs
        assert fence.is_whole(rules)
        await fence.take_down(rules, "stranger")
        assert fence.is_whole(rules)
        await fence.take_down(rules, "owner")

    asyncio.run(play())
    assert (host.held, host.rules[V4], host.rules[V6]) == ({}, [theirs], [])


def test_what_stands_already_changes_places_with_the_new() -> None:
    """After a kill -9 with another port in the configuration: the old rule goes in the transaction of the new."""
    host = MemoryIpset()
    asyncio.run(fence_of(host).set_up(rules_of(), "dead"))
    host.held["sekisho4-sshd"][OFFENDER.key, 32] = OFFENDER
    asyncio.run(fence_of(host).set_up(rules_of(port=2222), "successor"))
    assert [rule.split()[6] for rule in host.rules[V4]] == ["2222"]
    assert host.texts[-1].count("-D PREROUTING") == host.texts[-1].count("-I PREROUTING") == 1
    assert host.held["sekisho4-sshd"]


def test_a_jail_that_rejects_moves_to_the_other_table() -> None:
    """Another blocktype: new rules stand in filter before the old ones leave raw."""
    host = MemoryIpset()
    asyncio.run(fence_of(host).set_up(rules_of(), "dead"))
    host.texts.clear()
    asyncio.run(fence_of(host).set_up(rules_of(blocktype="reject"), "successor"))
    assert (host.rules[V4], len(host.rules["iptables", "filter"])) == ([], 4)
    assert [text.partition("\n")[0] for text in host.texts] == ["*filter", "*raw"] * 2


def test_a_host_without_the_table_raw_bars_in_the_next() -> None:
    """The rules stand in mangle, are known to be whole there, and go from there; nobody asks for raw again."""
    host, rules = MemoryIpset(), rules_of()
    host.missing = {"raw"}
    fence = fence_of(host)

    async def play() -> None:
        await fence.set_up(rules, "owner")
        assert len(host.rules["iptables", "mangle"]) == 1
        assert fence.is_whole(rules)
        host.argvs.clear()
        await fence.take_down(rules, "owner")

    asyncio.run(play())
    assert (host.held, host.rules["iptables", "mangle"]) == ({}, [])
    assert not any("raw" in argv for argv in host.argvs)


def test_a_set_gets_other_room_without_losing_anybody() -> None:
    """The parameter maxelem was changed: a fresh set takes over whom the old one held, and its place in the rules."""
    host = MemoryIpset()
    asyncio.run(fence_of(host).set_up(rules_of(), "dead"))
    host.add("sekisho4-sshd", [OFFENDER])
    asyncio.run(fence_of(host).set_up(rules_of(maxelem="500"), "successor"))
    assert host.most == {"sekisho4-sshd": 500, "sekisho6-sshd": 500}
    assert host.entries("sekisho4-sshd") == [OFFENDER]


def test_what_is_missing_is_named() -> None:
    """A set that is gone, a rule that is gone; both families are looked at, and nobody runs a program for it."""
    host, rules = MemoryIpset(), rules_of()
    fence = fence_of(host)
    asyncio.run(fence.set_up(rules, "owner"))
    host.argvs.clear()
    assert explain(host, rules, fence.places(rules)) == ""
    host.rules[V6].clear()
    assert (
        explain(host, rules, fence.places(rules))
        == "0 of 1 rules with sekisho6-sshd stand in PREROUTING of the table raw"
    )
    del host.held["sekisho4-sshd"]
    assert explain(host, rules, fence.places(rules)) == "the set sekisho4-sshd is gone"
    assert host.argvs == []


def test_what_nobody_owns_any_more_is_removed() -> None:
    """A jail of an earlier life goes, with a set that was about to take its place; others' sets stay."""
    host = MemoryIpset()
    asyncio.run(fence_of(host).set_up(rules_of("old"), "dead"))
    for name in ("sekisho4+old", "f2b-sshd"):
        host.create(name, width=4, most=10)
    fence = fence_of(host)

    async def play() -> None:
        await fence.set_up(rules_of(), "owner")
        assert await fence.settle() == ("old",)
        assert await fence.settle() == ()

    asyncio.run(play())
    assert set(host.held) == {"sekisho4-sshd", "sekisho6-sshd", "f2b-sshd"}
    assert len(host.rules[V4]) == 1


def test_a_host_that_never_had_ipset_is_not_asked_for_it(tmp_path: Path) -> None:
    """To ask would load the kernel's module, and nothing can be left where it is not loaded."""
    host = MemoryIpset()
    assert asyncio.run(fence_of(host, tmp_path / "ip_set").settle()) == ()
    assert host.connects == 0


def test_a_host_without_ipv6_bars_ipv4_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    """No ip6tables works: that family is lame, the jail stands all the same."""
    host, rules = MemoryIpset(), rules_of()
    host.broken = {"ip6tables", "ip6tables-legacy", "ip6tables-nft"}
    fence = fence_of(host)

    async def play() -> None:
        for _ in range(2):
            await fence.set_up(rules, "owner")
        assert fence.is_whole(rules)
        await fence.take_down(rules, "owner")

    with caplog.at_level(logging.WARNING):
        asyncio.run(play())
    assert [record.getMessage() for record in caplog.records] == [
        "No IPv6 address can be barred by iptables here: ip6tables-save returned 3: it does not work"
    ]
    assert host.held == {}


def test_a_host_without_any_iptables_cannot_be_set_up() -> None:
    """The error is that of the last family, and names its program."""
    host = MemoryIpset()
    host.broken = {f"{name}{kind}" for name in ("iptables", "ip6tables") for kind in ("", "-legacy", "-nft")}
    with pytest.raises(NoProgramError, match="ip6tables-save returned 3"):
        asyncio.run(fence_of(host).set_up(rules_of(), "owner"))


def test_a_rule_that_is_refused_is_no_lameness() -> None:
    """A program works but takes the rule badly: the jail is not set up, and nothing is passed over in silence."""
    host = MemoryIpset()

    async def refuse(argv: tuple[str, ...], text: str) -> str:
        if text:
            raise ProgramError("iptables-restore returned 2: no such match")
        return await host.run(argv, text)

    fence = Fence(connect=host.connect, iptables=lambda family: Iptables(family, run=refuse))  # type: ignore[arg-type]

    async def play() -> None:
        with pytest.raises(ProgramError, match="no such match"):
            await fence.set_up(rules_of(), "owner")
        assert fence.lame == {}
        assert await fence.settle() == ()  # it will be tried again: its set is nobody else's leavings
        await fence.take_down(rules_of(), "owner")

    asyncio.run(play())
    assert host.held == {}


def test_a_set_that_is_let_go_of_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """nf_tables drops its reference some time after the rule is gone; one that stays is an error in the end."""
    host, rules = MemoryIpset(), rules_of()
    fence = fence_of(host)
    busy, destroy = [3], host.destroy

    def reluctant(name: str) -> None:
        if busy[0]:
            busy[0] -= 1
            raise OSError(BUSY, "the set is in use")
        destroy(name)

    async def pause(seconds: float) -> None:
        assert seconds < 1

    monkeypatch.setattr("sekisho.enforce.fence.asyncio.sleep", pause)
    monkeypatch.setattr(host, "destroy", reluctant)
    asyncio.run(fence.set_up(rules, "owner"))
    asyncio.run(fence.take_down(rules, "owner"))
    assert host.held == {}
    asyncio.run(fence.set_up(rules, "owner"))
    busy[0] = 1000
    with pytest.raises(OSError, match="the set is in use"):
        asyncio.run(fence.take_down(rules, "owner"))


def test_a_kernel_that_says_no_is_heard() -> None:
    """Whatever is wrong with a set but its room is an error."""

    def refuse() -> MemoryIpset:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    with pytest.raises(PermissionError):
        asyncio.run(Fence(connect=refuse).set_up(rules_of(), "owner"))
