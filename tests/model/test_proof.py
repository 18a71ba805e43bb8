"""Tests of model.proof."""

from __future__ import annotations

from sekisho.model.proof import Count


def test_counts_are_added_packet_by_packet_and_byte_by_byte() -> None:
    """Two elements that stopped something have stopped the sum of both."""
    assert Count(2, 80) + Count(1, 60) == Count(3, 140)
