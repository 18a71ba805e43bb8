"""Options that contradict each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.conftest import Tree

from sekisho.config.advice.contradictions import contradictions
from sekisho.config.survey import survey

_FILTER = "[Definition]\nfailregex = ^fail from <HOST>$\njournalmatch = _COMM=f\n"
_NAMES = "[Definition]\nfailregex = ^fail from <DNS>$\n"


def told(directory: Path) -> list[tuple[str, str]]:
    """Return where and what the contradictions of a tree are."""
    tree = survey(directory)
    return [
        (f"{Path(problem.origin.file).name}:{problem.origin.line}" if problem.origin else "", problem.text)
        for problem in contradictions(tree.jails, tree.configuration.server)
    ]


@pytest.mark.parametrize(
    ("lines", "place", "words"),
    [
        ("bantime.increment = true\nbantime.maxtime = 1m", 6, "shorter than bantime"),
        ("bantime.increment = true\nbantime = -1", 5, "nothing is longer than for ever"),
        ("bantime.factor = 2", 5, "bantime.increment is not true"),
        ("bantime.overalljails = true", 5, "bantime.increment is not true"),
        ("backend = systemd\nlogpath = /dev/null", 6, "the journal has no path"),
        ("backend = systemd\ndatepattern = ^%%Y", 6, "bring their times"),
        ("backend = systemd\nlogtimezone = UTC+0200", 6, "have no zone"),
        ("backend = systemd\nlogencoding = latin1", 6, "UTF-8"),
        ("backend = systemd\nskip_if_nologs = true", 6, "always there"),
        ("filter = names\nusedns = no", 6, "find names only"),
        ("ignoreself = false", 5, "may bar itself"),
        ("ignoreip = 192.0.2.1\n  ::/0", 6, "everybody"),
        ("ignorecache = key=<ip>", 5, "no ignorecommand"),
    ],
)
def test_a_contradiction_is_told_once_where_it_stands(tree: Tree, lines: str, place: int, words: str) -> None:
    """With the line of the option that is at odds."""
    directory = tree({"filter.d/f.conf": _FILTER, "filter.d/names.conf": _NAMES})
    filter_ = "" if "filter" in lines else "filter = f\n"
    (directory / "jail.local").write_text(f"[j]\nenabled = true\naction = observe\n#\n{lines}\n{filter_}")
    ((where, text),) = told(directory)
    assert where == f"jail.local:{place}"
    assert words in text


@pytest.mark.parametrize(
    "lines",
    [
        "maxretry = 9\nmaxmatches = 2",
        "bantime.increment = true\nbantime.maxtime = 1d",
        "ignoreself = false\nignoreip = 127.0.0.0/8",
        "usedns = no",
        "backend = systemd",
        "ignorecommand = true\nignorecache = key=<ip>",
    ],
)
def test_what_goes_together_is_no_contradiction(tree: Tree, lines: str) -> None:
    """No false alarm."""
    assert told(tree({"filter.d/f.conf": _FILTER, "jail.local": f"[j]\nenabled = true\nfilter = f\n{lines}\n"})) == []


def test_the_ledger_must_remember_what_a_jail_counts(tree: Tree) -> None:
    """Bans that are purged before findtime is over count for no recidive; without a ledger nothing escalates."""
    jail = "[recidive]\nenabled = true\nlogpath = /var/log/fail2ban.log\nfindtime = 1w\n"
    ((where, text),) = told(tree({"jail.local": jail, "fail2ban.local": "[Definition]\ndbpurgeage = 1d\n"}))
    assert (where, "longer than dbpurgeage" in text) == ("jail.local:4", True)
    assert told(tree({"fail2ban.local": "[Definition]\ndbpurgeage = 2w\n"})) == []
    ((_, text),) = told(
        tree(
            {
                "jail.local": "[recidive]\nenabled = true\nbantime.increment = true\n",
                "fail2ban.local": "[Definition]\ndbfile = None\n",
            }
        )
    )
    assert "dbfile is None" in text


def test_twins_count_twice_and_tiers_do_not(tree: Tree) -> None:
    """The same rules on the same log by the same measure; a slow jail beside a fast one is meant."""
    twins = "[{}]\nenabled = true\nfilter = f\nlogpath = /dev/null\n"
    files = {"filter.d/f.conf": _FILTER, "jail.local": twins.format("a") + twins.format("b")}
    ((where, text),) = told(tree(files))
    assert where == "jail.local:6"
    assert "of jail 'a'" in text
    assert told(tree({"jail.local": files["jail.local"] + "findtime = 1d\n"})) == []
