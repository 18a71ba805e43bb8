"""Who has a live session on this host, as three witnesses tell it. Pure: `lookup.guarded` does the reading.

Whoever is named here is not barred by a machine's decision, so a stranger must not be able to get himself named. That
he is connected to sshd proves nothing; that he has authenticated himself does. The witnesses, and what they are worth:

1. **sshd's processes** (OpenSSH). Before authentication each process that holds the connection is titled with
   something in brackets: `[accepted]`, `USER [net]`, `USER [priv]`, though it may already bear the name that the
   stranger gave. The process of an authenticated session is titled `USER`, `USER@pts/0` or `USER@notty`. Titles can be
   written by anybody, so the program must be sshd's, and run as root or as a child of such a one.
   A session's process also holds the ports that it forwards. A connection counts only if root's sshd accepted it (the
   owner of the socket) on a port that the session does not listen on itself: whoever connects to a port that a user has
   forwarded is a stranger.
2. **utmp** (utmp(5)): the binary address that a login program, which is root's, wrote beside a session that lives. The
   name of the host is not believed: utempter lets every user write one.
3. **logind's sessions** (/run/systemd/sessions, which is root's): the remote host that PAM was told. It is believed
   where it is an address. A name is not: its owner decides what it stands for.

Any account will do, one for file transfer or a version control system too: docs/lockout.md tells what that means.
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from sekisho.model.address import Subject, parse_subject

PROGRAMS = frozenset({"sshd", "sshd-session"})
"""The programs whose processes hold the connection of an authenticated session, since OpenSSH 9.8 the second."""

# A longer title may be one that was cut before its bracket, where a stranger could name an account of such a length.
_SESSION_TITLE = re.compile(rb"sshd(?:-session)?: [^\[\]]{1,64}")
_ESTABLISHED, _LISTENING = b"01", b"0A"  # include/net/tcp_states.h

_USER_PROCESS = 7
_UTMP = struct.Struct("=hxxi32s4s32s256shh")
_UTMP_REST = {False: struct.Struct("=iii16s20x"), True: struct.Struct("=qqq16s20x4x")}
"""What follows `ut_exit`, by whether `ut_session` and `ut_tv` have 64 bits: glibc's aarch64, unlike its x86_64."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process, as /proc/PID tells it: its parent, its real user, and the name of its program's file."""

    parent: int
    uid: int
    program: str

    @property
    def is_of_sshd(self) -> bool:
        """True when the program is sshd's."""
        return self.program in PROGRAMS


@dataclass(frozen=True, slots=True)
class Connection:
    """A line of /proc/net/tcp or tcp6. `owner` is the user who made the socket, or accepted it."""

    inode: int
    port: int
    peer: Subject
    owner: int
    is_established: bool
    is_listening: bool


@dataclass(frozen=True, slots=True)
class Login:
    """An entry of utmp: a process, and where it is used from."""

    pid: int
    peer: Subject


def has_session_title(cmdline: bytes) -> bool:
    """Return whether a command line is that of sshd's process for somebody who has authenticated himself."""
    return _SESSION_TITLE.fullmatch(cmdline.rstrip(b"\0 ")) is not None


def serves_session(process: Process, parent: Process | None) -> bool:
    """Return whether a process that has a session's title may be believed; `parent` is its parent, where it is known.

    One that runs as its user is the child of root's, which alone could become that user.
    """
    if not process.is_of_sshd or process.uid == 0:
        return process.is_of_sshd
    return parent is not None and parent.is_of_sshd and parent.uid == 0


def parse_process(status: str, program: str) -> Process:
    """Return the process of which /proc/PID/status is `status` and /proc/PID/exe leads to `program`.

    Raises:
        ValueError: this is no such status.

    """
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    try:
        parent, uid = int(facts["PPid"]), int(facts["Uid"].split()[0])
    except KeyError as error:
        raise ValueError(f"the status has no {error}") from None
    # The program that a session runs may have been replaced since, by an upgrade.
    return Process(parent, uid, program.removesuffix(" (deleted)").rpartition("/")[2])


def parse_connections(table: bytes, inodes: Collection[int]) -> list[Connection]:
    """Return those connections of /proc/net/tcp or tcp6 whose sockets are among `inodes` (proc(5))."""
    wanted = {b"%d" % inode for inode in inodes}
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split(None, 10)
        if len(fields) > 9 and fields[9] in wanted:
            found.append(
                Connection(
                    inode=int(fields[9]),
                    port=int(fields[1].rpartition(b":")[2], 16),
                    peer=_subject_of(_words(fields[2].partition(b":")[0])),
                    owner=int(fields[7]),
                    is_established=fields[3] == _ESTABLISHED,
                    is_listening=fields[3] == _LISTENING,
                )
            )
    return found


def _words(digits: bytes) -> bytes:
    """Return an address that the kernel printed in 32-bit words of the machine's byte order, as it is on the wire."""
    return b"".join(int(digits[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(digits), 8))


def session_peers(connections: Iterable[Connection]) -> set[Subject]:
    """Return from where a session's process is used, of all the connections that it holds."""
    held = list(connections)
    forwarded = {connection.port for connection in held if connection.is_listening}
    return {
        connection.peer
        for connection in held
        if connection.is_established and connection.owner == 0 and connection.port not in forwarded
    }


def parse_utmp(data: bytes, *, is_wide: bool) -> list[Login]:
    """Return the logins from elsewhere that utmp holds; `is_wide` where the machine's C library has wide entries."""
    rest = _UTMP_REST[is_wide]
    size = _UTMP.size + rest.size
    found = []
    for at in range(0, len(data) - size + 1, size):
        kind, pid, *_ = _UTMP.unpack_from(data, at)
        raw: bytes = rest.unpack_from(data, at + _UTMP.size)[-1]
        if kind == _USER_PROCESS and any(raw):
            found.append(Login(pid, _subject_of(raw if any(raw[4:]) else raw[:4])))
    return found


def parse_logind(text: str) -> Subject | None:
    """Return from where the session is used that a file of /run/systemd/sessions describes; None: from no address."""
    facts = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    is_live = facts.get("STATE") in ("active", "online") and facts.get("CLASS", "").startswith("user")
    if not is_live or facts.get("REMOTE") != "1":
        return None
    return parse_address(facts.get("REMOTE_HOST", ""))


def parse_address(text: str) -> Subject | None:
    """Return the address that `text` is, without its zone; None for anything else."""
    subject = parse_subject(text.partition("%")[0])
    return subject if subject.is_single else None


def _subject_of(raw: bytes) -> Subject:
    return parse_subject(str(IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw)))
