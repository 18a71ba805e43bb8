"""Targets of bans as elements of an ipset, and back; an element is known by its first address and prefix length."""

from __future__ import annotations

import math
from ipaddress import ip_address, ip_network

from sekisho.enforce.ipset_wire import LONGEST, Entry
from sekisho.enforce.targets import pack_address
from sekisho.model.address import Family, Subject, subject_of

Key = tuple[bytes, int]


def entry_of(target: Subject, end: float | None = None, now: float = 0.0) -> Entry:
    """Return the element of a target that is barred until `end` (None: for ever), or as long as the kernel can count.

    Whole seconds, rather one too many.
    """
    timeout = None if end is None else min(max(1, math.ceil(end - now)), LONGEST)
    if target.is_single:
        return Entry(pack_address(target), 32 if target.family is Family.INET4 else 128, timeout)
    network = ip_network(target.text)
    return Entry(network.network_address.packed, network.prefixlen, timeout)


def key_of(entry: Entry) -> Key:
    """Return what tells an element from every other of its set."""
    return entry.key, entry.prefix


def end_of(entry: Entry, now: float) -> float | None:
    """Return when the kernel lets an element go, in seconds since the epoch; None: never."""
    return None if entry.timeout is None else now + entry.timeout


def subject_in(entry: Entry) -> Subject:
    """Return whom an element bars."""
    family = Family.INET4 if len(entry.key) == 4 else Family.INET6
    if entry.prefix == len(entry.key) * 8:
        return Subject(str(ip_address(entry.key)), family, is_single=True)
    return subject_of(ip_network((entry.key, entry.prefix)))
