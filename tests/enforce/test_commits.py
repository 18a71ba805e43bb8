"""Hearing of what others do to nf_tables."""

from __future__ import annotations

import asyncio
import struct
import sys

import pytest
from tests.enforce.test_structure import attribute
from tests.support.namespace import play_in_namespace, run

from sekisho.enforce.commits import Commit, Commits, parse_commits
from sekisho.enforce.netlink import NftSocket
from sekisho.enforce.wire import Element


def message(kind: int, body: bytes) -> bytes:
    """One netlink message of netfilter's."""
    return struct.pack("=IHHII", 20 + len(body), kind, 0, 0, 99) + b"\0\0\0\0" + body


@pytest.mark.skipif(sys.byteorder != "little", reason="the messages here are written in little-endian order")
def test_a_commit_names_its_process() -> None:
    """The new generation comes with pid and name; older kernels tell neither, and other messages are passed over."""
    told = message(0x0A0F, attribute(1, b"\0\0\0\7") + attribute(2, b"\0\0\1\2") + attribute(3, b"nft\0"))
    plain = message(0x0A0F, attribute(1, b"\0\0\0\7"))
    assert list(parse_commits(message(0x0A00, b"") + told + plain)) == [Commit(99, 258, "nft"), Commit(99)]
    assert (str(Commit(99, 258, "nft")), str(Commit(99))) == ("'nft' (pid 258)", "another program")
    assert list(parse_commits(b"")) == list(parse_commits(b"\0" * 40)) == []


@pytest.mark.system
def test_every_commit_is_heard_and_costs_one_message() -> None:
    """A change by nft is heard under its name, our own by our socket's port: once each, whatever it changes."""

    async def play() -> None:
        heard: asyncio.Queue[Commit] = asyncio.Queue()
        commits = Commits(heard.put_nowait)
        try:
            run("nft", "-f", "-", text="add table inet sekisho\nadd set inet sekisho s { type ipv4_addr; }\n")
            assert (await heard.get()).name == "nft"
            sets = NftSocket("sekisho")
            sets.add("s", [Element(number.to_bytes(4, "big")) for number in range(20_000)])
            assert (await heard.get()).port == sets.port
            sets.close()
            run("nft", "flush", "ruleset")
            assert (await heard.get()).name == "nft"
            assert heard.empty()
        finally:
            commits.close()

    play_in_namespace(play)
