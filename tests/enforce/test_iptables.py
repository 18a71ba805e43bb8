"""Tests of enforce.iptables with programs in memory; the real ones: tests/enforce/test_ipset_firewall_packets.py."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.memory_ipset import MemoryIpset

from sekisho.enforce.iptables import Iptables, NoProgramError
from sekisho.model.address import Family

ADD = "*raw\n-I PREROUTING 1 -j DROP\nCOMMIT\n"


def test_what_iptables_means_on_this_host_is_used() -> None:
    """It is chosen once; others' rules are left, and whoever is changing them is waited for."""
    host = MemoryIpset()
    iptables = Iptables(Family.INET4, run=host.run)
    asyncio.run(iptables.restore(ADD))
    asyncio.run(iptables.restore(ADD))
    assert host.argvs == ["iptables-save -t raw", *["iptables-restore --noflush --wait"] * 2]
    assert asyncio.run(iptables.save("raw")).splitlines()[1:] == ["-A PREROUTING -j DROP"] * 2


def test_where_that_one_does_not_work_the_other_is_used() -> None:
    """`iptables` is the one over nf_tables, which this kernel does not have."""
    host = MemoryIpset()
    host.broken = {"ip6tables"}
    asyncio.run(Iptables(Family.INET6, run=host.run).restore(ADD))
    assert host.argvs[-1] == "ip6tables-legacy-restore --noflush --wait"


def test_the_earliest_table_is_the_first_that_is_there() -> None:
    """Raw; on a kernel that lacks it the next; the program that was asked first stays the one."""
    host = MemoryIpset()
    iptables = Iptables(Family.INET4, run=host.run)
    assert asyncio.run(iptables.earliest()) == "raw"
    host.missing = {"raw"}
    iptables = Iptables(Family.INET4, run=host.run)
    assert asyncio.run(iptables.earliest()) == "mangle"
    asyncio.run(iptables.save("filter"))
    assert host.argvs[-1] == "iptables-save -t filter"


def test_where_none_works_the_first_says_why() -> None:
    """A host without iptables: the package is in the message."""
    host = MemoryIpset()
    host.broken = {"iptables", "iptables-legacy", "iptables-nft"}
    with pytest.raises(NoProgramError, match="iptables-save returned 3: it does not work"):
        asyncio.run(Iptables(Family.INET4, run=host.run).save("raw"))
