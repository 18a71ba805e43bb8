"""All advice on a tree."""

from __future__ import annotations

from tests.config.conftest import Tree

from sekisho.config.advice.advise import Host, advise
from sekisho.config.survey import survey

HOST = Host(port=lambda *_: None, has=lambda _: True)


def test_what_all_jails_share_is_told_once(tree: Tree) -> None:
    """A mistake in [DEFAULT] is nobody's alone."""
    files = {
        "filter.d/f.conf": "[Definition]\nfailregex = refused <HOST>$\n",
        "jail.local": """
            [DEFAULT]
            enabled = true
            action = observe
            filter = f
            ignoreip = 0.0.0.0/0
            [a]
            logpath = /dev/null
            [b]
            logpath = /dev/zero
            """,
    }
    directory = tree({**files})
    # the stock jails inherit `enabled` too: only ours are looked at
    found = [problem for problem in advise(survey(directory), HOST) if problem.jail is None]
    assert [problem.text.split(":")[0] for problem in found if "failregex" in problem.text] == [
        "failregex 1 of filter 'f' is not anchored"
    ]
    assert sum("everybody" in problem.text for problem in found) == 1


def test_a_tree_that_cannot_be_used_gets_no_advice(tree: Tree) -> None:
    """Its errors are told by loading; what is unsaid cannot be judged."""
    assert advise(survey(tree({"jail.local": "[a]\nx = 1\nx = 2\n"})), HOST) == []
