"""Sends probes through the kernel and tells where each ended; a program of its own, which needs CAP_NET_ADMIN.

`python -m sekisho.enforce.trace` reads a JSON list of probes, `{"source": ..., "protocol": ..., "port": ...}`, with
`"witness": "counter"` where ipset's counters are to tell and no trace (see `ipset_probe`). It writes `{"ends": [...]}`:
for each `{"end": ..., "table": ..., "chain": ..., "way": ["TABLE CHAIN", ...]}`, or null where the kernel told nothing
of it; `{"fault": TEXT}` where nothing can be traced at all. It is not the daemon's work: that may be confined to fewer
devices than a root shell.

Device and trap go with the program, whatever ends it short of SIGKILL (see `probe` for what that leaves).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from itertools import compress
from operator import not_

from sekisho.enforce.ipset_probe import find_stops
from sekisho.enforce.nfnetlink import NETLINK_NETFILTER
from sekisho.enforce.nft import NftError, run_nft
from sekisho.enforce.probe import (
    TRAP,
    Probe,
    Step,
    find_way,
    pack_probe,
    parse_steps,
    render_removal,
    render_trap,
)
from sekisho.enforce.tun import PATIENCE, Untraceable, device, own_address

_TRACES = 9  # NFNLGRP_NFTRACE
_READ = 1 << 16


async def trace(probes: Sequence[Probe]) -> list[tuple[Step, ...]]:
    """Return the way of each probe; it ends in the trap where nothing stopped it before. Raises Untraceable.

    A way is empty where the kernel told nothing of the packet.
    """
    if not probes:
        return []
    with device() as opened, _listening() as heard:
        try:
            await run_nft(render_trap())
            return [await _send(probe, opened, heard) for probe in probes]
        except (NftError, OSError) as error:
            raise Untraceable(str(error)) from error
        finally:
            with contextlib.suppress(NftError):  # without nft there is no trap either
                await run_nft(render_removal())


@contextlib.contextmanager
def _listening() -> Iterator[socket.socket]:
    """Hear of all traces of this network."""
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, kind, NETLINK_NETFILTER) as heard:
        try:
            heard.bind((0, 1 << (_TRACES - 1)))
        except OSError as error:
            raise Untraceable(f"traces cannot be listened to: {error.strerror}") from error
        yield heard


async def _send(probe: Probe, opened: int, heard: socket.socket) -> tuple[Step, ...]:
    await asyncio.sleep(0)  # whoever tells us to end is heard between two probes
    steps: list[Step] = []
    end = time.monotonic() + PATIENCE
    os.write(opened, pack_probe(probe, own_address(probe.source)))
    while not (way := find_way(steps)):
        heard.settimeout(max(end - time.monotonic(), 0.001))
        try:
            steps += parse_steps(heard.recv(_READ))
        except TimeoutError:  # it was thrown away before any chain: a source that cannot be, a family that is off
            return ()
    return way


async def _answer(text: str) -> object:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)  # type: ignore[union-attr]
    asked = json.loads(text)
    probes = [Probe(ip_address(each["source"]), each["protocol"], each["port"]) for each in asked]
    is_counted = [each.get("witness") == "counter" for each in asked]
    try:
        traced = iter(await trace(list(compress(probes, map(not_, is_counted)))))
        stopped = iter(await find_stops(list(compress(probes, is_counted))))
    except Untraceable as error:
        return {"fault": str(error)}
    return {"ends": [_counted(next(stopped)) if counted else _document(next(traced)) for counted in is_counted]}


def _counted(set_name: str) -> object:
    end = "dropped" if set_name else "let through"
    return {"end": end, "table": "ipset", "chain": set_name, "way": [f"ipset {set_name}"] if set_name else []}


def _document(way: Sequence[Step]) -> object:
    if not way:
        return None
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
