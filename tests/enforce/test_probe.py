"""Tests of enforce.probe: the packet, the trap, and what is read of the trace."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.enforce.probe import Probe, Step, find_way, pack_probe, parse_steps, render_trap
from sekisho.enforce.ruleset import PRIORITY

PORTS = st.integers(min_value=0, max_value=65535)
HERE4, HERE6 = IPv4Address("203.0.113.1"), IPv6Address("2001:db8::1")


def ones_sum(data: bytes) -> int:
    """Return the sum that a receiver makes: 0xFFFF over data whose checksum is right."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data)) if data else 0
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@given(
    st.ip_addresses(v=4),
    st.sampled_from([("tcp", 6), ("udp", 17), ("icmp", 1)]),
    PORTS,
)
def test_a_probe_of_ipv4_is_right_in_all_but_its_last_checksum(
    source: IPv4Address, protocol: tuple[str, int], port: int
) -> None:
    """The header holds, so the packet is taken; what it carries does not, so that nobody ever answers to it."""
    name, number = protocol
    packet = pack_probe(Probe(source, name, port), HERE4)
    assert ones_sum(packet[:20]) == 0xFFFF
    assert (packet[0], packet[9], packet[12:16], packet[16:20]) == (0x45, number, source.packed, HERE4.packed)
    assert int.from_bytes(packet[2:4], "big") == len(packet)
    if name != "icmp":
        assert int.from_bytes(packet[22:24], "big") == port
    pseudo = b"" if name == "icmp" else packet[12:20] + struct.pack("!HH", number, len(packet) - 20)
    assert ones_sum(pseudo + packet[20:]) != 0xFFFF
    assert name != "udp" or packet[26:28] != bytes(2)  # to UDP that would be "no checksum", which passes


@given(st.ip_addresses(v=6), st.sampled_from([("tcp", 6), ("udp", 17), ("icmpv6", 58)]))
def test_a_probe_of_ipv6_too(source: IPv6Address, protocol: tuple[str, int]) -> None:
    """The same with the longer header, which has no checksum of its own."""
    name, number = protocol
    packet = pack_probe(Probe(source, name, 22), HERE6)
    assert (packet[0] >> 4, packet[6], packet[8:24], packet[24:40]) == (6, number, source.packed, HERE6.packed)
    length = len(packet) - 40
    assert int.from_bytes(packet[4:6], "big") == length
    assert ones_sum(packet[8:40] + struct.pack("!II", length, number) + packet[40:]) != 0xFFFF


def test_a_protocol_that_cannot_be_probed_is_refused() -> None:
    """The message names it and those that can."""
    with pytest.raises(ValueError, match="'sctp': expected one of tcp"):
        Probe(ip_address("192.0.2.1"), "sctp")


def test_the_trap_lies_before_and_right_behind_our_chain() -> None:
    """What comes from the device is traced before all, and dropped at the next priority after ours."""
    lines = render_trap().splitlines()
    assert lines[:3] == [
        "add table inet sekisho-probe",
        "delete table inet sekisho-probe",
        "add table inet sekisho-probe",
    ]
    assert lines[4].endswith('first iifname "sekisho-probe" meta nftrace set 1')
    assert f"priority {PRIORITY + 1};" in lines[5]
    assert lines[6].endswith('last iifname "sekisho-probe" drop')


def message(
    table: str, chain: str, *, number: bytes = b"abcd", code: int | None = None, policy: int | None = None
) -> bytes:
    """A message of a trace as the kernel writes it."""

    def attribute(kind: int, value: bytes) -> bytes:
        return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)

    body = attribute(1, table.encode() + b"\0") + attribute(2, chain.encode() + b"\0") + attribute(6, number)
    if code is not None:
        body += attribute(0x8000 | 5, attribute(1, struct.pack("!i", code)))
    if policy is not None:
        body += attribute(16, struct.pack("!I", policy))
    return struct.pack("=IHHII", 20 + len(body), (10 << 8) | 17, 0, 0, 0) + b"\x01\0\0\0" + body


def test_a_trace_is_read_step_by_step() -> None:
    """A rule that goes on, a jump, a policy that accepts, and a drop, in one read; other messages are passed over."""
    other = struct.pack("=IHHII", 20, (10 << 8) | 15, 0, 0, 0) + bytes(4)
    data = (
        message("sekisho-probe", "first", code=-1)
        + other
        + message("sekisho-probe", "first", policy=1)
        + message("sekisho", "prerouting", code=-3)
        + message("sekisho", "jail-sshd", code=0)
    )
    assert [(step.table, step.chain, step.end) for step in parse_steps(data)] == [
        ("sekisho-probe", "first", ""),
        ("sekisho-probe", "first", ""),
        ("sekisho", "prerouting", ""),
        ("sekisho", "jail-sshd", "dropped"),
    ]


def test_a_policy_can_be_the_end_and_so_can_a_queue() -> None:
    """A chain that drops by policy, and a program in user space that takes the packet."""
    assert [step.end for step in parse_steps(message("t", "c", policy=0))] == ["dropped"]
    assert [step.end for step in parse_steps(message("t", "c", code=(5 << 16) | 3))] == ["queued"]


def test_only_the_packet_that_came_into_the_trap_counts() -> None:
    """An administrator traces something else at the same time: its end is not that of the probe."""
    steps = [Step(b"1", "filter", "input", "dropped"), Step(b"2", "sekisho-probe", "first")]
    assert find_way(steps) == ()
    steps.append(Step(b"2", "sekisho-probe", "last", "dropped"))
    assert find_way(steps) == tuple(steps[1:])
