"""Sends probes through the kernel and tells where each ended; a program of its own, which needs CAP_NET_ADMIN.

`python -m sekisho.enforce.trace` reads a JSON list of probes, `{"source": ..., "protocol": ..., "port": ...}`, and
writes `{"ends": [...]}`: for each `{"end": ..., "table": ..., "chain": ..., "way": ["TABLE CHAIN", ...]}`, or null
where the kernel told nothing of it; `{"fault": TEXT}` where nothing can be traced at all. It is not the daemon's work:
that may be confined to fewer devices than a root shell.

Device and trap go with the program, whatever ends it short of SIGKILL (see `probe` for what that leaves).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from sekisho.enforce.nft import NftError, run_nft
from sekisho.enforce.probe import (
    DEVICE,
    TRAP,
    Address,
    Probe,
    Step,
    find_way,
    pack_probe,
    parse_steps,
    render_removal,
    render_trap,
)

PATIENCE = 0.5
"""Seconds that a trace is waited for; the kernel tells of it while the packet is being written."""

_TUN = "/dev/net/tun"
_SET_INTERFACE = 0x400454CA  # TUNSETIFF
_TUN_BARE = 0x1001  # IFF_TUN, IFF_NO_PI
_SET_FLAGS, _UP = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP
_NETLINK_NETFILTER, _TRACES = 12, 9  # NFNLGRP_NFTRACE
_NOWHERE: dict[int, Address] = {4: IPv4Address("192.0.2.1"), 6: IPv6Address("2001:db8::1")}  # RFC 5737, RFC 3849
_READ = 1 << 16


class Untraceable(Exception):  # noqa: N818 - an answer: the rules are proved by reading them only
    """No packet can be sent through this kernel; the message says why."""


async def trace(probes: Sequence[Probe]) -> list[tuple[Step, ...]]:
    """Return the way of each probe; it ends in the trap where nothing stopped it before. Raises Untraceable.

    A way is empty where the kernel told nothing of the packet.
    """
    with _device() as device, _listening() as heard:
        try:
            await run_nft(render_trap())
            return [await _send(probe, device, heard) for probe in probes]
        except (NftError, OSError) as error:
            raise Untraceable(str(error)) from error
        finally:
            with contextlib.suppress(NftError):  # without nft there is no trap either
                await run_nft(render_removal())


@contextlib.contextmanager
def _device() -> Iterator[int]:
    """Hold the device through which packets come in; it is gone afterwards."""
    try:
        descriptor = os.open(_TUN, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise Untraceable(f"{_TUN}: {error.strerror}") from error
    try:
        _bring_up(descriptor, DEVICE.encode())
        yield descriptor
    finally:
        os.close(descriptor)


def _bring_up(descriptor: int, name: bytes) -> None:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
            fcntl.ioctl(descriptor, _SET_INTERFACE, struct.pack("16sH22x", name, _TUN_BARE))
            fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sH22x", name, _UP))
    except OSError as error:
        busy = error.errno == errno.EBUSY
        raise Untraceable("another trace is under way" if busy else f"{_TUN}: {error.strerror}") from error


@contextlib.contextmanager
def _listening() -> Iterator[socket.socket]:
    """Hear of all traces of this network."""
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, kind, _NETLINK_NETFILTER) as heard:
        try:
            heard.bind((0, 1 << (_TRACES - 1)))
        except OSError as error:
            raise Untraceable(f"traces cannot be listened to: {error.strerror}") from error
        yield heard


async def _send(probe: Probe, device: int, heard: socket.socket) -> tuple[Step, ...]:
    await asyncio.sleep(0)  # whoever tells us to end is heard between two probes
    steps: list[Step] = []
    end = time.monotonic() + PATIENCE
    os.write(device, pack_probe(probe, _own_address(probe.source)))
    while not (way := find_way(steps)):
        heard.settimeout(max(end - time.monotonic(), 0.001))
        try:
            steps += parse_steps(heard.recv(_READ))
        except TimeoutError:  # it was thrown away before any chain: a source that cannot be, a family that is off
            return ()
    return way


def _own_address(towards: Address) -> Address:
    """Return the address by which this host would speak to another; to ask for it sends nothing."""
    family = socket.AF_INET if towards.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asked:
        try:
            asked.connect((str(towards), 9))
        except OSError:  # there is no route; the packet ends before one is looked for
            return _NOWHERE[towards.version]
        own = type(towards)(asked.getsockname()[0])
    return _NOWHERE[own.version] if own.is_loopback else own


async def _answer(text: str) -> object:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)  # type: ignore[union-attr]
    probes = [Probe(ip_address(each["source"]), each["protocol"], each["port"]) for each in json.loads(text)]
    try:
        ways = await trace(probes)
    except Untraceable as error:
        return {"fault": str(error)}
    return {"ends": [_document(way) if way else None for way in ways]}


def _document(way: Sequence[Step]) -> object:
    end = way[-1]
    return {
        "end": "let through" if end.table == TRAP else end.end,
        "table": end.table,
        "chain": end.chain,
        "way": list(dict.fromkeys(f"{step.table} {step.chain}" for step in way)),
    }


def main() -> int:
    """Trace what standard input asks for; the exit status."""
    try:
        print(json.dumps(asyncio.run(_answer(sys.stdin.read()))))  # noqa: T201 - the answer
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
