"""Tests of enforce.ipset_firewall with the real kernel, real iptables and real packets, in a network namespace.

Each is played with the older iptables and with the one over nf_tables.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from tests.support.namespace import SERVER6, connect, is_admitted, listen, play_in_namespace, run, wait_until

from sekisho.enforce.fence import Fence
from sekisho.enforce.ipset_firewall import IpsetAction
from sekisho.enforce.ipset_rules import parse_ipset_rules
from sekisho.enforce.iptables import Iptables, run_iptables
from sekisho.model.address import Family, parse_subject
from sekisho.model.ports import PortRange
from sekisho.model.specs import PERMANENT
from sekisho.model.verdict import Ban

PROGRAMS = ("iptables-legacy", "ip6tables-legacy", "iptables-nft", "ip6tables-nft", "ipset")
pytestmark = pytest.mark.system(needs=PROGRAMS)

BAD, GOOD, BAD6, GOOD6 = "198.51.100.66", "198.51.100.7", "2001:db8::66", "2001:db8::7"


class Host:
    """The namespace's firewall, by one of the two kinds of iptables."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.open = contextlib.ExitStack()

    def fence(self) -> Fence:
        """The fence of a daemon that starts over what is on the host."""

        async def run_kind(argv: Sequence[str], text: str) -> str:
            program, _, verb = argv[0].partition("-")
            return await run_iptables([f"{program}-{self.kind}-{verb}", *argv[1:]], text)

        def iptables(family: Family) -> Iptables:
            return Iptables(family, run=run_kind)

        return self.open.enter_context(contextlib.closing(Fence(iptables=iptables)))

    def make(self, fence: Fence | None = None, *, jail: str = "sshd", port: int = 22, **properties: str) -> IpsetAction:
        """An action for one port."""
        rules = parse_ipset_rules(jail, "ipset", properties, (PortRange(port, port),))
        return IpsetAction(fence=fence or self.fence(), jail=jail, actname="ipset", rules=rules, clock=time.time)

    def iptables(self, *words: str) -> str:
        """What the older or the newer iptables says to some words."""
        return run(f"iptables-{self.kind}", *words)

    def rules(self) -> str:
        """Every rule of both families, and every set."""
        saved = [run(f"{program}-{self.kind}-save", "-t", table) for program in ("iptables", "ip6tables")
                 for table in ("raw", "filter")]  # fmt: skip
        rules = [line for text in saved for line in text.splitlines() if line.startswith("-A")]
        return "\n".join([*rules, run("ipset", "list", "-n").strip()]).strip()


Play = Callable[[Host], Coroutine[Any, Any, None]]


def ban(who: str, seconds: float = 600) -> Ban:
    """A ban that begins now."""
    return Ban("sshd", parse_subject(who), time.time(), seconds)


def in_namespace(play: Play) -> Callable[[str], None]:
    """Make a test of a play with two open ports, on IPv4 and IPv6, for each kind of iptables."""

    @pytest.mark.parametrize("kind", ["legacy", "nft"])
    def test(kind: str) -> None:
        async def live() -> None:
            with contextlib.ExitStack() as stack:
                for address in ("192.0.2.1", SERVER6):
                    for port in (22, 80):
                        stack.enter_context(listen(port, address))
                host = Host(kind)
                stack.enter_context(host.open)
                await play(host)

        play_in_namespace(live, empty=["/run"])  # where the older iptables has its lock

    test.__doc__ = play.__doc__
    return test


@in_namespace
async def test_a_banned_address_is_kept_from_the_jails_port(host: Host) -> None:
    """The offender's connections to port 22 are dropped and to port 80 admitted; nobody else notices anything."""
    action = host.make()
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
    assert host.rules() == ""


@in_namespace
async def test_every_port_is_barred_by_allports(host: Host) -> None:
    """What recidive does: the offender reaches no port of the protocol any more."""
    await host.make(jail="recidive", type="allports").start([ban(BAD)])
    assert [is_admitted(BAD, port) for port in (22, 80)] == [False, False]


@in_namespace
async def test_networks_are_barred_and_admitted_exactly(host: Host) -> None:
    """Overlapping networks bar what they cover; when the wide one is lifted the narrow one stands."""
    action = host.make()
    await action.start([ban("198.51.100.0/24"), ban("2001:db8::/120"), ban("198.51.100.64/26", 900)])
    assert [is_admitted(BAD, 22), is_admitted(GOOD, 22), is_admitted(BAD6, 22, SERVER6)] == [False, False, False]
    await action.unban([ban("198.51.100.0/24"), ban("2001:db8::/120")])
    assert [is_admitted(BAD, 22), is_admitted(GOOD, 22), is_admitted(BAD6, 22, SERVER6)] == [False, True, True]
    assert await action.listed() == frozenset({parse_subject("198.51.100.64/26")})


@pytest.mark.parametrize("blocktype", ["drop", "reject"])
@pytest.mark.parametrize("kind", ["legacy", "nft"])
def test_an_established_connection_stops(kind: str, blocktype: str) -> None:
    """A session that was open before gets not one more byte through, though a rule accepts what is established."""

    async def play() -> None:
        host = Host(kind)
        host.iptables("-A", "INPUT", "-m", "conntrack", "--ctstate", "ESTABLISHED", "-j", "ACCEPT")
        action = host.make(port=2222, blocktype=blocktype)
        await action.start([])
        with host.open, listen(2222) as door:
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
            client.close()
            server.close()

    play_in_namespace(play, empty=["/run"])


@in_namespace
async def test_a_refusal_is_heard(host: Host) -> None:
    """With reject the offender is told at once, with a reset where the configuration says so, on both families."""
    for blocktype, errors in (
        ("reject", (ConnectionRefusedError, PermissionError)),
        ("reject with tcp reset", (ConnectionRefusedError, ConnectionResetError)),
        ("reject with icmpx admin-prohibited", (OSError,)),
    ):
        action = host.make(blocktype=blocktype)
        await action.start([ban(BAD), ban(BAD6)])
        for family, source, server in ((socket.AF_INET, BAD, "192.0.2.1"), (socket.AF_INET6, BAD6, SERVER6)):
            with socket.socket(family, socket.SOCK_STREAM) as client:
                client.settimeout(5)
                client.bind((source, 0))
                with pytest.raises(errors) as caught:
                    client.connect((server, 22))
                assert not isinstance(caught.value, TimeoutError)
        await action.stop([])
    assert host.rules() == ""


@in_namespace
async def test_the_kernel_ends_a_ban_by_itself(host: Host) -> None:
    """With nobody to lift it, a ban of half a second is over a second later; one for ever is not."""
    action = host.make()
    await action.start([ban(BAD, 0.5), ban(GOOD, PERMANENT)])
    assert not is_admitted(BAD, 22)
    wait_until(lambda: is_admitted(BAD, 22), "the end of the ban")
    assert not is_admitted(GOOD, 22)
    assert await action.listed() == frozenset({parse_subject(GOOD)})


@in_namespace
async def test_a_killed_daemon_goes_on_barring_and_its_successor_without_a_gap(host: Host) -> None:
    """After the death the offender stays barred, during the new starts too, whatever these change."""
    dead = host.make()
    await dead.start([ban(BAD), ban("203.0.113.9")])
    flood = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    flood.bind((BAD, 0))
    flood.setblocking(False)
    flood.connect_ex(("192.0.2.1", 22))  # the kernel repeats its SYN all the while
    shared = host.fence()
    for number in range(20):
        successor = host.make(shared, maxelem=str(1000 + number))
        assert await successor.start([ban(BAD)]) == []
        assert not is_admitted(BAD, 22)
        assert flood.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        with pytest.raises(OSError, match="not connected"):
            flood.getpeername()
    flood.close()
    assert await successor.listed() == frozenset({parse_subject(BAD)})
    await successor.unban([ban(BAD)])
    assert is_admitted(BAD, 22)
    await successor.stop([])
    assert host.rules() == ""


@in_namespace
async def test_each_ban_counts_what_it_stopped(host: Host) -> None:
    """Two knocks of an address and one of a network are told of them; what passes is not, and a longer ban goes on."""
    action = host.make(blocktype="reject")
    await action.start([ban(BAD), ban("198.51.100.0/28"), ban(GOOD6)])
    assert is_admitted(BAD, 80)
    for who in (BAD, GOOD):
        assert not is_admitted(who, 22)
    await action.ban([ban(BAD, 900)])
    assert not is_admitted(BAD, 22)
    tally = await action.counted()
    assert {subject.text: count.packets for subject, count in tally.of.items()} == {
        BAD: 2,
        "198.51.100.0/28": 1,
        GOOD6: 0,
    }
    assert (tally.total.packets, tally.total.octets) == (3, 180)


@in_namespace
async def test_other_peoples_rules_and_sets_are_left_alone(host: Host) -> None:
    """Start, ban, stop and settle change nothing but what is ours, which stands in front."""
    host.iptables("-t", "raw", "-A", "PREROUTING", "-i", "lo", "-j", "ACCEPT")
    run("ipset", "create", "f2b-sshd", "hash:ip")
    before = host.rules()
    fence = host.fence()
    action = host.make(fence)
    await action.start([ban(BAD)])
    assert not is_admitted(BAD, 22)
    await fence.settle()
    await action.stop([])
    assert host.rules() == before


@pytest.mark.parametrize("kind", ["legacy", "nft"])
@pytest.mark.parametrize(
    "harm",
    [
        "iptables-KIND -t raw -F",
        "iptables-KIND -t raw -D PREROUTING 1",
        "ip6tables-KIND -t raw -F PREROUTING",
        "iptables-KIND -t raw -F; ipset destroy sekisho4-sshd",
    ],
)
def test_what_another_program_takes_away_is_noticed_and_comes_back(kind: str, harm: str) -> None:
    """Whatever is missing, the action is not whole, and a start puts all of it back."""

    async def play() -> None:
        host = Host(kind)
        with host.open, listen(22):
            action = host.make()
            await action.start([ban(BAD)])
            assert await action.is_whole()
            run("sh", "-c", harm.replace("KIND", kind))
            assert not await action.is_whole()
            await action.start([ban(BAD)])
            assert await action.is_whole()
            assert not is_admitted(BAD, 22)

    play_in_namespace(play, empty=["/run"])


@in_namespace
async def test_who_was_taken_out_is_missed(host: Host) -> None:
    """Another program flushes a set: nobody of it is listed."""
    action = host.make()
    await action.start([ban(BAD), ban(BAD6)])
    run("ipset", "flush", "sekisho4-sshd")
    assert await action.is_whole()
    assert await action.listed() == frozenset({parse_subject(BAD6)})


@in_namespace
async def test_a_hundred_thousand_are_barred_and_taken_over(host: Host) -> None:
    """In bulk, by a successor too: each is there once, the other families' sets and the rules are as ever."""
    crowd = [ban(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 3600) for number in range(100_000)]
    action = host.make()
    await action.start([])
    assert await action.ban([*crowd, ban(BAD)]) == []
    assert not is_admitted(BAD, 22)
    successor = host.make()
    assert await successor.start(crowd[:70_000]) == []
    assert "Number of entries: 70000" in run("ipset", "list", "-t", "sekisho4-sshd")
    assert is_admitted(BAD, 22)
    assert await successor.is_whole()


@in_namespace
async def test_a_full_set_loses_nobody_who_is_in_it(host: Host) -> None:
    """Room for two of three: the third fails, the two stay barred."""
    action = host.make(maxelem="2")
    (failed,) = await action.start([ban(BAD), ban("203.0.113.9"), ban(GOOD)])
    assert failed.ban.subject.text == GOOD
    assert failed.reason == "ipset: the kernel says: the set is full"
    assert [is_admitted(who, 22) for who in (BAD, GOOD)] == [False, True]


@in_namespace
async def test_jails_with_odd_names_stand_beside_each_other(host: Host) -> None:
    """Blanks, other letters, 300 of them: each jail has its rules, and takes no other's along."""
    fence = host.fence()
    jails = ["3proxy", "jail with blanks", "räuber", "a/b", "a", "x" * 300, "-j", "--help"]
    actions = [host.make(fence, jail=jail) for jail in jails]
    for action in actions:
        assert await action.start([ban(BAD)]) == []
    for number, action in enumerate(actions):
        assert not is_admitted(BAD, 22), number
        await action.stop([])
    assert is_admitted(BAD, 22)
    assert host.rules() == ""


@in_namespace
async def test_starts_at_once_do_not_disturb_each_other(host: Host) -> None:
    """Ten jails come up together over what an earlier life left of other jails, which then goes."""
    await host.make(jail="old").start([ban(BAD)])
    fence = host.fence()
    actions = [host.make(fence, jail=f"jail{number}") for number in range(10)]
    await asyncio.gather(*(action.start([ban(BAD)]) for action in actions))
    assert await fence.settle() == ("old",)
    assert all([await action.is_whole() for action in actions])
    assert host.rules().count("-j DROP") == 20
