"""Both engines on the same past log, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.cli.adopt_shadow import ShadowDifference, Verdict, compare_verdicts, run_shadow

FAIL2BAN = pytest.mark.system(needs=("fail2ban-regex",))

LINES = """\
2026-07-14 12:00:00 fail root from 192.0.2.1
2026-07-14 12:00:01 welcome from 192.0.2.1
2026-07-14 12:00:02 fail adm from 192.0.2.2

# a remark of fail user from 192.0.2.3
2026-07-14 12:00:02 fail adm from 192.0.2.2
fail dateless from 192.0.2.4
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with one jail, whose filter has a mode, and its log."""
    (tmp_path / "filter.d").mkdir()
    (tmp_path / "filter.d" / "demo.conf").write_text(
        "[Definition]\nfailregex = <rule_<mode>>\n[Init]\nmode = none\nrule_none = ^never <HOST>$\n"
        "rule_all = fail <F-USER>\\S+</F-USER> from <HOST>\n"
    )
    (tmp_path / "fail2ban.conf").write_text("[Definition]\nloglevel = INFO\n")
    (tmp_path / "jail.conf").write_text(
        f"[demo]\nenabled = true\nfilter = demo[mode=all]\nlogpath = {tmp_path}/*.log\nbackend = polling\n"
    )
    (tmp_path / "demo.log").write_text(LINES)
    return tmp_path


@FAIL2BAN
def test_both_judge_a_log_alike(tree: Path) -> None:
    """By the jail's filter with its arguments: four failures each, in seven lines, and no difference."""
    (shadow,) = run_shadow(tree, [str(tree / "demo.log")], jail=None)
    assert shadow.trouble == ""
    assert (shadow.jail, shadow.lines, shadow.theirs, shadow.ours) == ("demo", 7, 4, 4)
    assert shadow.differences == ()


def test_a_log_that_nobody_reads_is_told(tree: Path) -> None:
    """No jail reads it, or none of that name is enabled; a log that is not there cannot be read."""
    assert run_shadow(tree, ["/var/log/none"], jail=None)[0].trouble.startswith("no enabled jail reads it")
    assert run_shadow(tree, ["/var/log/none"], jail="other")[0].trouble == "no such jail is enabled"
    assert run_shadow(tree, [str(tree / "none.log")], jail="demo")[0].trouble.startswith("cannot be read")
    assert run_shadow(tree, [], jail=None) == []


def test_differences_are_told_by_line() -> None:
    """Another time, somebody else, somebody only one has; what both have is not told, as often as both have it."""
    numbers = {"a": [1], "b": [2, 5], "c": [3], "d": [4]}
    theirs = [Verdict("1", 10, "a"), Verdict("2", 20, "b"), Verdict("2", 20, "b"), Verdict("3", 30, "c")]
    ours = [Verdict("1", 11, "a"), Verdict("2", 20, "b"), Verdict("2", 20, "b"), Verdict("4", 40, "d")]
    found = list(compare_verdicts(theirs, ours, numbers))
    assert [(each.line, each.text) for each in found] == [(1, "a"), (3, "c"), (4, "d")]
    assert all(isinstance(each, ShadowDifference) for each in found)
    assert (found[1].theirs.split()[0], found[1].ours) == ("3", "nobody")
    assert (found[2].theirs, found[2].ours.split()[0]) == ("nobody", "4")
    assert found[0].theirs != found[0].ours
