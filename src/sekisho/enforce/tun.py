"""The device through which a probe comes into this host, as if from outside (see `probe`); needs CAP_NET_ADMIN."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from sekisho.enforce.probe import DEVICE, Address

PATIENCE = 0.5
"""Seconds that the end of a probe is waited for; the kernel knows it while the packet is being written."""

_TUN = "/dev/net/tun"
_SET_INTERFACE = 0x400454CA  # TUNSETIFF
_TUN_BARE = 0x1001  # IFF_TUN, IFF_NO_PI
_SET_FLAGS, _UP = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP
_NOWHERE: dict[int, Address] = {4: IPv4Address("192.0.2.1"), 6: IPv6Address("2001:db8::1")}  # RFC 5737, RFC 3849


class Untraceable(Exception):  # noqa: N818 - an answer: the rules are proved by reading them only
    """No packet can be sent through this kernel; the message says why."""


@contextlib.contextmanager
def device() -> Iterator[int]:
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


def own_address(towards: Address) -> Address:
    """Return the address by which this host would speak to another; to ask for it sends nothing."""
    family = socket.AF_INET if towards.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asked:
        try:
            asked.connect((str(towards), 9))
        except OSError:  # there is no route; the packet ends before one is looked for
            return _NOWHERE[towards.version]
        own = type(towards)(asked.getsockname()[0])
    return _NOWHERE[own.version] if own.is_loopback else own
