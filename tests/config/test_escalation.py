"""`bantime.*` of a jail."""

from __future__ import annotations

import pytest
from tests.config.conftest import Tree

from sekisho.config.load import load
from sekisho.model.problem import Severity
from sekisho.model.specs import Configuration, EscalationSpec

FILTER = {"filter.d/j.conf": "[Definition]\nfailregex = ^x <HOST>$\n"}


def loaded(tree: Tree, options: str) -> Configuration:
    """A tree with one jail that has these options."""
    jail = f"[j]\nenabled = true\nfilter = j\nlogpath = /dev/null\naction = nftables\n{options}"
    return load(tree({**FILTER, "jail.local": jail}))


def test_every_option_is_read(tree: Tree) -> None:
    """Inline comments, times and lists as everywhere else; nothing is found wrong."""
    found = loaded(
        tree,
        """
bantime.increment = true ; escalate
bantime.factor = 24 * 60 / 720
bantime.formula = ban.Time * (1 << min(ban.Count, 20)) * banFactor
bantime.multipliers = 1 2 4.5 8
bantime.maxtime = 5w
bantime.rndtime = 8m
bantime.overalljails = yes
""",
    )
    assert found.problems == ()
    assert found.jails[0].escalation == EscalationSpec(
        increment=True,
        factor="24 * 60 / 720",
        formula="ban.Time * (1 << min(ban.Count, 20)) * banFactor",
        multipliers=(1, 2, 4.5, 8),
        maxtime=3024000,
        rndtime=480,
        overalljails=True,
    )


def test_nothing_set_is_no_escalation(tree: Tree) -> None:
    """The stock leaves it off."""
    assert loaded(tree, "").jails[0].escalation == EscalationSpec()


@pytest.mark.parametrize(
    "option",
    [
        "bantime.formula = __import__('os').system('id')",
        "bantime.factor = nosuch",
        "bantime.multipliers = 1 two",
        "bantime.maxtime = soon",
    ],
)
def test_a_mistake_is_told_with_its_line(tree: Tree, option: str) -> None:
    """It costs the jail, as a wrong bantime does, and no other."""
    found = loaded(tree, f"bantime.increment = true\n{option}\n")
    assert found.failed == ("j",)
    assert [problem.origin.line for problem in found.problems if problem.origin] == [7]


def test_a_formula_that_has_no_value_for_everybody_is_a_warning(tree: Tree) -> None:
    """It is tried before anybody is banned by it."""
    found = loaded(tree, "bantime.increment = true\nbantime.formula = ban.Time / (ban.Count - 1)\n")
    assert [problem.severity for problem in found.problems] == [Severity.WARNING]
    assert found.jails[0].escalation.formula is not None
