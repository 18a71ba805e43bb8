"""What the daemon stands on fails in the middle of its work; afterwards the kernel bars whom the ledger names.

The log tells of each fault once, however many bans it costs, and once more when it is over.

The firewall's faults are played with a real ledger, a real worker and a real nf_tables in a namespace; the full disk
with a whole daemon.
"""

from __future__ import annotations

import ctypes
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

import pytest
from tests.support.lab import Lab, wait_for
from tests.support.namespace import play_in_namespace, run

from sekisho.enforce.firewall import NftablesAction
from sekisho.enforce.netlink import NftSocket
from sekisho.enforce.nft import run_nft
from sekisho.enforce.ruleset import TABLE, parse_rules
from sekisho.enforce.table import NftTable
from sekisho.engine.worker import Worker
from sekisho.ledger.ledger import Changes, Ledger
from sekisho.model.address import parse_subject
from sekisho.model.ports import PortRange
from sekisho.model.verdict import Ban, Release, Unban

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

NET_ADMIN = 12  # capabilities(7)
SMALLEST, USUAL = 1, 8 << 20  # bytes of a receive buffer; the kernel makes the least that it can of one
ADDRESSES = "addr-set-sshd"


class House:
    """The ledger, and one jail's firewall with its worker."""

    def __init__(self, directory: Path, *, run_nft: Callable[[str], Awaitable[None]] = run_nft) -> None:
        self.ledger = Ledger(str(directory / "ledger.sqlite"))
        self.table = NftTable(run=run_nft)
        rules = parse_rules("sshd", "nftables", {}, (PortRange(22, 22),))
        action = NftablesAction(table=self.table, jail="sshd", actname="nftables", rules=rules, clock=time.time)
        self.worker = Worker("sshd", action, enforced=lambda bans: self.ledger.mark_enforced(bans, now=time.time()))

    async def __aenter__(self) -> Self:
        await self.worker.start([])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.worker.abandon()
        self.table.close()
        self.ledger.close()

    def sets(self) -> NftSocket:
        """Return the action's own connection to the kernel."""
        sets = self.table.sets
        assert isinstance(sets, NftSocket)
        return sets

    def standing(self) -> list[Ban]:
        """Return the bans that the ledger says stand."""
        return self.ledger.standing("sshd", now=time.time())

    async def bar(self, addresses: Sequence[str], *, at_once: int = 1000) -> None:
        """Ban, `at_once` addresses a call, in the order of writing: the ledger, then the firewall."""
        for start in range(0, len(addresses), at_once):
            now = time.time()
            bans = [Ban("sshd", parse_subject(each), now, 3600) for each in addresses[start : start + at_once]]
            self.ledger.commit(Changes(bans=bans), now=now)
            self.worker.ban(bans)
            await self.worker.drained()

    async def lift(self, addresses: Sequence[str]) -> None:
        """Lift bans by hand."""
        bans = [ban for ban in self.standing() if ban.subject.text in addresses]
        self.ledger.commit(Changes(unbans=[Unban(ban, Release.BY_HAND) for ban in bans]), now=time.time())
        self.worker.unban(bans)
        await self.worker.drained()

    async def repair(self) -> None:
        """Do what housekeeping does every ten seconds."""
        await self.worker.retry(self.standing())
        await self.worker.drained()

    def held(self) -> set[str]:
        """Return whom the kernel bars."""
        sets = NftSocket(TABLE)
        try:
            v4 = {socket.inet_ntop(socket.AF_INET, each.key) for each in sets.addresses(ADDRESSES)}
            return v4 | {socket.inet_ntop(socket.AF_INET6, each.key) for each in sets.addresses("addr6-set-sshd")}
        finally:
            sets.close()

    def agrees(self) -> bool:
        """Return whether the kernel bars exactly who the ledger says, and the ledger knows it."""
        unmarked = self.ledger._db.execute("SELECT count(*) FROM bans WHERE ended IS NULL AND enforced IS NULL")
        return self.held() == {ban.subject.text for ban in self.standing()} and unmarked.fetchone() == (0,)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return what the log has been told since the last look, warnings and worse."""
    caplog.set_level(logging.WARNING)

    def take() -> list[str]:
        lines = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return lines

    return take


Told = Callable[[], list[str]]


def v4(first: int, last: int) -> list[str]:
    """Return addresses by number."""
    return [f"198.18.{number // 256}.{number % 256}" for number in range(first, last)]


def test_the_kernels_answers_are_lost(tmp_path: Path, told: Told) -> None:
    """The answers to thousands of bans overrun our buffer again and again (ENOBUFS)."""

    async def play() -> None:
        async with House(tmp_path) as house:
            sets = house.sets()
            sets._socket.setsockopt(socket.SOL_SOCKET, 33, SMALLEST)  # SO_RCVBUFFORCE
            await house.bar(v4(0, 10_000), at_once=10_000)
            await house.repair()
            (line,) = told()
            assert "Error banning 198.18.0.0 and 9999 more: nftables: [Errno 105] No buffer space available" in line
            sets._socket.setsockopt(socket.SOL_SOCKET, 33, USUAL)
            await house.repair()
            assert house.agrees()
            assert told() == ["Jail 'sshd' action 'nftables': banning works again; it had failed 20000 time(s)"]

    play_in_namespace(play)


def test_the_set_is_full(tmp_path: Path, told: Told) -> None:
    """A set with room for a hundred refuses each further address; when there is room again, they are put in."""

    async def play() -> None:
        spec = "type ipv4_addr; flags timeout; counter; size 100;"
        run("nft", "-f", "-", text=f"add table inet {TABLE}\nadd set inet {TABLE} {ADDRESSES} {{ {spec} }}")
        async with House(tmp_path) as house:
            await house.bar(v4(0, 1000), at_once=50)
            await house.repair()
            (line,) = told()
            assert "Error banning 198.18.0.100 and 49 more: nftables: the kernel says ENFILE" in line
            assert len(house.held()) == 100
            await house.lift(v4(0, 950))
            await house.repair()
            assert house.agrees()
            assert told() == ["Jail 'sshd' action 'nftables': banning works again; it had failed 1800 time(s)"]

    play_in_namespace(play)


def test_the_right_to_change_the_firewall_is_lost(tmp_path: Path, told: Told) -> None:
    """Without CAP_NET_ADMIN nobody is barred and nobody is let go; with it again both are made up for."""

    async def play() -> None:
        async with House(tmp_path) as house:
            await house.bar(v4(0, 10))
            with without(NET_ADMIN):
                await house.bar(v4(10, 10_010), at_once=10)
                await house.repair()
                (line,) = told()
                assert "Error banning 198.18.0.10 and 9 more: nftables: [Errno 1] Operation not permitted" in line
                await house.lift(v4(0, 5))
                await house.repair()
                (line,) = told()
                assert (
                    "Failed to execute unban jail 'sshd' action 'nftables': Error unbanning 198.18.0.0 and 4 more"
                    in line
                )
            assert house.held() == set(v4(0, 10))
            await house.repair()
            await house.repair()
            assert house.agrees()
            assert len(told()) == 2  # each works again

    play_in_namespace(play)


@pytest.mark.parametrize("fault", ["missing", "hanging"])
def test_nft_does_not_do_its_work(tmp_path: Path, told: Told, fault: str) -> None:
    """The program is not installed, or never ends: the jail's rules cannot be set up; they are as soon as nft works."""
    nft = tmp_path / "nft"
    if fault == "hanging":
        nft.write_text("#!/bin/sh\nexec sleep 60\n")
        nft.chmod(0o755)
    reason = {"missing": f"cannot run {nft}: No such file", "hanging": f"{nft} did not finish within 0.1 seconds"}[
        fault
    ]

    async def play() -> None:
        async with House(tmp_path, run_nft=partial(run_nft, program=str(nft), timeout=0.1)) as house:
            for number in range(5):
                await house.bar(v4(number * 10, number * 10 + 10))
                await house.repair()
            (line,) = told()
            assert "Failed to start jail 'sshd' action 'nftables'" in line
            assert reason in line
            nft.unlink(missing_ok=True)
            nft.write_text('#!/bin/sh\nexec nft "$@"\n')
            nft.chmod(0o755)
            house.table._run = partial(run_nft, program=str(nft))
            await house.repair()
            assert house.agrees()
            assert told() == ["Jail 'sshd' action 'nftables': started at last"]

    play_in_namespace(play)


def test_the_table_is_deleted_between_two_parts_of_a_batch(tmp_path: Path, told: Told) -> None:
    """IPv4 is in the kernel, IPv6 is on its way, when another program deletes the table: both are there in the end."""

    async def play() -> None:
        async with House(tmp_path) as house:
            sets = house.sets()
            add = sets.add

            def add_late(set_name: str, elements: Sequence[object]) -> object:
                if set_name != ADDRESSES:
                    sets.add = add  # type: ignore[method-assign]
                    run("nft", "delete", "table", "inet", TABLE)
                return add(set_name, elements)  # type: ignore[arg-type]

            sets.add = add_late  # type: ignore[method-assign, assignment]
            await house.bar([*v4(0, 2000), *(f"2001:db8::{number:x}" for number in range(1, 2000))], at_once=4000)
            assert len(house.held()) == 1999
            await house.repair()
            assert house.agrees()
            assert told() == ["[sshd] 2000 ban(s) had vanished from nftables and are put back"]

    play_in_namespace(play)


class without:  # noqa: N801 - reads as a word
    """A context in which the calling thread has lost a capability (capset(2)); it may take it up again."""

    def __init__(self, capability: int) -> None:
        self._bit = 1 << capability

    def __enter__(self) -> None:
        self._change(lambda effective: effective & ~self._bit)

    def __exit__(self, *_: object) -> None:
        self._change(lambda effective: effective | self._bit)

    def _change(self, change: Callable[[int], int]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, the calling thread
        sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 bits of each
        assert libc.capget(header, sets) == 0
        sets[0] = change(sets[0])
        assert libc.capset(header, sets) == 0


JAIL = """\
[sshd]
enabled = true
backend = auto
logpath = /var/log/auth.log
maxretry = 1
banaction = nftables
"""
DISK = "/run/disk"
SERVER = f"[Definition]\ndbfile = {DISK}/ledger.sqlite\n"


def test_the_ledgers_disk_is_full(lab: Lab) -> None:
    """Bans go on while the ledger cannot be written; it makes up for them, and a next life knows them all."""
    auth = lab.stage.path("/var/log/auth.log")
    auth.touch()
    assert lab.stage.run("sh", "-c", f"mkdir {DISK} && mount -t tmpfs -o size=1m tmpfs {DISK}").returncode == 0
    lab.configure({"jail.local": JAIL, "fail2ban.local": SERVER})
    lab.start()
    fail(auth, v4(0, 10))
    wait_for(lambda: len(lab.banned()["sshd"]) == 10, "the first ten")
    lab.stage.run("sh", "-c", f"cat /dev/zero >{DISK}/filler")
    for start in range(10, 2010, 100):
        fail(auth, v4(start, start + 100))
        wait_for(lambda: len(lab.banned()["sshd"]) == start + 100, "a hundred more")  # noqa: B023 - called at once
    wait_for(lambda: lab.barred().get(ADDRESSES) == set(v4(0, 2010)), "the kernel to bar them all")
    assert lab.log().count("cannot be used: database or disk is full; bans go on") == 1
    assert lab.log().count(" CRITICAL ") + lab.log().count(" ERROR ") == 1
    lab.stage.run("rm", f"{DISK}/filler")
    assert lab.stage.run("mount", "-o", "remount,size=64m", DISK).returncode == 0
    lab.wait_log("can be used again")
    lab.kill()
    lab.start()
    assert lab.banned()["sshd"] == set(v4(0, 2010))
    assert lab.barred()[ADDRESSES] == set(v4(0, 2010))


def fail(log: Path, addresses: Sequence[str]) -> None:
    """Let a login of each address fail."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    with log.open("a") as lines:
        lines.writelines(f"{stamp} mail sshd[7]: Failed password for root from {ip} port 4 ssh2\n" for ip in addresses)
