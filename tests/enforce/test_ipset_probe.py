"""Tests of enforce.ipset_probe: real packets, real iptables of both kinds, and what the kernel's counters tell."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from ipaddress import ip_address

import pytest
from tests.support.memory_ipset import MemoryIpset
from tests.support.namespace import play_in_namespace, run

from sekisho.enforce.fence import Fence
from sekisho.enforce.ipset_elements import entry_of
from sekisho.enforce.ipset_probe import find_stops, read_counters
from sekisho.enforce.ipset_rules import parse_ipset_rules
from sekisho.enforce.ipset_wire import Entry
from sekisho.enforce.iptables import Iptables, run_iptables
from sekisho.enforce.probe import Probe
from sekisho.enforce.tun import Untraceable
from sekisho.model.address import Family, parse_subject
from sekisho.model.ports import PortRange

BAD, GOOD, BAD6 = "198.51.100.66", "198.51.100.7", "2001:db8::66"


def probe(source: str, port: int = 22) -> Probe:
    """A probe by TCP."""
    return Probe(ip_address(source), "tcp", port)


def test_only_our_sets_and_only_who_holds_the_source_are_counted() -> None:
    """An element of his own and the network around him; neither his neighbour nor another program's set."""
    host = MemoryIpset()
    for name in ("sekisho4-sshd", "sekisho6-sshd", "f2b-sshd"):
        host.create(name, width=4, most=10)
        host.held[name] = {
            (entry.key, entry.prefix): entry
            for entry in (
                Entry(bytes([198, 51, 100, 66]), 32, packets=3),
                Entry(bytes([198, 51, 100, 0]), 24, packets=4),
                Entry(bytes([198, 51, 100, 67]), 32, packets=100),
            )
        }
    host.held["sekisho6-sshd"].clear()
    assert read_counters(host, probe(BAD)) == {"sekisho4-sshd": 7, "sekisho6-sshd": 0}


def test_nothing_is_asked_for_no_probe() -> None:
    """No device is made either."""
    assert asyncio.run(find_stops([])) == []


@pytest.mark.system(needs=("iptables-legacy", "ip6tables-legacy", "iptables-nft", "ip6tables-nft"))
@pytest.mark.parametrize("kind", ["legacy", "nft"])
def test_a_probe_is_counted_by_who_stops_it_and_by_nobody_else(kind: str) -> None:
    """Both families, a network, the jail in front; who is not barred, other ports, and flushed rules let it through."""

    async def run_kind(argv: Sequence[str], text: str) -> str:
        program, _, verb = argv[0].partition("-")
        return await run_iptables([f"{program}-{kind}-{verb}", *argv[1:]], text)

    def iptables(family: Family) -> Iptables:
        return Iptables(family, run=run_kind)

    async def play() -> None:
        with contextlib.closing(Fence(iptables=iptables)) as fence:
            for jail, who in (("sshd", (BAD, BAD6)), ("nets", ("198.51.100.64/28",))):
                rules = parse_ipset_rules(jail, "ipset", {}, (PortRange(22, 22),))
                await fence.set_up(rules, jail)
                for each in map(parse_subject, who):
                    assert fence.sets.add(rules.set_name(each.family), [entry_of(each)]) == []
            probes = [probe(BAD), probe(BAD6), probe(GOOD), probe(BAD, 23)]
            assert await find_stops(probes) == ["sekisho4-nets", "sekisho6-sshd", "", ""]
            run(f"iptables-{kind}", "-t", "raw", "-F")
            assert await find_stops([probe(BAD)]) == [""]

    play_in_namespace(play, empty=["/run"])


@pytest.mark.system
def test_a_kernel_that_will_not_tell_is_a_reason() -> None:
    """The device comes and goes; what ipset said is passed on."""

    def refuse() -> MemoryIpset:
        raise PermissionError(1, "Operation not permitted")

    async def play() -> None:
        with pytest.raises(Untraceable, match=r"ipset cannot be asked: .*not permitted"):
            await find_stops([probe(BAD)], connect=refuse)

    play_in_namespace(play)
