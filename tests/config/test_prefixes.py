"""How much of an address a jail counts and bars, as its section says."""

from __future__ import annotations

import pytest
from tests.config.conftest import Tree

from sekisho.config.load import load
from sekisho.model.problem import Severity

_JAIL = "[DEFAULT]\nipv6_prefix = 64\n[j]\nenabled = true\nfilter = f\nbackend = systemd\naction = observe\n"
_FILTER = {"filter.d/f.conf": "[Definition]\nfailregex = ^fail from <HOST>$\njournalmatch = A=1\n"}


def test_each_family_has_its_length(tree: Tree) -> None:
    """Of all jails or of one; what nobody sets is the whole address."""
    (jail,) = load(tree({**_FILTER, "jail.local": _JAIL})).jails
    assert (jail.ipv4_prefix, jail.ipv6_prefix) == (32, 64)
    (jail,) = load(tree({**_FILTER, "jail.local": f"{_JAIL}ipv4_prefix = 24\nipv6_prefix = 128\n"})).jails
    assert (jail.ipv4_prefix, jail.ipv6_prefix) == (24, 128)


@pytest.mark.parametrize("line", ["ipv4_prefix = 0", "ipv4_prefix = 33", "ipv6_prefix = 129", "ipv6_prefix = /64"])
def test_a_length_that_no_prefix_can_have_is_an_error(tree: Tree, line: str) -> None:
    """The jail does not run, and its place and the lengths that there are are told, once."""
    configuration = load(tree({**_FILTER, "jail.local": f"{_JAIL}{line}\n"}))
    option, _, text = line.partition(" = ")
    (problem,) = [problem for problem in configuration.problems if option in problem.text]
    assert (problem.severity, problem.origin and problem.origin.line) == (Severity.ERROR, 8)
    family, most = ("IPv4", 32) if "4_" in option else ("IPv6", 128)
    assert problem.text == f"{option!r}: a prefix of {family} has 1 to {most} bits, not {text!r}"
    assert configuration.failed == ("j",)


def test_a_length_that_no_machine_bars_is_told(tree: Tree) -> None:
    """It would have no effect: half the world is nobody's network."""
    configuration = load(tree({**_FILTER, "jail.local": f"{_JAIL}ipv4_prefix = 7\n"}))
    (problem,) = [problem for problem in configuration.problems if "ipv4_prefix" in problem.text]
    assert problem.severity is Severity.WARNING
    assert "no machine bars more than a /8" in problem.text
    assert configuration.jails[0].ipv4_prefix == 7
