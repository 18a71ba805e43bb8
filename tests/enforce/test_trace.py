"""Tests of enforce.trace: real packets through the real kernel, in a network namespace."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from tests.support.namespace import SERVER6, is_admitted, listen, play_in_namespace, ruleset, run, wait_until

from sekisho.enforce import trace, tun
from sekisho.enforce.firewall import NftablesAction
from sekisho.enforce.probe import Probe
from sekisho.enforce.ruleset import parse_rules
from sekisho.enforce.table import NftTable
from sekisho.enforce.tun import Untraceable
from sekisho.model.address import parse_subject
from sekisho.model.ports import PortRange
from sekisho.model.verdict import Ban

pytestmark = pytest.mark.system

BAD, GOOD, BAD6, GOOD6 = "198.51.100.66", "198.51.100.7", "2001:db8::66", "2001:db8::7"
PROGRAM = ("-P", "-m", "sekisho.enforce.trace")
WATCH = """\
table inet watch {
 chain out {
  type filter hook output priority 0;
  ip daddr 198.51.100.66 counter
  ip6 daddr 2001:db8::66 counter
 }
}
"""


@contextlib.contextmanager
def jail_table() -> Iterator[NftTable]:
    """The shared table, let go of at the end."""
    with contextlib.closing(NftTable()) as table:
        yield table


def make(table: NftTable, **properties: str) -> NftablesAction:
    """An action for port 22."""
    rules = parse_rules("sshd", "nftables", properties, (PortRange(22, 22),))
    return NftablesAction(table=table, jail="sshd", actname="nftables", rules=rules, clock=time.time)


def bans(*who: str) -> list[Ban]:
    """Bans of ten minutes that begin now."""
    return [Ban("sshd", parse_subject(each), time.time(), 600) for each in who]


def probe(source: str, port: int = 22, protocol: str = "tcp") -> Probe:
    """A probe of port 22."""
    return Probe(ip_address(source), protocol, port)


def test_a_probe_ends_where_a_stranger_would() -> None:
    """Who is banned ends in the jail's chain and is counted, on both families; who is not, and other ports, pass."""

    async def play() -> None:
        with jail_table() as table:
            action = make(table, protocol="tcp,udp")
            await action.start(bans(BAD, BAD6))
            ways = await trace.trace(
                [probe(BAD), probe(BAD6), probe(BAD, protocol="udp"), probe(GOOD), probe(GOOD6), probe(BAD, 23)]
            )
            assert [(way[-1].end, way[-1].table, way[-1].chain) for way in ways] == [
                *(3 * [("dropped", "sekisho", "jail-sshd")]),
                *(3 * [("dropped", "sekisho-probe", "last")]),
            ]
            tally = await action.counted()
            assert {subject.text: count.packets for subject, count in tally.of.items()} == {BAD: 2, BAD6: 1}

    play_in_namespace(play)


def test_nothing_is_left_behind_and_no_alarm_raised() -> None:
    """Ruleset and interfaces are as they were, and the guard of our table saw nothing missing."""

    async def play() -> None:
        with jail_table() as table:
            alarm = asyncio.Event()
            table.guard(alarm.set)
            await make(table).start(bans(BAD))
            before = run("nft", "list", "chains"), run("ip", "-o", "link")
            await trace.trace([probe(GOOD)])
            assert (run("nft", "list", "chains"), run("ip", "-o", "link")) == before
            await asyncio.sleep(0)
            assert not alarm.is_set()

    play_in_namespace(play)


@pytest.mark.parametrize("blocktype", ["reject", "reject with tcp reset"])
def test_who_is_tried_never_hears_of_it(blocktype: str) -> None:
    """A rule that rejects answers to a real packet, and to a probe with nothing at all."""

    async def play() -> None:
        with jail_table() as table, listen(22), listen(22, SERVER6):
            await make(table, blocktype=blocktype).start(bans(BAD, BAD6))
            run("nft", "-f", "-", text=WATCH)
            ways = await trace.trace([probe(BAD), probe(BAD6)])
            assert [way[-1].chain for way in ways] == ["jail-sshd", "jail-sshd"]
            assert re.findall(r"packets (\d+)", run("nft", "list", "table", "inet", "watch")) == ["0", "0"]
            assert not is_admitted(BAD, 22)
            assert "packets 0" not in run("nft", "list", "table", "inet", "watch").partition("ip6")[0]

    play_in_namespace(play)


def test_who_interrupts_the_program_finds_nothing_left() -> None:
    """In the middle of a long series of probes it is told to end: trap and device go with it."""

    async def play() -> None:
        asked = json.dumps([{"source": GOOD, "protocol": "tcp", "port": 22}] * 200_000)
        with subprocess.Popen(  # noqa: ASYNC220 - the loop has nothing else to do
            [sys.executable, *PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as tracer:
            assert tracer.stdin is not None
            tracer.stdin.write(asked)
            tracer.stdin.close()
            wait_until(lambda: "sekisho-probe" in ruleset(), "the trap")
            tracer.send_signal(signal.SIGINT)
            assert tracer.wait(20) == 1
        assert ruleset() == ""
        assert "sekisho-probe" not in run("ip", "-o", "link")

    play_in_namespace(play)


def test_the_program_answers_in_json() -> None:
    """One end for each probe, with the chains on its way; what was let through is told so."""

    async def play() -> None:
        run("nft", "-f", "-", text="table inet t {\n chain c {\n type filter hook prerouting priority -400;\n }\n}\n")
        done = run(
            sys.executable,
            *PROGRAM,
            text=json.dumps([{"source": GOOD, "protocol": "tcp", "port": 22}]),
        )
        way = ["sekisho-probe first", "t c", "sekisho-probe last"]
        end = {"end": "let through", "table": "sekisho-probe", "chain": "last", "way": way}
        assert json.loads(done) == {"ends": [end]}

    play_in_namespace(play)


def test_a_packet_that_cannot_be_is_told_nothing_of() -> None:
    """The kernel throws away what claims to come from its own loopback; the next packet is traced all the same."""

    async def play() -> None:
        lost, found = await trace.trace([probe("::1"), probe(GOOD6)])
        assert lost == ()
        assert found[-1].chain == "last"

    play_in_namespace(play)


def test_two_traces_at_once_do_not_mix() -> None:
    """The second is told that one is under way."""

    async def play() -> None:
        with tun.device(), pytest.raises(Untraceable, match="another trace is under way"):
            await trace.trace([probe(GOOD)])
        assert ruleset() == ""

    play_in_namespace(play)
