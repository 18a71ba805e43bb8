"""What expressions cost, and whom they can be made to blame."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.conftest import Tree

from sekisho.config.advice.expressions import judge_expressions
from sekisho.config.survey import survey
from sekisho.model.problem import Severity


@pytest.mark.parametrize(
    ("definition", "place", "words"),
    [
        ("failregex = ^fail from <HOST>$\n  ^\\d+ <HOST>$", "f.conf:3", "failregex 2 of filter 'f' holds no text"),
        ("failregex = ^fail from <HOST>$\n  fail of <HOST>$", "f.conf:3", "failregex 2 of filter 'f' is not anchored"),
        ("failregex = ^%(_w)s <HOST>$\n_w = .*refused", "f.conf:2", "is not anchored"),
        (
            "failregex = ^fail from <HOST>$\n  ^\\d+ <HOST>$\nmaxlines = 2",
            "f.conf:3",
            "failregex 2 of filter 'f' holds",
        ),
        ("failregex = ^fail (from <HOST>$", "f.conf:2", "Unable to compile"),
        ("failregex = ^fail$", "f.conf:2", "No failure-id group"),
    ],
)
def test_an_expression_is_named_with_its_line(tree: Tree, definition: str, place: str, words: str) -> None:
    """The number of the rule, and where it stands in the filter."""
    files = {"filter.d/f.conf": f"[Definition]\n{definition}\n", "jail.local": "[j]\nenabled = true\nfilter = f\n"}
    (jail,) = survey(tree(files)).jails
    (problem,) = judge_expressions(jail)
    assert problem.origin is not None
    assert f"{Path(problem.origin.file).name}:{problem.origin.line}" == place
    assert words in problem.text
    assert problem.remedy
    assert (problem.severity is Severity.ERROR) == ("No fail" in words or "Unable" in words)


@pytest.mark.parametrize(
    ("rules", "line", "words"),
    [
        ("when = a = long\n  size > 5", 5, "when 2 of filter 'f' holds no text that a line must contain"),
        (
            "when = a = long\n  b ~ login from <HOST>",
            5,
            "rule 2 of `when` takes the address from an expression that is not",
        ),
        (
            "when = a = long\nmessage = msg\nfailregex = login from <HOST>",
            6,
            "failregex 1 of filter 'f' is not anchored",
        ),
    ],
)
def test_a_rule_on_records_is_named_with_its_line(tree: Tree, rules: str, line: int, words: str) -> None:
    """One without a literal, one that takes an address from anywhere in a text, expressions on a message."""
    definition = f"[Definition]\nlogformat = json\nhost = ip\n{rules}\n"
    (jail,) = survey(tree({"filter.d/f.conf": definition, "jail.local": "[j]\nenabled = true\nfilter = f\n"})).jails
    (problem,) = judge_expressions(jail)
    assert problem.origin is not None
    assert (Path(problem.origin.file).name, problem.origin.line) == ("f.conf", line)
    assert words in problem.text


def test_an_expression_of_the_jail_is_found_there(tree: Tree) -> None:
    """What a jail sets in its filter's place is the jail's to mend, and so is its encoding."""
    rules = {"filter.d/f.conf": "[Definition]\nfailregex = ^fail from <HOST>$\n"}
    jail = "[j]\nenabled = true\nfilter = f\nfailregex = fail of <HOST>$\n"
    (problem,) = judge_expressions(survey(tree({**rules, "jail.local": jail})).jails[0])
    assert str(problem.origin).endswith("jail.local:4")
    jail = "[j]\nenabled = true\nfilter = f\nlogencoding = utf-16\n"
    (problem,) = judge_expressions(survey(tree({**rules, "jail.local": jail})).jails[0])
    assert str(problem.origin).endswith("jail.local:4")
    assert "reads utf-16" in problem.text
