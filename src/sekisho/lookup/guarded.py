"""Whom no machine may bar, since the host or its operator would be cut off: live sessions, gateways, resolvers.

Read from the kernel's and the system's own files when it is asked for, in some milliseconds. What cannot be read is
left out: a host without resolv.conf has no resolvers to guard. Only the main routing table of this network namespace is
read, and of a route with several gateways the first.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sekisho.lookup.sessions import (
    PROGRAMS,
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
from sekisho.model.address import Subject

LIVE_SESSION, GATEWAY, RESOLVER = "live session", "gateway", "resolver"
"""The words of the log."""

_RTF_UP, _RTF_GATEWAY = 0x1, 0x2  # linux/route.h
_COMM = 16  # bytes of /proc/PID/comm
_TITLE = 4096  # bytes of /proc/PID/cmdline; sshd writes 1024 at most


class Guarded:
    """Reads who is guarded. `root` is where the host's files lie."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._proc = root / "proc"
        self._seen: frozenset[tuple[int, int]] = frozenset()
        self._peers: set[Subject] = set()

    def look(self) -> Mapping[Subject, str]:
        """Return who is guarded now, each with the reason in the words of the log. Never raises."""
        resolvers = {
            subject
            for name in ("etc/resolv.conf", "run/systemd/resolve/resolv.conf")
            for subject in parse_resolvers(self._text(self._root / name))
        }
        gateways = parse_gateways(self._text(self._proc / "net/route"))
        gateways |= parse_gateways6(self._text(self._proc / "net/ipv6_route"))
        live = self._by_sshd() | self._by_utmp() | self._by_logind()
        return dict.fromkeys(resolvers, RESOLVER) | dict.fromkeys(gateways, GATEWAY) | dict.fromkeys(live, LIVE_SESSION)

    def _by_sshd(self) -> set[Subject]:
        held = {pid: set(self._sockets(pid)) for pid in self._session_processes()}
        seen = frozenset((pid, inode) for pid, inodes in held.items() for inode in inodes)
        if seen != self._seen:  # else they are connected to whom they were: a busy host has a hundred thousand lines
            inodes = {inode for _, inode in seen}
            tables = [self._bytes(self._proc / "net" / name) for name in ("tcp", "tcp6")] if inodes else []
            found = {one.inode: one for table in tables for one in parse_connections(table, inodes)}
            each = (session_peers(found[inode] for inode in mine if inode in found) for mine in held.values())
            self._seen, self._peers = seen, set().union(*each)
        return self._peers

    def _session_processes(self) -> Iterator[int]:
        names = {name.encode() for name in PROGRAMS}
        try:
            entries = os.listdir(self._proc)  # noqa: PTH208 - thousands, of which the names suffice
        except OSError:  # a system without /proc
            return
        for entry in entries:
            if not entry.isdecimal() or self._start(entry, "comm", _COMM).rstrip(b"\n") not in names:
                continue
            if not has_session_title(self._start(entry, "cmdline", _TITLE)):
                continue
            process = self._process(int(entry))
            if process is not None and serves_session(process, self._process(process.parent)):
                yield int(entry)

    def _process(self, pid: int) -> Process | None:
        try:
            program = os.readlink(f"{self._proc}/{pid}/exe")  # noqa: PTH115 - a name, not a path that is there
            return parse_process((self._proc / str(pid) / "status").read_text("utf-8", "replace"), program)
        except (OSError, ValueError):  # it has ended, or may not be looked at
            return None

    def _sockets(self, pid: int) -> Iterator[int]:
        with contextlib.suppress(OSError):
            for descriptor in (self._proc / str(pid) / "fd").iterdir():
                with contextlib.suppress(OSError):
                    kind, _, number = os.readlink(descriptor).partition(":")  # noqa: PTH115 - as above
                    if kind == "socket":
                        yield int(number.strip("[]"))

    def _by_utmp(self) -> set[Subject]:
        data = self._bytes(self._root / "run/utmp")
        logins = parse_utmp(data, is_wide=platform.machine() == "aarch64")
        return {login.peer for login in logins if (self._proc / str(login.pid)).exists()}

    def _by_logind(self) -> set[Subject]:
        try:
            paths = [path for path in (self._root / "run/systemd/sessions").iterdir() if path.name.isalnum()]
        except OSError:
            return set()
        return {peer for path in paths if (peer := parse_logind(self._text(path))) is not None}

    def _start(self, pid: str, name: str, size: int) -> bytes:
        try:
            descriptor = os.open(f"{self._proc}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return b""
        try:
            return os.read(descriptor, size)
        except OSError:
            return b""
        finally:
            os.close(descriptor)

    def _bytes(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError:
            return b""

    def _text(self, path: Path) -> str:
        return self._bytes(path).decode("utf-8", "replace")


def parse_gateways(table: str) -> set[Subject]:
    """Return the gateways of the default routes in /proc/net/route."""
    fields = (line.split() for line in table.splitlines()[1:])
    texts = (row[2] for row in fields if len(row) > 7 and row[1] == row[7] == "0" * 8 and _leads_on(row[3]))
    return _addresses(".".join(map(str, int(text, 16).to_bytes(4, sys.byteorder))) for text in texts)


def parse_gateways6(table: str) -> set[Subject]:
    """Return the gateways of the default routes in /proc/net/ipv6_route."""
    fields = (line.split() for line in table.splitlines())
    texts = (row[4] for row in fields if len(row) > 8 and row[0] == "0" * 32 and row[1] == "00" and _leads_on(row[8]))
    return _addresses(":".join(text[at : at + 4] for at in range(0, 32, 4)) for text in texts)


def _leads_on(flags: str) -> bool:
    return int(flags, 16) & (_RTF_UP | _RTF_GATEWAY) == _RTF_UP | _RTF_GATEWAY


def parse_resolvers(text: str) -> set[Subject]:
    """Return the name servers of a resolv.conf (resolv.conf(5))."""
    rows = (line.split() for line in text.splitlines())
    return _addresses(row[1] for row in rows if len(row) > 1 and row[0] == "nameserver")


def _addresses(texts: Iterable[str]) -> set[Subject]:
    return {subject for text in texts if (subject := parse_address(text)) is not None}
