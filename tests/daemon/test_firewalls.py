"""Tests of daemon.firewalls: which firewall a jail gets, and what the log says of it."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from pathlib import Path

import pytest
from tests.support.memory_ipset import MemoryIpset
from tests.support.memory_sets import MemorySets
from tests.support.namespace import is_admitted, listen, play_in_namespace

from sekisho.daemon.firewalls import Firewalls
from sekisho.enforce.cutter import Cutter
from sekisho.enforce.fence import Fence
from sekisho.enforce.firewall import NftablesAction
from sekisho.enforce.ipset_firewall import IpsetAction
from sekisho.enforce.ipset_rules import parse_ipset_rules
from sekisho.enforce.iptables import Iptables
from sekisho.enforce.table import NftTable
from sekisho.model.address import parse_subject
from sekisho.model.specs import ActionSpec, FilterSpec, JailSpec
from sekisho.model.verdict import Ban

TOLD = "This kernel has no nf_tables (EINVAL): what nftables should bar is barred by ipset and iptables"
SSHD = JailSpec("sshd", FilterSpec("sshd", ()))


def spec_of(native: str, **properties: str) -> ActionSpec:
    """What the configuration makes of an action with this native firewall."""
    return ActionSpec(native, native, {"port": "22", **properties}, native)


def nft(error: int = 0) -> NftTable:
    """The table of a kernel that answers every question of nf_tables with an error, or in earnest."""

    class Refusing(MemorySets):
        def others_changes(self) -> int:
            raise OSError(error, "no")

        def chains(self) -> frozenset[str]:
            raise OSError(error, "no")

    return NftTable(connect=Refusing if error else MemorySets)


def ipset(error: int = 0, host: MemoryIpset | None = None, loaded: Path = Path("/")) -> Fence:
    """The fence of a kernel that has ipset, or answers with an error."""
    host = host or MemoryIpset()

    def connect() -> MemoryIpset:
        if error:
            raise OSError(error, "no")
        return host.connect()

    return Fence(connect=connect, iptables=lambda family: Iptables(family, run=host.run), loaded=loaded)


def firewalls(table: NftTable, fence: Fence) -> Firewalls:
    """Both firewalls, at the present time."""
    return Firewalls(table=table, fence=fence, cutter=Cutter(), clock=time.time)


@pytest.mark.parametrize("error", [0, errno.EPERM, errno.ENOBUFS])
def test_a_jail_with_nftables_gets_it_wherever_the_kernel_does_not_lack_it(error: int) -> None:
    """An answer, or an error that says nothing of the kernel's parts; who asks for ipset gets that."""
    made = firewalls(nft(error), ipset())
    assert isinstance(made.make(SSHD, spec_of("nftables")), NftablesAction)
    assert isinstance(made.make(SSHD, spec_of("ipset")), IpsetAction)


@pytest.mark.parametrize("error", [errno.EINVAL, errno.EPROTONOSUPPORT, errno.EOPNOTSUPP])
def test_where_the_kernel_has_no_nf_tables_ipset_stands_in_and_the_log_says_so(
    error: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Two jails ask for nftables: both get ipset, and one line tells why."""
    made = firewalls(nft(error), ipset())
    with caplog.at_level(logging.INFO):
        assert all(isinstance(made.make(SSHD, spec_of("nftables")), IpsetAction) for _ in range(2))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", TOLD.replace("EINVAL", errno.errorcode[error]))
    ]


def test_where_the_kernel_has_neither_the_jail_says_what_it_misses(caplog: pytest.LogCaptureFixture) -> None:
    """There is nothing to stand in: nftables is tried, and its own error will name nf_tables."""
    made = firewalls(nft(errno.EINVAL), ipset(errno.EINVAL))
    assert isinstance(made.make(SSHD, spec_of("nftables")), NftablesAction)
    assert caplog.records == []


def test_rules_in_nfts_own_language_are_refused_where_ipset_stands_in() -> None:
    """Nobody can translate a rule_match; the jail says so."""
    made = firewalls(nft(errno.EINVAL), ipset())
    with pytest.raises(ValueError, match="rule_match is nft's language"):
        made.make(SSHD, spec_of("nftables", type="custom", rule_match="tcp dport 22"))


def test_two_firewalls_of_one_jail_do_not_meet() -> None:
    """One asked for, one standing in: each has its sets."""
    made = firewalls(nft(errno.EINVAL), ipset())
    labels = [made.make(SSHD, spec_of(native))._rules.label for native in ("nftables", "ipset")]
    assert labels == ["sshd/nftables", "sshd"]


@pytest.mark.parametrize(("error", "complaints"), [(0, 0), (errno.EINVAL, 0), (errno.EPERM, 1)])
def test_what_an_earlier_life_left_in_either_firewall_goes(
    error: int, complaints: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A jail that barred by ipset is gone: so are its sets; what the kernel does not have is not complained about."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    host = MemoryIpset()
    asyncio.run(ipset(host=host).set_up(parse_ipset_rules("old", "ipset", {}), "dead"))
    made = firewalls(nft(error), ipset(host=host))
    made.ipset_stands_in()
    with caplog.at_level(logging.INFO):
        asyncio.run(made.settle())
    assert host.held == {}
    told = [record.getMessage() for record in caplog.records if record.levelname == "INFO"]
    assert told == ["Removed the firewall rules of old, which an earlier life left and nobody needs"]
    assert sum("may be left" in record.getMessage() for record in caplog.records) == complaints


@pytest.mark.system(needs=("iptables",))
def test_a_kernel_asked_for_what_no_kernel_has_bars_by_ipset(monkeypatch: pytest.MonkeyPatch) -> None:
    """The question goes to a subsystem that does not exist, as nf_tables would not; answer and bars are real."""
    monkeypatch.setattr("sekisho.enforce.wire._GET_GENERATION", (60 << 8) | 16)

    async def play() -> None:
        made = firewalls(NftTable(), Fence())
        with listen(22):
            action = made.make(SSHD, spec_of("nftables"))
            assert isinstance(action, IpsetAction)
            await action.start([Ban("sshd", parse_subject("198.51.100.66"), time.time(), 600)])
            assert not is_admitted("198.51.100.66", 22)
            await action.stop([])
            made.close()

    play_in_namespace(play, empty=["/run"])
