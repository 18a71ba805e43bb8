"""Who may do what, by what the kernel says of a peer."""

from __future__ import annotations

import asyncio
import grp
import os
import re
import socket
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine

from sekisho.control.access import Access, Peer, Rights, peer_of, read_access
from sekisho.control.table import Word
from sekisho.control.words import TABLE, answer, find
from sekisho.model.specs import ServerSpec

GROUP = 4242
MEMBER = Peer(1, 1001, frozenset({100, GROUP}))
STRANGER = Peer(1, 1002, frozenset({100}))


@pytest.mark.parametrize(
    ("access", "peer", "rights"),
    [
        (Access(), Peer(1, 0), Rights.ALL),
        (Access(), Peer(1, os.geteuid()), Rights.ALL),
        (Access(), MEMBER, Rights.NOTHING),
        (Access(GROUP), MEMBER, Rights.READ),
        (Access(GROUP), STRANGER, Rights.NOTHING),
        (Access(GROUP), Peer(1, 0), Rights.ALL),
        (Access(GROUP, may_change=True), MEMBER, Rights.ALL),
        (Access(GROUP, may_change=True), STRANGER, Rights.NOTHING),
    ],
)
def test_rights(access: Access, peer: Peer, rights: Rights) -> None:
    """Root may everything; members of the group read, or change too; nobody else may anything."""
    assert access.rights(peer) is rights


def test_what_the_configuration_grants() -> None:
    """A group by its name; no group, or one that does not exist, is granted nothing."""
    group = grp.getgrall()[-1]
    assert read_access(ServerSpec()) == Access()
    assert read_access(ServerSpec(socketgroup="no-such-group", socketaccess="write")) == Access()
    assert read_access(ServerSpec(socketgroup=group.gr_name)) == Access(group.gr_gid)
    assert read_access(ServerSpec(socketgroup=group.gr_name, socketaccess="write")) == Access(
        group.gr_gid, may_change=True
    )


def test_the_kernel_tells_who_a_peer_is(tmp_path: Path) -> None:
    """Its process, user and every group, and how it is called: `root (uid 0, pid 4711, fail2ban-client)`."""
    with (
        socket.socket(socket.AF_UNIX) as listener,
        socket.socket(socket.AF_UNIX) as client,
    ):
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        client.connect(str(tmp_path / "s"))
        with listener.accept()[0] as served:
            peer = peer_of(served)
    assert (peer.pid, peer.uid) == (os.getpid(), os.getuid())
    assert peer.groups == {os.getgid(), *os.getgroups()}
    comm = Path("/proc/self/comm").read_text().strip()
    assert str(peer) == f"{peer.user} (uid {os.getuid()}, pid {os.getpid()}, {comm})"


def test_a_peer_that_is_gone_or_has_no_name() -> None:
    """Its numbers are told."""
    assert str(Peer(2**22 + 1, 2**31 - 7)) == f"{2**31 - 7} (uid {2**31 - 7}, pid {2**22 + 1})"


@pytest.mark.parametrize("word", [word for word in TABLE if not word.changes], ids=lambda word: word.path)
def test_no_word_that_is_for_readers_changes_anything(word: Word) -> None:
    """Every row that is not marked as a change is said, with every argument that it may have: all is as it was."""
    engine = FakeEngine()
    before = repr(engine)  # jails, bans, what it was asked to do, whether it shall end
    said = re.sub(r"<[^>]*>", "0", word.usage.replace("<JAIL>", "demo").replace("<ACTION>", "note"))
    found, arguments = find(re.sub(r"\.\.\.|[\[\]|]", " ", said).split())
    assert found is word
    asyncio.run(answer(engine, word, arguments))
    assert repr(engine) == before
