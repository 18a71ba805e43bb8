"""The netlink socket of netfilter, which nf_tables and ipset share: how it is opened."""

from __future__ import annotations

import socket

NETLINK_NETFILTER = 12
_SOL_NETLINK, _CAP_ACK = 270, 10  # answers without a copy of the request: a refused batch must not overrun our buffer
_SEND_BUFFER = 32 << 20  # a batch goes in one piece; 100,000 IPv6 ranges are some 10 MB
_RECEIVE_BUFFER = 8 << 20


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
