"""Writes lines to a log, each a failure that bans, and prints how many milliseconds the kernel's set takes to hold it.

Run in the network namespace of the daemon: `latency.py LOG TABLE SET COUNT`; of ipset where TABLE is empty.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from pathlib import Path

from sekisho.enforce.ipset import IpsetSocket
from sekisho.enforce.ipset_wire import Entry
from sekisho.enforce.netlink import NftSocket
from sekisho.enforce.wire import Element

PATIENCE = 20.0  # seconds
_LINE = "{now} host sshd[4711]: Failed password for invalid user eve from {address} port 4711 ssh2\n"


def main() -> int:
    """Measure, one line after the other."""
    log, table, name, count = Path(sys.argv[1]), *sys.argv[2:4], int(sys.argv[4])
    listing: Callable[[str], Iterable[Element | Entry]] = NftSocket(table).addresses if table else IpsetSocket().entries
    for number in range(count):
        address = ip_address(f"203.0.113.{number + 1}")
        with log.open("a") as lines:
            lines.write(_LINE.format(now=time.strftime("%b %d %H:%M:%S"), address=address))
        begin = time.perf_counter()
        while not _holds(listing, name, address.packed):
            if time.perf_counter() - begin > PATIENCE:
                return 1
            time.sleep(0.0002)
        print((time.perf_counter() - begin) * 1000, flush=True)
    return 0


def _holds(listing: Callable[[str], Iterable[Element | Entry]], name: str, key: bytes) -> bool:
    """Return whether the set holds the address; Fail2ban makes its set with the first ban."""
    try:
        return any(element.key == key for element in listing(name))
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(main())
