"""A jail whose logs do not exist (COMPAT 1.10)."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.conftest import Tree

from sekisho.config.load import load
from sekisho.model.problem import Severity
from sekisho.model.specs import Configuration, LogPath

FILTER = """
[Definition]
failregex = ^x <HOST>$
journalmatch = _SYSTEMD_UNIT=x.service
"""


def loaded(tree: Tree, options: str) -> Configuration:
    """A tree with one jail that has these options."""
    jail = f"[j]\nenabled = true\nfilter = j\naction = nftables\n{options}"
    return load(tree({"filter.d/j.conf": FILTER, "jail.local": jail}))


def test_by_default_a_jail_waits_for_its_log(tree: Tree, tmp_path: Path) -> None:
    """Services write their first line later; each path says where its reading begins."""
    found = loaded(tree, f"logpath = {tmp_path}/a.log tail\n  {tmp_path}/b*.log head\n  {tmp_path}/a.log tail\n")
    assert found.problems == ()
    assert found.jails[0].logpaths == (LogPath(f"{tmp_path}/a.log", tail=True), LogPath(f"{tmp_path}/b*.log"))
    assert not found.jails[0].backend.is_journal


def test_a_path_that_ends_in_neither_head_nor_tail_is_a_mistake(tree: Tree) -> None:
    """A path cannot hold blanks."""
    assert loaded(tree, "logpath = /var/log/a.log middle\n").failed == ("j",)


def test_a_jail_is_left_out_where_its_administrator_prefers_that(tree: Tree, tmp_path: Path) -> None:
    """It is told, and costs nobody else anything; once there is a log, the jail runs."""
    options = f"logpath = {tmp_path}/x*.log\nskip_if_nologs = true\n"
    found = loaded(tree, options)
    assert (found.jails, found.failed) == ((), ("j",))
    (problem,) = found.problems
    assert problem.severity is Severity.WARNING
    assert problem.text == "Jail 'j' skipped, because of missing log files."
    (tmp_path / "x1.log").symlink_to(tmp_path / "nowhere")
    assert loaded(tree, options).jails == ()
    (tmp_path / "x2.log").touch()
    assert [jail.name for jail in loaded(tree, options).jails] == ["j"]


@pytest.mark.parametrize("skip", ["true", "false"])
def test_a_jail_with_a_journalmatch_of_its_own_reads_the_journal(tree: Tree, tmp_path: Path, skip: str) -> None:
    """Better the journal than nothing, whatever it does without."""
    found = loaded(
        tree,
        f"logpath = {tmp_path}/x.log\njournalmatch = %(known/journalmatch)s\nskip_if_nologs = {skip}\n",
    )
    (jail,) = found.jails
    assert jail.backend.is_journal
    assert jail.journalmatch == ("_SYSTEMD_UNIT=x.service",)
    (problem,) = found.problems
    assert problem.text == "Have not found any log file for 'j' jail. Jail will monitor systemd journal."


@pytest.mark.parametrize(
    "options",
    ["", "journalmatch = A=1\nsystemd_if_nologs = false\n", "journalmatch = A=1\nbackend = polling\n"],
    ids=["a filter's journalmatch", "forbidden", "another backend"],
)
def test_nothing_else_turns_a_jail_to_the_journal(tree: Tree, tmp_path: Path, options: str) -> None:
    """A match in the filter alone does not suffice, nor does a backend that was named."""
    assert not loaded(tree, f"logpath = {tmp_path}/x.log\n{options}").jails[0].backend.is_journal


def test_our_own_log_exists_because_we_write_it(tree: Tree, tmp_path: Path) -> None:
    """A recidive jail is not left out at the very first start, whatever `[DEFAULT]` prefers."""
    directory = tree(
        {
            "fail2ban.local": f"[Definition]\nlogtarget = {tmp_path}/fail2ban.log\n",
            "jail.local": "[DEFAULT]\nskip_if_nologs = true\n[recidive]\nenabled = true\nbackend = auto\n"
            f"logpath = {tmp_path}/fail2ban.log\n",
        }
    )
    assert [jail.name for jail in load(directory).jails] == ["recidive"]
