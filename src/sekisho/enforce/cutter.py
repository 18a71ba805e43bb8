"""Ends the open connections of who has just been banned: closes sockets, removes entries of connection tracking.

It comes after the ban, in a thread beside the loop, and whatever it meets is a line of the log and nothing else. While
one look at the kernel's lists is under way, further cuts wait together for the next one, those of all jails. Sockets
go first: what they say to their peers (a reset) still passes by the entry that knows how their packets are translated.

Sockets and entries are those of the network namespace that the daemon lives in: a container's own sockets are out of
its sight, but the entries of what is passed on to it are not.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import logging
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from typing import NamedTuple

from sekisho.enforce import conntrack, sockdiag
from sekisho.enforce.conntrack import Request
from sekisho.enforce.disconnect import Cut, Means, Quarry
from sekisho.enforce.nfnetlink import NETLINK_NETFILTER, read_replies
from sekisho.enforce.ruleset import Reach
from sekisho.model.address import Subject

_LOG = logging.getLogger("fail2ban.actions")
_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
_SOL_NETLINK, _CAP_ACK = 270, 10  # answers without a copy of the request
_PATIENCE = 5.0  # seconds for a kernel that does not answer
_ROUND = 100  # requests at a time, whose answers surely fit a socket's buffer as it is by default
_SHOWN = 3  # addresses in a line of the log
_LACKS = {
    (_SOCK_DIAG, errno.EOPNOTSUPP): "the kernel is built without CONFIG_INET_DIAG_DESTROY",
    (_SOCK_DIAG, errno.ENOENT): "the kernel has no module tcp_diag or udp_diag",
    (NETLINK_NETFILTER, errno.EINVAL): "the kernel has no module nf_conntrack_netlink",
    (_SOCK_DIAG, errno.EPERM): "CAP_NET_ADMIN is missing",
    (NETLINK_NETFILTER, errno.EPERM): "CAP_NET_ADMIN is missing",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """What has ended for one jail: `counts` of each kind, and the addresses that it was with."""

    jail: str
    counts: Mapping[str, int]
    whom: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.whom[:_SHOWN])
        if len(self.whom) > _SHOWN:
            shown += f" and {len(self.whom) - _SHOWN} more"
        return f"{shown} ({', '.join(f'{what}: {count}' for what, count in self.counts.items())})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has ended, and what could not be, with the reason."""

    ended: tuple[Ended, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


class _Doomed(NamedTuple):
    """A connection that is to end: for which jail, with whom, and the request that ends it."""

    jail: str
    source: bytes
    request: Request


def sever(cuts: Sequence[Cut]) -> Outcome:
    """End what the cuts ask for, as far as the kernel lets us; it takes as long as the kernel's lists are."""
    counts: dict[str, Counter[str]] = {}
    whom: dict[str, set[bytes]] = {}
    refused: dict[str, str] = {}
    for what, protocol, find in _errands(cuts):
        try:
            with contextlib.closing(_Line(protocol)) as line:
                doomed = find(line)
                errors = line.order([each.request for each in doomed])
            for each, error in zip(doomed, errors, strict=True):
                if not error:
                    counts.setdefault(each.jail, Counter())[what] += 1
                    whom.setdefault(each.jail, set()).add(each.source)
            if 0 not in errors:  # else the kernel can do it, and some connection is of a kind that ends by itself
                _raise_any({*errors} - {errno.ENOENT})  # it has ended meanwhile
        except (OSError, ValueError) as error:
            lack = isinstance(error, OSError) and error.errno and _LACKS.get((protocol, error.errno))
            refused[what] = f"{error} ({lack})" if lack else str(error)
    ended = [
        Ended(jail, count, tuple(str(ip_address(each)) for each in sorted(whom[jail])))
        for jail, count in counts.items()
    ]
    return Outcome(tuple(ended), refused)


class Cutter:
    """Ends connections in the background. One object a process; every native action is given it."""

    def __init__(self, *, sever: Callable[[Sequence[Cut]], Outcome] = sever) -> None:
        self._sever = sever
        self._waiting: list[Cut] = []
        self._told: set[tuple[str, str]] = set()
        self._task: asyncio.Task[None] | None = None

    def cut(self, jail: str, means: Means, reach: Reach, subjects: Sequence[Subject]) -> None:
        """Let the connections of whom a jail has banned end soon; the log tells what came of it."""
        if not means or not subjects:
            return
        if reach.match:
            self._tell(Outcome(refused={"connections": f"what a rule of jail {jail!r} matches, only nft can tell"}))
            return
        self._waiting.append(Cut(jail, means, reach, tuple(subjects)))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work(), name="connections of the banned")

    async def drained(self) -> None:
        """Wait until nothing waits or is under way."""
        if self._task is not None:
            await self._task

    async def _work(self) -> None:
        while self._waiting:
            cuts, self._waiting = self._waiting, []
            try:
                self._tell(await asyncio.to_thread(self._sever, cuts))
            except Exception:  # noqa: BLE001 - no thread to be had, or a fault of ours: the next bans try again
                _LOG.exception("disconnect: connections of %d ban(s) stay", sum(len(cut.subjects) for cut in cuts))

    def _tell(self, outcome: Outcome) -> None:
        """Write what has ended, and what is refused the first time that it is."""
        for ended in outcome.ended:
            _LOG.info("[%s] Disconnected %s", ended.jail, ended)
        for what, reason in outcome.refused.items():
            if (what, reason) not in self._told:
                self._told.add((what, reason))
                _LOG.warning("disconnect: %s of the banned stay: %s; this is said once", what, reason)


class _Line:
    """A netlink socket for one errand. Each call raises OSError where the kernel refuses it as a whole."""

    def __init__(self, protocol: int) -> None:
        self._sequence = itertools.count(1)
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._socket.settimeout(_PATIENCE)
        self._socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)

    def close(self) -> None:
        self._socket.close()

    def listing(self, request: Request) -> Iterator[bytes]:
        """Yield the bodies of a listing's answers, to be read to their end."""
        sequence = next(self._sequence)
        self._socket.sendall(request(sequence))
        while True:
            for reply in read_replies(self._socket):
                if reply.sequence != sequence:
                    continue
                if reply.error is None:
                    yield reply.body
                    continue
                _raise_any({reply.error} - {0})
                return

    def order(self, requests: Sequence[Request]) -> list[int]:
        """Return the errno of each request, 0 where it was carried out."""
        errors: dict[int, int] = {}
        numbered = [(next(self._sequence), request) for request in requests]
        for start in range(0, len(numbered), _ROUND):
            part = numbered[start : start + _ROUND]
            self._socket.sendall(b"".join(request(number) for number, request in part))
            while not errors.keys() >= {number for number, _ in part}:
                errors |= {r.sequence: r.error for r in read_replies(self._socket) if r.error is not None}
        return [errors[number] for number, _ in numbered]


def _errands(cuts: Sequence[Cut]) -> Iterator[tuple[str, int, Callable[[_Line], list[_Doomed]]]]:
    """Yield what is to end, over which netlink, and how the requests are found that end it."""
    sockets = Quarry(cut for cut in cuts if Means.SOCKETS in cut.means)
    for name, number in sockdiag.ABORTABLE.items():
        if sockets.has_protocol(number):
            yield f"{name} sockets", _SOCK_DIAG, partial(_find_sockets, sockets, number)
    entries = Quarry(cut for cut in cuts if Means.CONNTRACK in cut.means)
    if entries:
        yield "conntrack entries", NETLINK_NETFILTER, partial(_find_entries, entries)


def _find_sockets(quarry: Quarry, protocol: int, line: _Line) -> list[_Doomed]:
    return [
        _Doomed(jail, found.packet.source, found.pack_end)
        for listing in sockdiag.make_listings(quarry, protocol)
        for found in map(listing.parse_connection, line.listing(listing.pack))
        if (jail := quarry.jail_of(found.packet)) is not None
    ]


def _find_entries(quarry: Quarry, line: _Line) -> list[_Doomed]:
    doomed: list[_Doomed] = []
    for listing in conntrack.make_listings(quarry):
        for found in conntrack.find_entries(quarry, line.listing(listing)):
            stopped = [(jail, each.source) for each in found.packets if (jail := quarry.jail_of(each)) is not None]
            doomed += [_Doomed(jail, source, found.pack_removal) for jail, source in stopped[:1]]
    return doomed


def _raise_any(errors: Iterable[int]) -> None:
    for error in errors:
        raise OSError(error, os.strerror(error))
