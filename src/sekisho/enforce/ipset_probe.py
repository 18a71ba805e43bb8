"""Where a probe ends that no trace tells of: the element that stopped it has counted it.

The kernel traces the rules of nf_tables, and of iptables only where that is built upon them. But an element of ours
counts nothing that did not come to its rule, and every rule of ours ends the packet: so a counter that rises while a
probe comes in is a proof. In `PREROUTING` the probe's wrong checksum does not matter; what is not stopped there ends
for it in the transport, which answers nothing.

A packet of a real stranger who is barred by the same element would be counted too. It proves the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_network

from sekisho.enforce.fence import Sets
from sekisho.enforce.ipset import IpsetSocket
from sekisho.enforce.ipset_elements import key_of
from sekisho.enforce.ipset_evidence import around
from sekisho.enforce.ipset_rules import parse_label
from sekisho.enforce.probe import Probe, pack_probe
from sekisho.enforce.tun import PATIENCE, Untraceable, device, own_address

_PAUSE = 0.01  # seconds


async def find_stops(probes: Sequence[Probe], *, connect: Callable[[], Sets] = IpsetSocket) -> list[str]:
    """Return the set of ours that stopped each probe, empty where none did. Raises Untraceable."""
    if not probes:
        return []
    try:
        with device() as opened, contextlib.closing(connect()) as sets:
            return [await _send(probe, opened, sets) for probe in probes]
    except OSError as error:
        raise Untraceable(f"ipset cannot be asked: {error}") from error


async def _send(probe: Probe, opened: int, sets: Sets) -> str:
    before = read_counters(sets, probe)
    os.write(opened, pack_probe(probe, own_address(probe.source)))
    end = time.monotonic() + PATIENCE
    while True:
        after = read_counters(sets, probe)
        if risen := [name for name, packets in after.items() if packets > before.get(name, packets)]:
            return risen[0]
        if time.monotonic() > end:
            return ""
        await asyncio.sleep(_PAUSE)


def read_counters(sets: Sets, probe: Probe) -> Mapping[str, int]:
    """Return how many packets those elements have counted that hold the source of a probe, by set of ours."""
    source = ip_network(probe.source)
    counted: dict[str, int] = {}
    for name in [header.name for header in sets.headers() if parse_label(header.name) is not None]:
        with contextlib.suppress(FileNotFoundError):
            held = {key_of(entry): entry for entry in sets.entries(name)}
            counted[name] = sum(entry.packets for entry in around(source, held))
    return counted
