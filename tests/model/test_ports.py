"""Tests of model.ports."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.model.ports import LAST_PORT, PortRange, merge_ports

ports = st.integers(0, LAST_PORT)
ranges = st.tuples(ports, ports).map(lambda pair: PortRange(min(pair), max(pair)))


def test_a_range_prints_as_nft_reads_it() -> None:
    """One port is a number, several are joined by a dash."""
    assert [str(PortRange(22, 22)), str(PortRange(80, 90))] == ["22", "80-90"]


@pytest.mark.parametrize(("first", "last"), [(-1, 2), (9, 8), (1, 65536)])
def test_an_impossible_range_cannot_be_made(first: int, last: int) -> None:
    """What is no range of ports is refused where it would arise."""
    with pytest.raises(ValueError, match="port range"):
        PortRange(first, last)


@given(st.lists(ranges, max_size=8).map(tuple), ports)
def test_merging_keeps_every_port_and_no_other(given_ranges: tuple[PortRange, ...], port: int) -> None:
    """A port is in the merged ranges exactly when it was in one of them, and merged ranges do not touch."""
    merged = merge_ports(given_ranges)
    assert any(r.first <= port <= r.last for r in given_ranges) == any(r.first <= port <= r.last for r in merged)
    assert all(one.last + 1 < other.first for one, other in itertools.pairwise(merged))
