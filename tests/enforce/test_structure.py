"""What counts as whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from sekisho.enforce.ruleset import JailRules, Reach, parse_rules, render_statements
from sekisho.enforce.structure import CHAINS, RULES, SETS, TABLES, Structure, parse_structure

SSHD = parse_rules("sshd", "nftables", {"port": "ssh"})
WHOLE = Structure(
    Counter({"prerouting": 1, "jail-sshd": len(render_statements(SSHD))}),
    frozenset({"addr-set-sshd", "addr6-set-sshd", "net-set-sshd", "net6-set-sshd"}),
)


@pytest.mark.parametrize(
    "broken",
    [
        Structure(Counter()),
        replace(WHOLE, rules=Counter({"prerouting": 0, "jail-sshd": WHOLE.rules["jail-sshd"]})),
        replace(WHOLE, rules=Counter({"prerouting": 1, "jail-sshd": 0})),
        replace(WHOLE, rules=WHOLE.rules + Counter({"jail-postfix": 1})),
        replace(WHOLE, sets=WHOLE.sets - {"net-set-sshd"}),
        replace(WHOLE, is_dormant=True),
    ],
)
def test_what_is_flushed_deleted_unreached_or_asleep_is_not_whole(broken: Structure) -> None:
    """A jail is held when its chain has its rules, the base chain jumps to each chain, and its sets stand."""
    assert WHOLE.holds(SSHD)
    assert not broken.holds(SSHD)
    assert not WHOLE.holds(JailRules("postfix", Reach()))


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute as the kernel lays it out."""
    return (4 + len(value)).to_bytes(2, "little") + kind.to_bytes(2, "little") + value + b"\0" * (-len(value) % 4)


def test_other_peoples_objects_do_not_count() -> None:
    """Listings hold every table of the family; only ours is told of, its sleep included."""
    ours, theirs = attribute(1, b"sekisho\0"), attribute(1, b"filter\0")
    told = parse_structure(
        "sekisho",
        [
            (TABLES, [theirs + attribute(2, b"\0\0\0\0"), ours + attribute(2, b"\0\0\0\1")]),
            (
                CHAINS,
                [ours + attribute(3, b"prerouting\0"), theirs + attribute(3, b"input\0"), ours + attribute(3, b"x\0")],
            ),
            (RULES, [ours + attribute(2, b"prerouting\0")] * 2 + [theirs + attribute(2, b"input\0")]),
            (SETS, [ours + attribute(2, b"s\0"), theirs + attribute(2, b"t\0")]),
        ],
    )
    assert told == Structure(Counter({"prerouting": 2, "x": 0}), frozenset({"s"}), is_dormant=True)
