"""Where fail2ban-regex takes its expressions from."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from sekisho.cli.fail2ban_regex import build_parser
from sekisho.cli.regex_rules import find_rules
from sekisho.match.rule import RuleError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A configuration directory with one filter."""
    (tmp_path / "filter.d").mkdir()
    own = "[Definition]\nfailregex = from <HOST>\nignoreregex = good\n[Init]\nmaxlines = 2\ndatepattern = {NONE}\n"
    (tmp_path / "filter.d" / "own.conf").write_text(own)
    return tmp_path


def words(*arguments: str | Path) -> argparse.Namespace:
    """A command line."""
    return build_parser().parse_intermixed_args(["x", *map(str, arguments)])


def test_what_the_filter_sets_stands_below_it(tree: Path) -> None:
    """And what the command line sets, above."""
    named = f"Use   failregex filter file : own, basedir: {tree}"
    maxlines, dates = "Use         maxlines : 2", "Use      datepattern : {NONE} : ^"
    assert find_rules(words("own"), tree).heading == (named, maxlines, dates)
    rules = find_rules(words("-L", "5", "-d", "Epoch", "own"), tree)
    assert rules.heading == ("Use         maxlines : 5", "Use      datepattern : Epoch : Epoch", named)
    assert (rules.spec.maxlines, rules.spec.datepattern) == (5, ("Epoch",))
    assert find_rules(words("-L", "0", "own"), tree).spec.maxlines == 2
    with pytest.raises(RuleError, match="negative"):
        find_rules(words("-L", "-1", "own"), tree)


def test_a_file_names_its_own_tree(tree: Path) -> None:
    """Parameters in brackets or not; the directory is shown as it was typed."""
    path = tree / "filter.d" / "own.conf"
    for text in (f"{path}", f"{path}[a=b]"):
        assert find_rules(words(text), None).heading[0] == f"Use   failregex filter file : own, basedir: {tree}"


def test_exceptions_of_the_command_line_replace_those_of_the_filter(tree: Path) -> None:
    """An expression, or those of a filter's file."""
    path = tree / "filter.d" / "own.conf"
    assert find_rules(words("own", "bad"), tree).spec.ignoreregex == ("bad",)
    rules = find_rules(words("from <HOST>", path), tree)
    assert rules.spec.ignoreregex == ("good",)
    assert rules.heading == ("Use   failregex line : from <HOST>", f"Use ignoreregex file : {path}")
