"""What the init system is told (sd_notify(3), by hand, since it is one datagram), and what it is asked."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from pathlib import Path

from sekisho.lookup.command import run_command

_JOBS = ("systemctl", "list-jobs", "--full", "--plain", "--no-legend", "--no-pager")
_PATIENCE = 2.0  # seconds; the manager may be busy with a shutdown of the host
_MOST = 1 << 20  # bytes


def tell_service_manager(state: str) -> None:
    """Send `state` (`READY=1`, `STOPPING=1` ...) where `NOTIFY_SOCKET` says; nothing happens without one."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as peer:
        peer.sendto(state.encode(), address)


async def is_restarting() -> bool:
    """Return whether systemd stops us in order to start us again (`systemctl restart`, an upgrade).

    It says so in its list of jobs (systemctl(1), list-jobs): JOB UNIT TYPE STATE. False without systemd.
    """
    if "INVOCATION_ID" not in os.environ:  # systemd.exec(5): set for whatever it starts
        return False
    try:
        unit = parse_unit(Path("/proc/self/cgroup").read_text())  # noqa: ASYNC240 - of the kernel's, at once
        outcome = await run_command(_JOBS, seconds=_PATIENCE, limit=_MOST)
    except OSError:
        return False
    jobs = [line.split() for line in outcome.output.decode(errors="replace").splitlines()]
    return any(job[1:3] == [unit, "restart"] for job in jobs)


def parse_unit(cgroups: str) -> str:
    """Return the service whose control group is named in the text of proc_pid_cgroup(5); empty where there is none."""
    found = re.search(r"^(?:0:|\d+:name=systemd):.*?([^/\n]+\.service)(?:/.*)?$", cgroups, re.MULTILINE)
    return found[1] if found else ""
