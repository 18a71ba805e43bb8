"""The netlink socket of netfilter, which nf_tables and ipset share: how it is opened, and read."""

from __future__ import annotations

import contextlib
import errno
import itertools
import socket
from collections.abc import Iterator, Sequence
from typing import TypeVar

from sekisho.enforce.wire import Reply, parse_replies

T = TypeVar("T")

NETLINK_NETFILTER = 12
_SOL_NETLINK, _CAP_ACK = 270, 10  # answers without a copy of the request: a refused batch must not overrun our buffer
_SEND_BUFFER = 32 << 20  # a batch goes in one piece; 100,000 IPv6 ranges are some 10 MB
_RECEIVE_BUFFER = 8 << 20
_READ = 1 << 18


def open_socket(timeout: float) -> socket.socket:
    """Return a socket of netfilter in the network namespace of the calling thread.

    Raises:
        OSError: the kernel has no netlink for netfilter, or forbids it.

    """
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
    opened.bind((0, 0))
    opened.settimeout(timeout)
    opened.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
    for option, size in ((32, _SEND_BUFFER), (33, _RECEIVE_BUFFER)):  # SO_SNDBUFFORCE, SO_RCVBUFFORCE
        try:
            opened.setsockopt(socket.SOL_SOCKET, option, size)
        except PermissionError:  # without CAP_NET_ADMIN the limits of net.core stand
            opened.setsockopt(socket.SOL_SOCKET, option - 25, size)
    return opened


def read_replies(opened: socket.socket) -> Iterator[Reply]:
    """Return what the kernel has answered. Raises OSError; after ENOBUFS nothing is left to be read.

    For while anything is, the kernel drops what does not fit without saying so once more.
    """
    try:
        return parse_replies(opened.recv(_READ))
    except OSError as error:
        if error.errno == errno.ENOBUFS:
            patience = opened.gettimeout()
            opened.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    opened.recv(_READ)
            opened.settimeout(patience)
        raise


def conversations() -> Iterator[int]:
    """Yield the number of each new conversation; answers to an older one, given up, do not fit it.

    There is room between them for the numbers of a conversation's messages, 4,096 at most.
    """
    return (number << 12 & 0xFFFFFFFF for number in itertools.count(1))


def in_parts(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Yield the items, as many in a message as go into one."""
    for start in range(0, len(items), most):
        yield items[start : start + most]
