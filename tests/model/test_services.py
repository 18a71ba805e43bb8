"""Service names and their ports."""

from __future__ import annotations

import pytest

from sekisho.model.ports import PortRange
from sekisho.model.services import KNOWN_PORTS, parse_port_word, port_words


def system(name: str, _protocol: str) -> int | None:
    """Know one service."""
    return 2222 if name == "our-ssh" else None


@pytest.mark.parametrize(
    ("word", "ports"),
    [
        ("22", PortRange(22, 22)),
        ("60000:61000", PortRange(60000, 61000)),
        ("60000-", PortRange(60000, 65535)),
        ("all", PortRange(0, 65535)),
        ("our-ssh", PortRange(2222, 2222)),
        ("IMAP3", PortRange(220, 220)),
        ("nosuch", None),
        ("70000", None),
        (":", None),
    ],
)
def test_a_word_means_ports(word: str, ports: PortRange | None) -> None:
    """Numbers, ranges, the system's names, then those of the table; what nobody knows is None."""
    assert parse_port_word(word, system) == ports


def test_words_are_parted_by_commas_and_blanks() -> None:
    """As `port` is written; retired names are in the table."""
    assert port_words("ssh,2222  60000:61000,") == ["ssh", "2222", "60000:61000"]
    assert KNOWN_PORTS["ssmtp"] == 465
