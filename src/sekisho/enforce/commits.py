"""Hears of every change that anybody makes to nf_tables, and who made it (netlink group NFNLGRP_NFTABLES).

After each transaction the kernel tells the new generation of the ruleset, with the process that made it. Only that
message passes the filter on our socket (bpf(4), SO_ATTACH_FILTER), so a hundred thousand elements cost one look.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import socket
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from sekisho.enforce.nfnetlink import NETLINK_NETFILTER
from sekisho.enforce.wire import parse_notices

_GROUP = 7  # NFNLGRP_NFTABLES
_NEW_GENERATION = (10 << 8) | 15  # NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWGEN
_PID, _NAME = 2, 3  # NFTA_GEN_PROC_PID, NFTA_GEN_PROC_NAME
_SO_ATTACH_FILTER = 26
_READ = 1 << 16


class Commit(NamedTuple):
    """A change of the ruleset: the port of the netlink socket that asked for it, and whose that is, if that is known.

    The process id is that of the host's first namespace, so a container cannot know itself by it.
    """

    port: int
    pid: int = 0
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name!r} (pid {self.pid})" if self.name else "another program"


UNKNOWN = Commit(0)
"""What stands for changes that were lost on their way to us."""


class Commits:
    """Calls `hear` for each change of the ruleset, whoever makes it."""

    def __init__(self, hear: Callable[[Commit], None]) -> None:
        """Listen, on the running loop. Raises OSError where the kernel does not let us."""
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
        try:
            self._socket.setblocking(False)
            _attach_filter(self._socket)
            self._socket.bind((0, 1 << (_GROUP - 1)))
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Listen no more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(_READ)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno == errno.ENOBUFS:  # more came than we could hold: anybody may have done anything
                    self._hear(UNKNOWN)
                    continue
                raise
            for commit in parse_commits(data):
                self._hear(commit)


def parse_commits(data: bytes) -> Iterator[Commit]:
    """Yield each commit that one read of the socket tells of."""
    for port, fields in parse_notices(data, _NEW_GENERATION):
        name = fields.get(_NAME, b"").rstrip(b"\0").decode("utf-8", "replace")
        yield Commit(port, int.from_bytes(fields.get(_PID, b""), "big"), name)


def _attach_filter(sock: socket.socket) -> None:
    """Let only messages that begin with a new generation pass: four instructions of classic BPF."""
    kind = socket.htons(_NEW_GENERATION)  # BPF loads in network order what the kernel wrote in its own
    code = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (0x28, 0, 0, 4),  # ldh [4]: the message's type
            (0x15, 0, 1, kind),  # jeq
            (0x06, 0, 0, 0xFFFFFFFF),  # ret: all of it
            (0x06, 0, 0, 0),  # ret: nothing
        )
    )
    buffer = ctypes.create_string_buffer(code, len(code))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer)))
