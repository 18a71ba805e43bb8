"""What the init system is told: sd_notify(3), by hand, since it is one datagram."""

from __future__ import annotations

import contextlib
import os
import socket


def tell_service_manager(state: str) -> None:
    """Send `state` (`READY=1`, `STOPPING=1` ...) where `NOTIFY_SOCKET` says; nothing happens without one."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as peer:
        peer.sendto(state.encode(), address)
