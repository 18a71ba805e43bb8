"""Who has a live session, and who only says so."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

import pytest

from sekisho.lookup.sessions import (
    Connection,
    Login,
    Process,
    has_session_title,
    parse_address,
    parse_connections,
    parse_logind,
    parse_process,
    parse_utmp,
    serves_session,
    session_peers,
)
from sekisho.model.address import parse_subject

ANN, EVE = parse_subject("192.0.2.10"), parse_subject("192.0.2.66")
HEADER = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
QUEUES = b"00000000:00000000 00:00000000 00000000"
ROOT_SSHD = Process(parent=1, uid=0, program="sshd")


@pytest.mark.parametrize(
    ("title", "is_session"),
    [
        ("sshd: ann@pts/0", True),
        ("sshd: ann@pts/0,pts/1", True),
        ("sshd: ann@notty", True),
        ("sshd: ann", True),
        ("sshd: ann@corp.example@pts/0", True),
        ("sshd-session: root@pts/0", True),
        ("sshd: [accepted]", False),
        ("sshd: [net]", False),
        ("sshd: root [priv]", False),
        ("sshd: root [net]", False),
        ("sshd: unknown [priv]", False),
        ("sshd: ann [pam]", False),
        ("sshd-session: root [priv]", False),
        ("sshd-auth: root [net]", False),
        ("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", False),
        ("sshd: " + "a" * 65, False),
        ("/usr/sbin/sshd -D -R", False),
        ("", False),
    ],
)
def test_a_title_tells_who_has_authenticated_himself(title: str, *, is_session: bool) -> None:
    """Before that, there is something in brackets, whatever name was given; padding does not count."""
    assert has_session_title(title.encode() + b"\0\0 \0") is is_session


def test_a_title_is_believed_of_sshd_alone() -> None:
    """Root's process, or its child that became the user; what a user started under sshd's name proves nothing."""
    session = Process(parent=7, uid=1000, program="sshd")
    assert serves_session(ROOT_SSHD, None)
    assert serves_session(session, ROOT_SSHD)
    assert serves_session(Process(7, 1000, "sshd-session"), Process(1, 0, "sshd-session"))
    assert not serves_session(session, Process(parent=1, uid=1000, program="sshd"))
    assert not serves_session(session, Process(parent=1, uid=0, program="bash"))
    assert not serves_session(session, None)
    assert not serves_session(Process(parent=7, uid=0, program="evil"), ROOT_SSHD)


def test_a_process_is_what_its_status_says() -> None:
    """The real user counts, and a program that was replaced on disk keeps its name."""
    status = "Name:\tsshd\nPPid:\t7\nUid:\t1000\t0\t0\t0\n"
    assert parse_process(status, "/usr/sbin/sshd (deleted)") == Process(7, 1000, "sshd")
    with pytest.raises(ValueError, match="Uid"):
        parse_process("PPid:\t7\n", "/usr/sbin/sshd")


def test_connections_are_found_by_their_sockets() -> None:
    """Addresses are in the machine's byte order, as the kernel prints them; lines of others are not looked at."""
    lines = [
        b"   0: 00000000:0016 00000000:0000 0A " + QUEUES + b"     0        0 11 1 0000 100 0 0 10 0",
        b"   1: 010200C0:0016 0A0200C0:9459 01 " + QUEUES + b"     0        0 12 2 0000 20 4 21 18 -1",
        b"   2: 010200C0:0016 420200C0:9459 01 " + QUEUES + b"     0        0 13 2 0000 20 4 21 18 -1",
        b"   3: 010200C0:1E61 420200C0:9459 06 " + QUEUES + b"  1000        0 0 3 0000",
        b"   4: torn",
    ]
    assert parse_connections(HEADER + b"\n".join(lines), {11, 12}) == [
        Connection(11, 22, parse_subject("0.0.0.0"), 0, is_established=False, is_listening=True),
        Connection(12, 22, ANN, 0, is_established=True, is_listening=False),
    ]


def test_connections_over_ipv6_are_found_too() -> None:
    """An IPv4 client of a socket that serves both is its IPv4 address."""
    mapped = b"0000000000000000FFFF0000010200C0:0016 0000000000000000FFFF00000A0200C0:9459"
    native = b"B80D0120000000000000000001000000:0016 B80D012000000000000000000A000000:9459"
    table = HEADER + b"".join(
        b"   0: %s 01 %s     0        0 %d 1 0000\n" % (addresses, QUEUES, inode)
        for inode, addresses in ((21, mapped), (22, native))
    )
    assert [each.peer for each in parse_connections(table, {21, 22})] == [ANN, parse_subject("2001:db8::a")]


@pytest.mark.parametrize(("table", "address"), [("tcp", "127.0.0.1"), ("tcp6", "::1")])
def test_the_kernel_prints_what_is_read(table: str, address: str) -> None:
    """A real connection is found by the number of its socket, with its peer and its owner."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as door:
        try:
            door.bind((address, 0))
        except OSError as error:
            pytest.skip(f"this host has no {address}: {error}")
        door.listen()
        port = door.getsockname()[1]
        with socket.create_connection((address, port)), door.accept()[0] as session:
            inodes = {os.fstat(each.fileno()).st_ino: each for each in (door, session)}
            found = parse_connections(Path(f"/proc/net/{table}").read_bytes(), inodes)
    assert {one.inode: (one.is_listening, one.is_established) for one in found} == {
        inode: (each is door, each is session) for inode, each in inodes.items()
    }
    assert {(one.port, one.owner) for one in found} == {(port, os.geteuid())}
    assert [one.peer for one in found if one.is_established] == [parse_subject(address)]


def test_who_connects_to_a_forwarded_port_is_a_stranger() -> None:
    """A session's process holds what it forwards, too: only what root's sshd accepted, elsewhere, is the session."""
    session = Connection(1, 22, ANN, 0, is_established=True, is_listening=False)
    forwarded = Connection(2, 7777, parse_subject("0.0.0.0"), 0, is_established=False, is_listening=True)
    roots_guest = Connection(3, 7777, EVE, 0, is_established=True, is_listening=False)
    users_guest = Connection(4, 8888, EVE, 1000, is_established=True, is_listening=False)
    leaving = Connection(5, 22, EVE, 0, is_established=False, is_listening=False)
    assert session_peers([session, forwarded, roots_guest, users_guest, leaving]) == {ANN}


def utmp(kind: int, pid: int, host: bytes, raw: bytes, *, is_wide: bool) -> bytes:
    """An entry as glibc writes it."""
    head = struct.pack("=hxxi32s4s32s256shh", kind, pid, b"pts/0", b"ts/0", b"ann", host, 0, 0)
    times = struct.pack("=qqq", 0, 1_800_000_000, 0) if is_wide else struct.pack("=iii", 0, 1_800_000_000, 0)
    return head + times + raw.ljust(16, b"\0") + bytes(24 if is_wide else 20)


@pytest.mark.parametrize("is_wide", [False, True])
def test_utmp_is_believed_where_a_login_program_wrote_an_address(*, is_wide: bool) -> None:
    """The name of the host is what any user can have written; a terminal that nobody uses any more is no session."""
    six = bytes.fromhex("20010db8000000000000000000000007")
    data = b"".join(
        utmp(kind, pid, host, raw, is_wide=is_wide)
        for kind, pid, host, raw in (
            (7, 100, b"192.0.2.10", bytes([192, 0, 2, 10])),
            (7, 101, b"home.example", six),
            (7, 102, b"192.0.2.66", b""),
            (8, 103, b"192.0.2.66", bytes([192, 0, 2, 66])),
        )
    )
    assert len(data) == 4 * (400 if is_wide else 384)
    assert parse_utmp(data + b"torn", is_wide=is_wide) == [Login(100, ANN), Login(101, parse_subject("2001:db8::7"))]


@pytest.mark.parametrize(
    ("changes", "peer"),
    [
        ({}, ANN),
        ({"STATE": "online"}, ANN),
        ({"STATE": "closing"}, None),
        ({"CLASS": "greeter"}, None),
        ({"REMOTE": "0"}, None),
        ({"REMOTE_HOST": "trusted.example"}, None),
        ({"REMOTE_HOST": ""}, None),
        ({"REMOTE_HOST": "192.0.2.0/24"}, None),
        ({"REMOTE_HOST": "fe80::7%eth0"}, parse_subject("fe80::7")),
    ],
)
def test_logind_knows_sessions_from_elsewhere(changes: dict[str, str], peer: object) -> None:
    """While they live, of people, and from an address: a name stands for whatever its owner likes."""
    facts = {"UID": "1000", "STATE": "active", "REMOTE": "1", "CLASS": "user", "REMOTE_HOST": "192.0.2.10"} | changes
    text = "# This is private data. Do not parse.\n" + "".join(f"{name}={value}\n" for name, value in facts.items())
    assert parse_logind(text) == peer


def test_an_address_is_one() -> None:
    """No network and no name."""
    assert parse_address("192.0.2.10") == ANN
    assert parse_address("192.0.2.0/24") is None
    assert parse_address("ann") is None
