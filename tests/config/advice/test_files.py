"""Files that nobody reads, logs that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.conftest import Tree

from sekisho.config.advice.files import judge_files, judge_sources, replaced
from sekisho.config.survey import survey

_F = "[Definition]\nfailregex = ^f from <HOST>$\n"
_JAIL = "[j]\nenabled = true\nfilter = f\n"


def told(directory: Path) -> list[str]:
    """Return what is told of the files."""
    return [f"{Path(str(each.origin)).name}: {each.text} ({each.remedy})" for each in judge_files(survey(directory))]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("jails.local", "this file is never read (did you mean 'jail.local'?)"),
        ("jail.d/mine.cnf", "never read: its name ends in neither .conf nor .local (rename it to mine.local)"),
        ("filter.d/prftpd.local", "no enabled jail uses filter 'prftpd', so that this file changes nothing (did you"),
        ("action.d/mine.conf", "no enabled jail uses action 'mine'"),
    ],
)
def test_a_file_that_changes_nothing(tree: Tree, name: str, words: str) -> None:
    """With the name that was probably meant."""
    (text,) = told(tree({"filter.d/f.conf": _F, "jail.local": _JAIL, name: "[Definition]\n"}))
    assert words in text


@pytest.mark.parametrize(
    "files",
    [
        {"jail.d/50-mine.local": "[j]\nmaxretry = 2\n"},
        {"jail.d/mine.local.bak": "x", "jail.d/README": "x", "jail.d/mine.local.dpkg-old": "x", ".git": "x"},
        {"filter.d/g.conf": _F, "jail.d/g.local": "[off]\nfilter = g\n"},
        {"jail.conf": "[DEFAULT]\naction = observe\n", "filter.d/many.conf": _F, "action.d/more.conf": _F},
        {"filter.d/common.local": "[DEFAULT]\n", "jail.d/s.local": "[sshd]\nenabled = true\n"},
        {"paths-overrides.local": "[DEFAULT]\n"},
        {"action.d/own.conf": "[Definition]\n", "jail.d/e.local": "[j]\nbantime = soon\naction = own[a=1]\n"},
    ],
)
def test_a_file_that_has_its_reason(tree: Tree, files: dict[str, str]) -> None:
    """Spare copies, a disabled jail's filter, a distribution's whole tree, what a used filter includes."""
    assert told(tree({"filter.d/f.conf": _F, "jail.local": _JAIL, **files})) == []


def test_a_file_that_everybody_may_write(tree: Tree) -> None:
    """Root runs what it says."""
    directory = tree({"filter.d/f.conf": _F, "jail.local": _JAIL})
    (directory / "jail.local").chmod(0o666)
    (text,) = told(directory)
    assert "everybody may write" in text


def test_a_copy_of_a_stock_file_is_remarked(tree: Tree) -> None:
    """It stands instead of the stock one; a `.local` and an `[Init]`-only file do not."""
    files = {
        "filter.d/f.conf": _F,
        "filter.d/sshd.conf": _F,
        "filter.d/proftpd.conf": "[Init]\njournalmatch = _COMM=p\n",
        "jail.local": f"{_JAIL}[sshd]\nenabled = true\n[proftpd]\nenabled = true\n",
    }
    (remark,) = replaced(survey(tree(files)))
    assert "filter.d/sshd.conf stands instead of the stock file" in remark


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("logpath = /nowhere/*.log", "no file matches logpath"),
        ("logpath = /nowhere/*.log\n  /dev/null", ""),
        ("backend = systemd", "no journalmatch"),
        ("backend = systemd\njournalmatch = _COMM=x", ""),
    ],
)
def test_sources_that_hold_nothing_or_everything(tree: Tree, lines: str, words: str) -> None:
    """One log of several is enough."""
    (jail,) = survey(tree({"filter.d/f.conf": _F, "jail.local": f"{_JAIL}{lines}\n"})).jails
    assert "".join(problem.text for problem in judge_sources(jail, "/var/log/fail2ban.log")).startswith(
        {"no file matches logpath": "no file matches", "no journalmatch": "there is no journalmatch"}.get(words, "")
    )
    assert len(list(judge_sources(jail, "/var/log/fail2ban.log"))) == bool(words)
