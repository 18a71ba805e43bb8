"""Tests of enforce.cutter with real connections of a real kernel, in a network namespace."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import re
import socket
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support.namespace import SERVER, SERVER6, connect, listen, play_in_namespace, run

from sekisho.enforce import conntrack, sockdiag
from sekisho.enforce.cutter import Cutter
from sekisho.enforce.disconnect import Means
from sekisho.enforce.firewall import NftablesAction
from sekisho.enforce.ruleset import parse_rules
from sekisho.enforce.table import NftTable
from sekisho.model.address import parse_subject
from sekisho.model.ports import PortRange
from sekisho.model.verdict import Ban

pytestmark = pytest.mark.system

BAD, GOOD, BAD6, GOOD6 = "198.51.100.66", "198.51.100.7", "2001:db8::66", "2001:db8::7"
BOTH = Means.SOCKETS | Means.CONNTRACK
TRACKING = "table inet watch {\n chain c {\n type filter hook input priority 0;\n ct state established accept\n }\n}\n"


def ban(who: str) -> Ban:
    """A ban that begins now."""
    return Ban("sshd", parse_subject(who), time.time(), 600)


class Call:
    """An established TCP connection, both ends."""

    def __init__(self, stack: contextlib.ExitStack, source: str, port: int, address: str = SERVER) -> None:
        with listen(port, address) as door:
            client = connect(source, port, address)
            assert client is not None
            self.server, _ = door.accept()
        self.client = client
        for end in (self.client, self.server):
            stack.enter_context(end)
            end.settimeout(5)

    def is_alive(self) -> bool:
        """Whether bytes still pass, both ways."""
        try:
            for here, there in ((self.client, self.server), (self.server, self.client)):
                here.sendall(b"x")
                assert there.recv(1) == b"x"
        except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError):
            return False
        return True

    def is_cut(self) -> bool:
        """Whether the service was told of the end, and the client by a reset."""
        with pytest.raises(ConnectionAbortedError):
            self.server.recv(1)
        with pytest.raises(ConnectionResetError):
            self.client.recv(1)
        return True


class Stage:
    """A jail whose bans also cut, in a namespace that tracks connections."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        run("nft", "-f", "-", text=TRACKING)
        self.stack = stack
        self.cutter = Cutter()
        self.table = stack.enter_context(contextlib.closing(NftTable()))

    async def jail(self, means: Means, *, port: int = 22, **properties: str) -> NftablesAction:
        """Return the action of a jail, started."""
        rules = parse_rules("sshd", "nftables", properties, (PortRange(port, port),))
        cut = partial(self.cutter.cut, "sshd", means, rules.reach)
        action = NftablesAction(
            table=self.table, jail="sshd", actname="nftables", rules=rules, clock=time.time, cut=cut
        )
        assert await action.start([]) == []
        return action

    async def ban(self, action: NftablesAction, *who: str) -> None:
        """Bar them, and wait until their connections have been looked at."""
        assert await action.ban([ban(each) for each in who]) == []
        await self.cutter.drained()

    def call(self, source: str, port: int = 22, address: str = SERVER) -> Call:
        """Return a connection that stands, as far as the firewall lets it."""
        return Call(self.stack, source, port, address)


def tracked() -> set[tuple[str, str, int]]:
    """Protocol, source and port of what is tracked in the calling thread's namespace, as its first packet came in."""
    text = Path("/proc/thread-self/net/nf_conntrack").read_text()
    found = re.findall(r"^\S+ +\d+ (\w+) .*?src=(\S+) dst=\S+ sport=\d+ dport=(\d+)", text, re.MULTILINE)
    return {(protocol, source.replace("0000:0000:0000:0000:0000:", ":"), int(port)) for protocol, source, port in found}


def staged(play: Callable[[Stage], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Make a test of a play."""

    def test() -> None:
        async def live() -> None:
            with contextlib.ExitStack() as stack:
                await play(Stage(stack))

        play_in_namespace(live)

    test.__doc__ = play.__doc__
    return test


@staged
async def test_sockets_of_the_banned_are_closed_and_no_others(stage: Stage) -> None:
    """Both ends of a session hear of its end; other people's, and those to other ports, go on as if nothing was."""
    action = await stage.jail(Means.SOCKETS)
    cut = [stage.call(BAD), stage.call(BAD), stage.call(BAD6, address=SERVER6)]
    kept = [stage.call(BAD, 80), stage.call(GOOD), stage.call(GOOD6, address=SERVER6)]
    await stage.ban(action, BAD)
    assert [call.is_cut() for call in cut[:2]] == [True, True]
    assert cut[2].is_alive()
    await stage.ban(action, BAD6)
    assert cut[2].is_cut()
    assert [call.is_alive() for call in kept] == [True, True, True]


@staged
async def test_entries_of_the_banned_are_removed_and_no_others(stage: Stage) -> None:
    """Connection tracking forgets the banned within the jail's ports; sockets stay where only entries were meant."""
    action = await stage.jail(Means.CONNTRACK)
    calls = [stage.call(who, port) for who in (BAD, GOOD) for port in (22, 80)]
    call6 = stage.call(BAD6, address=SERVER6)
    everybody = {("tcp", who, port) for who in (BAD, GOOD) for port in (22, 80)} | {("tcp", "2001:0db8::0066", 22)}
    assert len(tracked()) == len(everybody) == 5
    await stage.ban(action, BAD)
    assert {each for each in tracked() if each[1] in {BAD, GOOD}} == {
        ("tcp", GOOD, 22), ("tcp", GOOD, 80), ("tcp", BAD, 80)
    }  # fmt: skip
    assert len(tracked()) == 4
    await stage.ban(action, BAD6)
    assert len(tracked()) == 3
    calls[0].server.setblocking(False)
    call6.server.setblocking(False)
    for silent in (calls[0], call6):
        with pytest.raises(BlockingIOError):
            silent.server.recv(1)


@staged
async def test_an_entry_that_the_service_makes_anew_is_found_too(stage: Stage) -> None:
    """It speaks on into the void, so the kernel tracks a connection of its own making; its answers are the banned's."""
    action = await stage.jail(Means.CONNTRACK)
    call = stage.call(BAD)
    await stage.ban(action, BAD)
    assert tracked() == set()
    call.server.sendall(b"are you there?")
    assert {source for _, source, _ in tracked()} == {SERVER}
    await stage.ban(action, BAD, GOOD)
    assert tracked() == set()


@staged
async def test_an_entry_of_another_zone_is_named_with_it(stage: Stage) -> None:
    """Where connections are tracked in zones, the kernel finds an entry by its tuple and zone only."""
    run(
        "nft",
        "-f",
        "-",
        text="table inet zone {\n chain c {\n type filter hook output priority raw\n ct zone set 7\n }\n}\n",
    )
    action = await stage.jail(Means.CONNTRACK)
    stage.call(BAD)
    assert "zone=7" in Path("/proc/thread-self/net/nf_conntrack").read_text()
    await stage.ban(action, BAD)
    assert tracked() == set()


@staged
async def test_a_batch_of_addresses_and_networks_is_cut_together(stage: Stage) -> None:
    """What cannot be asked for by one name is picked from all that there is, on a service of both families too."""
    action = await stage.jail(BOTH, port=2222)
    both = stage.stack.enter_context(socket.create_server(("::", 2222), family=socket.AF_INET6, dualstack_ipv6=True))

    def call(source: str, address: str) -> tuple[socket.socket, socket.socket]:
        client = connect(source, 2222, address)
        assert client is not None
        return stage.stack.enter_context(client), stage.stack.enter_context(both.accept()[0])

    cut = [call(BAD, SERVER), call("192.0.2.77", SERVER), call(BAD6, SERVER6)]
    client, server = call(GOOD, SERVER)
    await stage.ban(action, BAD, "192.0.2.64/26", "2001:db8::60/124")
    for _, end in cut:
        with pytest.raises(ConnectionAbortedError):
            end.recv(1)
    assert {source for _, source, port in tracked() if port == 2222} == {GOOD}
    client.sendall(b"x")
    assert server.recv(1) == b"x"
    await stage.ban(action, "198.51.100.0/24")
    with pytest.raises(ConnectionAbortedError):
        server.recv(1)
    assert {source for _, source, port in tracked() if port == 2222} == set()


@staged
async def test_a_ban_of_all_ports_cuts_every_connection(stage: Stage) -> None:
    """Whatever the protocol and the port, and also what this host opened to the banned, whose answers are barred."""
    action = await stage.jail(BOTH, type="allports", protocol="all")
    calls = [stage.call(BAD), stage.call(BAD, 80)]
    outwards = Call(stage.stack, SERVER, 8080, BAD)
    udp = stage.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    udp.bind((SERVER, 1194))
    udp.connect((BAD, 1194))
    udp.send(b"x")
    udp.settimeout(5)
    assert len(tracked()) == 4
    await stage.ban(action, BAD)
    assert [call.is_cut() for call in calls] == [True, True]
    with pytest.raises(OSError, match=r"abort|reset"):
        outwards.client.recv(1)
    with pytest.raises(ConnectionAbortedError):
        udp.recv(1)
    assert tracked() == set()


@staged
async def test_hundreds_of_entries_go_in_one_sweep(stage: Stage) -> None:
    """More than one round of requests holds: all are removed, and the others' are still there."""
    action = await stage.jail(BOTH, port=53, protocol="udp")
    target = stage.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    target.bind((SERVER, 53))
    for who, count in ((BAD, 350), (GOOD, 20)):
        for _ in range(count):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
                asker.bind((who, 0))
                asker.sendto(b"?", (SERVER, 53))
    before = Path("/proc/thread-self/net/nf_conntrack").read_text().count(f"src={BAD}")
    assert before > 300
    await stage.ban(action, BAD)
    left = Path("/proc/thread-self/net/nf_conntrack").read_text()
    assert left.count(f"src={BAD}") == 0
    assert left.count(f"src={GOOD}") > 0


def test_without_the_right_to_it_bans_stand_and_the_log_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    """The cutting thread lacks CAP_NET_ADMIN, so the kernel refuses; three bans are in force, two lines tell why."""

    async def play() -> None:
        with contextlib.ExitStack() as stack:
            stage = Stage(stack)
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1, initializer=_renounce))
            action = await stage.jail(BOTH)
            call = stage.call(BAD)
            for who in (BAD, GOOD, BAD6):
                await stage.ban(action, who)
            assert ("tcp", BAD, 22) in tracked()
            call.server.setblocking(False)
            with pytest.raises(BlockingIOError):
                call.server.recv(1)
            assert connect(BAD, 22) is None
            assert len(stage.table.sets.addresses("addr-set-sshd")) == 2

    play_in_namespace(play)
    why = "[Errno 1] Operation not permitted (CAP_NET_ADMIN is missing); this is said once"
    assert [record.getMessage() for record in caplog.records] == [
        f"disconnect: TCP sockets of the banned stay: {why}",
        f"disconnect: conntrack entries of the banned stay: {why}",
    ]


def test_a_kernel_that_lacks_it_is_named(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this kernel answers for a kind of socket that it cannot destroy, and for a subsystem that it has not."""
    parse = sockdiag.Listing.parse_connection

    def parse_unix(listing: sockdiag.Listing, body: bytes) -> sockdiag.Connection:
        found = parse(listing, body)
        return sockdiag.Connection(found.packet, socket.AF_UNIX, found.identity)

    monkeypatch.setattr(sockdiag.Listing, "parse_connection", parse_unix)
    monkeypatch.setattr(conntrack, "_GET", 40 << 8)

    async def play() -> None:
        with contextlib.ExitStack() as stack:
            stage = Stage(stack)
            action = await stage.jail(BOTH)
            stage.call(BAD)
            await stage.ban(action, BAD)
            await stage.ban(action, BAD, GOOD)

    play_in_namespace(play)
    sockets, entries = [record.getMessage() for record in caplog.records if "disconnect" in record.getMessage()]
    assert "Operation not supported (the kernel is built without CONFIG_INET_DIAG_DESTROY)" in sockets
    assert "Invalid argument (the kernel has no module nf_conntrack_netlink)" in entries


def _renounce() -> None:
    """Take CAP_NET_ADMIN from the calling thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3
    data = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, data) == 0
    data[0] &= ~(1 << 12)
    assert libc.capset(header, data) == 0
