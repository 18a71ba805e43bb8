"""Tests of enforce.cutter with a kernel in memory; tests/enforce/test_cutter_packets.py has the real one."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence

import pytest

from sekisho.enforce.cutter import Cutter, Ended, Outcome
from sekisho.enforce.disconnect import Cut, Means
from sekisho.enforce.ruleset import Reach
from sekisho.model.address import parse_subject
from sekisho.model.ports import PortRange

BAD = "198.51.100.66"
BOTH = Means.SOCKETS | Means.CONNTRACK
SSH = Reach(("tcp",), (PortRange(22, 22),))


def test_what_is_banned_meanwhile_waits_for_one_look_together(caplog: pytest.LogCaptureFixture) -> None:
    """While the kernel's lists are being read, bans of two jails come; the next look is for both, and nobody waits."""
    looks: list[list[tuple[str, str]]] = []
    began, go_on = threading.Event(), threading.Event()

    def sever(cuts: Sequence[Cut]) -> Outcome:
        looks.append([(cut.jail, subject.text) for cut in cuts for subject in cut.subjects])
        began.set()
        assert go_on.wait(5)
        jails = dict.fromkeys(cut.jail for cut in cuts)
        return Outcome(tuple(Ended(jail, {"TCP sockets": 2}, (BAD,)) for jail in jails))

    async def play() -> None:
        cutter = Cutter(sever=sever)
        cutter.cut("sshd", Means.SOCKETS, SSH, [parse_subject(BAD)])
        await asyncio.to_thread(began.wait, 5)
        for number in range(1, 4):
            cutter.cut("sshd", Means.SOCKETS, SSH, [parse_subject(f"192.0.2.{number}")])
        cutter.cut("recidive", BOTH, Reach(), [parse_subject(BAD)])
        go_on.set()
        await cutter.drained()

    with caplog.at_level(logging.INFO):
        asyncio.run(play())
    assert looks == [
        [("sshd", BAD)],
        [("sshd", "192.0.2.1"), ("sshd", "192.0.2.2"), ("sshd", "192.0.2.3"), ("recidive", BAD)],
    ]
    assert [record.getMessage() for record in caplog.records] == [
        f"[{jail}] Disconnected {BAD} (TCP sockets: 2)" for jail in ("sshd", "sshd", "recidive")
    ]


def test_what_nobody_foresaw_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """Where no thread can be started the bans stand; the next ones are looked for again."""
    looks: list[int] = []

    def sever(cuts: Sequence[Cut]) -> Outcome:
        looks.append(len(cuts))
        if len(looks) == 1:
            raise RuntimeError("can't start new thread")
        return Outcome()

    async def play() -> None:
        cutter = Cutter(sever=sever)
        for _ in range(2):
            cutter.cut("sshd", BOTH, SSH, [parse_subject(BAD)])
            await cutter.drained()

    asyncio.run(play())
    assert looks == [1, 1]
    assert "disconnect: connections of 1 ban(s) stay" in caplog.text
    assert "can't start new thread" in caplog.text


def test_the_log_names_some_of_many() -> None:
    """A network of hundreds is one line."""
    whom = tuple(f"192.0.2.{number}" for number in range(1, 200))
    ended = Ended("sshd", {"TCP sockets": 190, "conntrack entries": 300}, whom)
    assert str(ended) == "192.0.2.1, 192.0.2.2, 192.0.2.3 and 196 more (TCP sockets: 190, conntrack entries: 300)"


def test_what_only_nft_can_match_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """With the administrator's own words nobody knows what a ban reaches: no connection ends, and it is said once."""
    custom = Reach((), None, 'iifname "eth0"')

    async def play() -> None:
        cutter = Cutter(sever=_must_not_sever)
        for jail in ("web", "web", "mail"):
            cutter.cut(jail, BOTH, custom, [parse_subject(BAD)])
        await cutter.drained()

    asyncio.run(play())
    assert [record.getMessage() for record in caplog.records] == [
        f"disconnect: connections of the banned stay: what a rule of jail {jail!r} matches, only nft can tell; "
        "this is said once"
        for jail in ("web", "mail")
    ]


def _must_not_sever(cuts: Sequence[Cut]) -> Outcome:
    raise AssertionError(cuts)


def test_nobody_is_looked_for_where_nothing_is_asked() -> None:
    """With `disconnect = no`, or nobody banned, no thread starts."""

    async def play() -> None:
        cutter = Cutter(sever=_must_not_sever)
        cutter.cut("sshd", Means.NONE, SSH, [parse_subject(BAD)])
        cutter.cut("sshd", BOTH, SSH, [])
        await cutter.drained()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(play())
