"""Tests of enforce.ipset_trial."""

from __future__ import annotations

import asyncio
import errno
import json
import sys

import pytest
from tests.support.memory_ipset import MemoryIpset
from tests.support.memory_sets import MemorySets
from tests.support.namespace import play_in_namespace, run

from sekisho.enforce.fence import Fence
from sekisho.enforce.ipset_trial import try_out
from sekisho.enforce.iptables import Iptables
from sekisho.enforce.table import NftTable


def tried(host: MemoryIpset, table: NftTable | None = None) -> object:
    """What a trial tells of a host in memory, which afterwards is as it was."""
    fence = Fence(connect=host.connect, iptables=lambda family: Iptables(family, run=host.run))
    found = asyncio.run(try_out(fence, table or NftTable(connect=MemorySets)))
    assert host.held == {}
    assert not any(host.rules.values())
    return found


def test_a_host_that_takes_everything_has_no_fault() -> None:
    """Each family's table is told."""
    places = {"IPv4": "raw", "IPv6": "raw"}
    assert tried(MemoryIpset()) == {"absent": "", "fault": "", "places": places, "lame": {}}


def test_what_the_host_lacks_is_told() -> None:
    """No raw, no IPv6, no nf_tables: it can bar all the same, and how."""

    class Refusing(MemorySets):
        def others_changes(self) -> int:
            raise OSError(errno.EINVAL, "no")

    host = MemoryIpset()
    host.missing, host.broken = {"raw"}, {"ip6tables", "ip6tables-legacy", "ip6tables-nft"}
    lame = {"IPv6": "ip6tables-save returned 3: it does not work"}
    wanted = {"absent": "EINVAL", "fault": "", "places": {"IPv4": "mangle"}, "lame": lame}
    assert tried(host, NftTable(connect=Refusing)) == wanted


def test_what_is_refused_is_the_fault() -> None:
    """An element; or everything, where there is no ipset."""
    host = MemoryIpset()
    host.refuses[bytes([192, 0, 2, 0])] = errno.ENOMEM
    found = tried(host)
    assert isinstance(found, dict)
    assert found["fault"] == "the kernel says: Cannot allocate memory"

    def refuse() -> MemoryIpset:
        raise OSError(errno.EINVAL, "Invalid argument")

    answer = asyncio.run(try_out(Fence(connect=refuse), NftTable(connect=MemorySets)))
    assert isinstance(answer, dict)
    assert answer["fault"] == "[Errno 22] Invalid argument"


@pytest.mark.system(needs=("iptables", "ip6tables", "ipset"))
def test_a_real_kernel_is_asked_by_the_program() -> None:
    """In a network of its own; no set is left in ours."""

    async def play() -> None:
        said = run("unshare", "--net", sys.executable, "-P", "-m", "sekisho.enforce.ipset_trial")
        assert json.loads(said)["fault"] == ""
        assert json.loads(said)["places"] == {"IPv4": "raw", "IPv6": "raw"}
        assert run("ipset", "list", "-n") == ""

    play_in_namespace(play, empty=["/run"])
