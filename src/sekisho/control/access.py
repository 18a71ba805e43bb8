"""Who is at the other end of the socket, as the kernel says, and what he may do there.

Root and whoever the daemon runs as may do everything. With `socketgroup` the members of that group may connect, and
say the words that change nothing and show no secrets; with `socketaccess = write` they may do everything too. The
kernel vouches for uid, pid and groups (unix(7), SO_PEERCRED); what a process calls itself, and in whose name it says
it speaks, is only told in the log.
"""

from __future__ import annotations

import enum
import grp
import os
import pwd
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from sekisho.model.specs import ServerSpec

WRITE = "write"
"""The value of `socketaccess` that lets a group change things."""

_PEERGROUPS = getattr(socket, "SO_PEERGROUPS", 59)  # Python does not name it; <asm-generic/socket.h> does
_MOST_GROUPS = 256  # what Python reads of an option; whoever is in more is known by his first group alone


class Rights(enum.Enum):
    """What a peer may say."""

    NOTHING = enum.auto()
    READ = enum.auto()
    ALL = enum.auto()


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end. `groups` are those of the process when it connected."""

    pid: int
    uid: int
    groups: frozenset[int] = frozenset()

    @property
    def user(self) -> str:
        """The name of the uid, or its number where it has none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def __str__(self) -> str:
        program = _program_of(self.pid)
        return f"{self.user} (uid {self.uid}, pid {self.pid}{f', {program}' if program else ''})"


def peer_of(sock: socket.socket) -> Peer:
    """Return who is connected; raises OSError where the peer is gone."""
    pid, uid, gid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    try:
        found = sock.getsockopt(socket.SOL_SOCKET, _PEERGROUPS, _MOST_GROUPS * 4)
    except OSError:
        found = b""
    return Peer(pid, uid, frozenset((gid, *struct.unpack(f"{len(found) // 4}i", found))))


def _program_of(pid: int) -> str:
    """Return what the process calls itself, where it can be seen."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text(errors="replace").removesuffix("\n")
    except OSError:
        return ""
    return name if name.isprintable() else repr(name)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do what: a group (None: nobody but root), and whether it may change anything."""

    group: int | None = None
    may_change: bool = False

    def rights(self, peer: Peer) -> Rights:
        """Return what `peer` may say."""
        if peer.uid in (0, os.geteuid()):
            return Rights.ALL
        if self.group is None or self.group not in peer.groups:
            return Rights.NOTHING
        return Rights.ALL if self.may_change else Rights.READ


def read_access(server: ServerSpec) -> Access:
    """Return what fail2ban.conf grants; a group that does not exist (any more) is granted nothing."""
    if not server.socketgroup:
        return Access()
    try:
        group = grp.getgrnam(server.socketgroup).gr_gid
    except KeyError:
        return Access()
    return Access(group, server.socketaccess == WRITE)
