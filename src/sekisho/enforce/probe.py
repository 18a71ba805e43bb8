"""A packet that tries the firewall for real, the trap that it is caught in, and what the kernel tells of its way.

The packet is written into a TUN device of our own, so that the kernel takes it for one that came in from outside, with
a source that we choose. It can harm nobody, whatever the rules say of it:

- A table of ours traces what comes from that device before any other chain, and drops what is left of it right behind
  `inet sekisho`, before connection tracking and before a route is looked for: it never reaches a service.
- Its checksum is wrong by design, and to such a packet the kernel's `reject` sends no answer: the address that is
  tried never hears of it.

The trap is a table of its own, since a rule more in `inet sekisho` would look as if another program had changed that.
What a killed process leaves of it matches a device that is no more, and is replaced by the next.

A trace is a series of netlink messages (`uapi/linux/netfilter/nf_tables.h`, enum nft_trace_attributes), one for each
rule that matched and each policy, with a number that all messages about one packet share.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from sekisho.enforce.ruleset import PRIORITY
from sekisho.enforce.wire import parse_notices, read_attributes

Address = IPv4Address | IPv6Address

DEVICE = TRAP = "sekisho-probe"
_FIRST = -2000  # before fragments are put together (-400), and before any chain that we have ever seen
_TRACE = (10 << 8) | 17  # NFNL_SUBSYS_NFTABLES, NFT_MSG_TRACE
_TABLE, _CHAIN, _VERDICT, _ID, _POLICY = 1, 2, 5, 6, 16
_CODE = 1  # NFTA_VERDICT_CODE
_ENDS: Mapping[int, str] = {0: "dropped", 2: "stolen", 3: "queued"}  # NF_DROP, NF_STOLEN, NF_QUEUE
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "ipv6-icmp": 58}
_SOURCE_PORT = 40000


@dataclass(frozen=True, slots=True)
class Probe:
    """A packet from `source` to a port of this host; `port` means nothing to ICMP."""

    source: Address
    protocol: str = "tcp"
    port: int = 0

    def __post_init__(self) -> None:
        if self.protocol not in _PROTOCOLS:
            raise ValueError(f"protocol {self.protocol!r}: expected one of {', '.join(_PROTOCOLS)}")


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a trace: where the packet is, and its end there, empty where it goes on."""

    number: bytes
    table: str
    chain: str
    end: str = ""


def pack_probe(probe: Probe, destination: Address) -> bytes:
    """Return the packet, right in all but the checksum of what it carries."""
    number = _PROTOCOLS[probe.protocol]
    source, target = probe.source.packed, destination.packed
    match number:
        case 6:  # a SYN
            before, after = struct.pack("!HHIIBBH", _SOURCE_PORT, probe.port, 1, 0, 5 << 4, 2, 1024), bytes(2)
        case 17:
            before, after = struct.pack("!HHH", _SOURCE_PORT, probe.port, 8), b""
        case _:  # an echo request
            before, after = bytes((8 if number == 1 else 128, 0)), bytes(4)
    length = len(before) + 2 + len(after)
    pseudo = b"" if number == 1 else source + target + struct.pack("!II", length, number)  # RFC 9293, RFC 4443
    wrong = _checksum(pseudo + before + after) % 0xFFFE + 1  # neither right, nor 0, which is "none" to UDP
    payload = before + wrong.to_bytes(2, "big") + after
    if probe.source.version == 6:
        return struct.pack("!IHBB", 6 << 28, length, number, 64) + source + target + payload
    head = struct.pack("!BBHHHBB", 0x45, 0, 20 + length, 1, 0, 64, number)
    return head + _checksum(head + source + target).to_bytes(2, "big") + source + target + payload


def _checksum(data: bytes) -> int:
    """Return the checksum of the internet (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def render_trap() -> str:
    """Return the transaction that sets the trap, whether or not an old one is there."""
    chain = f"add chain inet {TRAP}"
    hook = "type filter hook prerouting priority"
    return (
        f"add table inet {TRAP}\ndelete table inet {TRAP}\nadd table inet {TRAP}\n"
        f"{chain} first {{ {hook} {_FIRST}; policy accept; }}\n"
        f'add rule inet {TRAP} first iifname "{DEVICE}" meta nftrace set 1\n'
        f"{chain} last {{ {hook} {PRIORITY + 1}; policy accept; }}\n"
        f'add rule inet {TRAP} last iifname "{DEVICE}" drop\n'
    )


def render_removal() -> str:
    """Return the transaction after which there is no trap."""
    return f"add table inet {TRAP}\ndelete table inet {TRAP}\n"


def parse_steps(data: bytes) -> Iterator[Step]:
    """Yield the steps that one read of the netlink socket tells of."""
    for _, fields in parse_notices(data, _TRACE):
        yield _parse_step(fields)


def _parse_step(fields: Mapping[int, bytes]) -> Step:
    verdict = fields.get(_VERDICT, b"")
    codes = [verdict[first:last] for field, first, last in read_attributes(verdict, 0, len(verdict)) if field == _CODE]
    code = int.from_bytes(codes[0] if codes else fields.get(_POLICY, b"\0\0\0\1"), "big", signed=True)
    return Step(
        fields.get(_ID, b""),
        _text(fields.get(_TABLE, b"")),
        _text(fields.get(_CHAIN, b"")),
        _ENDS.get(code & 0xFF, "") if code >= 0 else "",  # what is negative leads to another rule
    )


def find_way(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return the steps, up to its end, of the packet that came into the trap; empty where that is not told (yet).

    Another program's traces run through the same socket.
    """
    seen = list(steps)
    ours = {step.number for step in seen if step.table == TRAP}
    way = [step for step in seen if step.number in ours]
    end = next((at for at, step in enumerate(way, 1) if step.end), 0)
    return tuple(way[:end])


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")
