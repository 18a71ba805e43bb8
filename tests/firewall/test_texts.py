"""What is said to nft, word by word: each *.toml holds an action's properties and the rules that follow."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from tests.support.namespace import play_in_namespace, run

from sekisho.enforce.ruleset import parse_rules, render_set_up, render_statements
from sekisho.model.ports import PortRange

CASES = sorted(Path(__file__).parent.glob("*.toml"))


def read(path: Path) -> tuple[dict[str, str], tuple[PortRange, ...], list[str]]:
    """Properties, ports and the statements expected."""
    case = tomllib.loads(path.read_text())
    return case["properties"], tuple(PortRange(*span) for span in case["ports"]), case["statements"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_properties_give_exactly_these_rules(path: Path) -> None:
    """The rules of the jail's chain are those written down."""
    properties, ports, statements = read(path)
    assert render_statements(parse_rules("sshd", "nftables", properties, ports)) == statements


@pytest.mark.system
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_nft_accepts_the_rules(path: Path) -> None:
    """The real nft takes the whole set-up, twice, and holds one chain and four sets."""
    properties, ports, _ = read(path)
    text = render_set_up(parse_rules("sshd", "nftables", properties, ports), ())

    async def play() -> None:
        run("nft", "-f", "-", text=text)
        run("nft", "-f", "-", text=text)
        listing = run("nft", "list", "table", "inet", "sekisho")
        assert listing.count("\tset ") == 4
        assert listing.count("jump jail-sshd") == 1

    play_in_namespace(play)
