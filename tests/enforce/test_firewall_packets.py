"""Tests of enforce.firewall with the real kernel and real packets, in a network namespace."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.support.namespace import SERVER6, connect, is_admitted, listen, play_in_namespace, ruleset, run, wait_until

from sekisho.enforce.firewall import NftablesAction
from sekisho.enforce.ruleset import parse_rules
from sekisho.enforce.table import NftTable
from sekisho.model.address import Subject, parse_subject
from sekisho.model.ports import PortRange
from sekisho.model.specs import PERMANENT
from sekisho.model.verdict import Ban

pytestmark = pytest.mark.system

BAD, GOOD, BAD6, GOOD6 = "198.51.100.66", "198.51.100.7", "2001:db8::66", "2001:db8::7"
MakeTable = Callable[[], NftTable]
Play = Callable[[MakeTable], Coroutine[Any, Any, None]]


def ban(who: str, seconds: float = 600) -> Ban:
    """A ban that begins now."""
    return Ban("sshd", parse_subject(who), time.time(), seconds)


def make(table: NftTable, *, jail: str = "sshd", port: int = 22, **properties: str) -> NftablesAction:
    """An action for one port."""
    rules = parse_rules(jail, "nftables", properties, (PortRange(port, port),))
    return NftablesAction(table=table, jail=jail, actname="nftables", rules=rules, clock=time.time)


async def listed(action: NftablesAction) -> frozenset[Subject] | None:
    """Return whom the action finds in the kernel after another program has changed something there."""
    run("nft", "-f", "-", text="add table inet theirs\ndelete table inet theirs\n")
    return await action.listed()


def in_namespace(play: Play) -> Callable[[], None]:
    """Make a test of a play with two open ports, on IPv4 and IPv6."""

    def test() -> None:
        async def live() -> None:
            with contextlib.ExitStack() as stack:
                for address in ("192.0.2.1", SERVER6):
                    for port in (22, 80):
                        stack.enter_context(listen(port, address))
                await play(lambda: stack.enter_context(contextlib.closing(NftTable())))

        play_in_namespace(live)

    test.__doc__ = play.__doc__
    return test


@in_namespace
async def test_a_banned_address_is_kept_from_the_jails_port(table: MakeTable) -> None:
    """The offender's connections to port 22 are dropped and to port 80 admitted; nobody else notices anything."""
    action = make(table())
    assert await action.start([]) == []
    assert is_admitted(BAD, 22)
    assert await action.ban([ban(BAD), ban(BAD6)]) == []
    assert [is_admitted(BAD, 22), is_admitted(BAD, 80), is_admitted(GOOD, 22)] == [False, True, True]
    assert [is_admitted(who, 22, SERVER6) for who in (BAD6, GOOD6)] == [False, True]
    assert is_admitted(BAD6, 80, SERVER6)
    assert await action.unban([ban(BAD), ban(BAD6)]) == []
    assert is_admitted(BAD, 22)
    assert is_admitted(BAD6, 22, SERVER6)
    await action.stop([])
    assert ruleset() == ""


@in_namespace
async def test_every_port_is_barred_by_allports(table: MakeTable) -> None:
    """What recidive does: the offender reaches no port of the protocol any more."""
    action = make(table(), jail="recidive", type="allports")
    await action.start([ban(BAD)])
    assert [is_admitted(BAD, port) for port in (22, 80)] == [False, False]
    await action.stop([])


@in_namespace
async def test_an_established_connection_stops(table: MakeTable) -> None:
    """A session that was open before the ban gets not one more byte through."""
    action = make(table())
    await action.start([])
    with listen(2222) as door:
        action = make(table(), jail="other", port=2222)
        await action.start([])
        client = connect(BAD, 2222)
        assert client is not None
        server, _ = door.accept()
        server.settimeout(0.3)
        client.sendall(b"before")
        assert server.recv(100) == b"before"
        await action.ban([ban(BAD)])
        client.sendall(b"after")
        with pytest.raises(TimeoutError):
            server.recv(100)
        await action.unban([ban(BAD)])
        server.settimeout(5)
        assert server.recv(100) == b"after"  # TCP tries again, and the road is open
        client.close()
        server.close()


@in_namespace
async def test_the_kernel_ends_a_ban_by_itself(table: MakeTable) -> None:
    """With nobody to lift it, a ban of half a second is over after half a second; one for ever is not."""
    action = make(table())
    await action.start([ban(BAD, 0.5), ban(GOOD, PERMANENT)])
    assert not is_admitted(BAD, 22)
    wait_until(lambda: is_admitted(BAD, 22), "the end of the ban")
    assert not is_admitted(GOOD, 22)


@in_namespace
async def test_networks_are_barred_and_admitted_exactly(table: MakeTable) -> None:
    """Overlapping networks bar what they cover; when the wide one is lifted the narrow one stands."""
    action = make(table())
    await action.start([ban("198.51.100.0/24"), ban("2001:db8::/120"), ban("198.51.100.64/26", 900)])
    assert [is_admitted(BAD, 22), is_admitted(GOOD, 22), is_admitted(BAD6, 22, SERVER6)] == [False, False, False]
    await action.unban([ban("198.51.100.0/24"), ban("2001:db8::/120")])
    assert [is_admitted(BAD, 22), is_admitted(GOOD, 22), is_admitted(BAD6, 22, SERVER6)] == [False, True, True]
    assert await listed(action) == frozenset({parse_subject("198.51.100.64/26")})


@in_namespace
async def test_neighbouring_prefixes_come_and_go_by_themselves(table: MakeTable) -> None:
    """Side by side in either order, prolonged or over: each bars its own addresses, and only as long as it stands."""
    low, high = ban("198.51.100.0/26"), ban("198.51.100.64/26")  # GOOD is in the one, BAD in the other
    action = make(table())
    await action.start([])
    for first, second in ((low, high), (high, low)):
        for each in (first, second, ban(first.subject.text, 900)):
            assert await action.ban([each]) == []
        assert [is_admitted(BAD, 22), is_admitted(GOOD, 22)] == [False, False]
        assert await action.unban([first]) == []
        assert [is_admitted(BAD, 22), is_admitted(GOOD, 22)] == [second is low, second is high]
        assert await listed(action) == frozenset({second.subject})
        assert await action.unban([second]) == []
        assert [is_admitted(BAD, 22), is_admitted(GOOD, 22)] == [True, True]
    await action.ban([ban("198.51.100.64/26", 1)])
    wait_until(lambda: is_admitted(BAD, 22), "the end of the ban")
    assert await action.unban([high]) == []
    await action.stop([])


@in_namespace
async def test_a_killed_daemon_goes_on_barring_and_its_successor_without_a_gap(table: MakeTable) -> None:
    """After the death the offender stays barred, during the new start too; the new life knows him and lets him go."""
    dead = make(table())
    await dead.start([ban(BAD), ban("203.0.113.9")])
    flood = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    flood.bind((BAD, 0))
    flood.setblocking(False)
    flood.connect_ex(("192.0.2.1", 22))  # the kernel repeats its SYN all the while
    shared = table()
    successor = make(shared)
    for _ in range(20):
        assert await successor.start([ban(BAD)]) == []
        assert flood.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        with pytest.raises(OSError, match="not connected"):
            flood.getpeername()
    flood.close()
    assert await listed(successor) == frozenset({parse_subject(BAD)})
    await successor.unban([ban(BAD)])
    assert is_admitted(BAD, 22)
    await successor.stop([])
    assert ruleset() == ""


@in_namespace
async def test_a_refusal_is_heard(table: MakeTable) -> None:
    """With reject the offender is told at once, with a reset where the configuration says so, on both families."""
    for blocktype, errors in (
        ("reject", (ConnectionRefusedError, PermissionError)),
        ("reject with tcp reset", (ConnectionRefusedError, ConnectionResetError)),
        ("reject with icmpx admin-prohibited", (OSError,)),
    ):
        action = make(table(), blocktype=blocktype)
        await action.start([ban(BAD), ban(BAD6)])
        for family, source, server in (
            (socket.AF_INET, BAD, "192.0.2.1"),
            (socket.AF_INET6, BAD6, SERVER6),
        ):
            with socket.socket(family, socket.SOCK_STREAM) as client:
                client.settimeout(5)
                client.bind((source, 0))
                with pytest.raises(errors) as caught:
                    client.connect((server, 22))
                assert not isinstance(caught.value, TimeoutError)
        await action.stop([])


@in_namespace
async def test_the_counter_counts_what_was_stopped(table: MakeTable) -> None:
    """Packets to the jail's port are counted at the element; those to other ports, which pass, are not."""
    action = make(table(), blocktype="reject")
    await action.start([ban(BAD)])
    assert is_admitted(BAD, 80)
    assert not is_admitted(BAD, 22)
    (element,) = action._table.sets.addresses("addr-set-sshd")
    assert element.packets == 1
    assert element.octets > 0


@in_namespace
async def test_jails_with_odd_names_stand_beside_each_other(table: MakeTable) -> None:
    """Names that are nft's own words, begin with a digit, or hold other letters: each jail has its rules."""
    shared = table()
    jails = ["tcp", "3proxy", "drop", "jail with blanks", "räuber", "a/b", "a", "x" * 300]
    actions = [make(shared, jail=jail) for jail in jails]
    for action in actions:
        assert await action.start([ban(BAD)]) == []
    assert ruleset().count("jump jail-") == len(jails)
    for number, action in enumerate(actions):
        assert not is_admitted(BAD, 22), number
        await action.stop([])
    assert is_admitted(BAD, 22)
    assert ruleset() == ""


@in_namespace
async def test_other_peoples_tables_are_left_alone(table: MakeTable) -> None:
    """Start, ban and stop change nothing in anybody's rules but ours."""
    run("nft", "-f", "-", text="table inet theirs {\n set s { type ipv4_addr; elements = { 192.0.2.9 } }\n}\n")
    before = ruleset()
    action = make(table())
    await action.start([ban(BAD)])
    await action.stop([])
    assert ruleset() == before


@in_namespace
async def test_rules_that_vanished_come_back(table: MakeTable) -> None:
    """Another program flushes the ruleset: the list says so, and putting the bans back restores everything."""
    action = make(table())
    await action.start([ban(BAD)])
    assert await action.listed() is None
    run("nft", "flush", "ruleset")
    assert is_admitted(BAD, 22)
    assert await action.listed() == frozenset()
    assert await action.ban([ban(BAD)]) == []
    assert not is_admitted(BAD, 22)


@pytest.mark.parametrize(
    "harm",
    [
        "flush ruleset",
        "delete table inet sekisho",
        "flush table inet sekisho",
        "flush chain inet sekisho prerouting",
        "flush chain inet sekisho jail-sshd",
        "add table inet sekisho { flags dormant; }",
    ],
)
def test_who_removes_our_rules_is_named_and_they_come_back(harm: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever another program takes away, an alarm is raised at once, and a start puts all of it back."""

    async def play() -> None:
        table, alarm = NftTable(), asyncio.Event()
        table.guard(alarm.set)
        with listen(22, "192.0.2.1"), contextlib.closing(table):
            action = make(table)
            await action.start([ban(BAD)])
            assert await action.is_whole()
            run("nft", "-f", "-", text="table inet theirs {\n chain c { }\n}\n")
            run("nft", "-f", "-", text=f"{harm}\n")
            async with asyncio.timeout(1):
                await alarm.wait()
            assert not await action.is_whole()
            assert is_admitted(BAD, 22)
            await action.start([ban(BAD)])
            assert await action.is_whole()
            assert not is_admitted(BAD, 22)

    play_in_namespace(play)
    (told,) = [record.getMessage() for record in caplog.records if "changed the firewall" in record.getMessage()]
    assert told.startswith("'nft' (pid ")
    assert "gone" in told


def test_what_others_do_elsewhere_raises_no_alarm() -> None:
    """Our own set-ups and other people's tables are heard of, looked at, and left alone."""

    async def play() -> None:
        table, alarm = NftTable(), asyncio.Event()
        table.guard(alarm.set)
        with contextlib.closing(table):
            await make(table).start([ban(BAD)])
            await make(table, jail="postfix", port=25).start([ban(BAD)])
            run("nft", "-f", "-", text="table inet theirs {\n chain c { }\n}\n")
            run("nft", "delete", "table", "inet", "theirs")
            run("nft", "delete", "table", "inet", "sekisho")
            await alarm.wait()  # the first, though it was not the first to be heard of

    play_in_namespace(play)


@in_namespace
async def test_what_each_ban_stopped_is_told(table: MakeTable) -> None:
    """Two knocks of an address and one of a network are told of them; the sum has all three."""
    action = make(table(), blocktype="reject")
    await action.start([ban(BAD), ban("198.51.100.0/28"), ban(GOOD6)])
    for who in (BAD, BAD, GOOD):
        assert not is_admitted(who, 22)
    tally = await action.counted()
    assert {subject.text: count.packets for subject, count in tally.of.items()} == {
        BAD: 2,
        "198.51.100.0/28": 1,
        GOOD6: 0,
    }
    assert (tally.total.packets, tally.total.octets) == (3, 180)


@in_namespace
async def test_how_the_barrier_stands_is_told(table: MakeTable) -> None:
    """Who is held, and till when; after another program's flush nobody is, and the reason is named."""
    action = make(table())
    await action.start([ban(BAD), ban(GOOD6, PERMANENT)])
    asked = [parse_subject(who) for who in (BAD, GOOD6, GOOD)]
    barrier = await action.barrier(asked)
    assert (barrier.chain, barrier.fault, barrier.protocols, barrier.ports) == (
        "jail-sshd",
        "",
        ("tcp",),
        (PortRange(22, 22),),
    )
    assert [holding.is_held for holding in barrier.holdings] == [True, True, False]
    assert barrier.holdings[0].until == pytest.approx(time.time() + 600, abs=5)
    assert barrier.holdings[1].until is None
    run("nft", "flush", "ruleset")
    barrier = await action.barrier(asked)
    assert barrier.fault == "the table is gone"
    assert not any(holding.is_held for holding in barrier.holdings)
