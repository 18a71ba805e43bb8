"""Whose log paths are in effect."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.conftest import Tree

from sekisho.config.advice.system import judge_system, told_system
from sekisho.config.survey import Survey, survey

_ARCH = "[INCLUDES]\nbefore = paths-arch.conf\n"


def looked_at(tree: Tree, release: str, name: str = "jail.local", text: str = "") -> Survey:
    """A tree with one file, on a host with such an os-release."""
    directory = tree({"root/etc/os-release": release, f"etc/{name}": text})
    return survey(directory / "etc", root=directory / "root")


def test_the_system_and_its_paths_are_told(tree: Tree) -> None:
    """What was found, and which file says where its services log."""
    found = looked_at(tree, 'ID=fedora\nPRETTY_NAME="Fedora Linux 42"\n')
    assert told_system(found) == "this is Fedora Linux 42: services log where paths-fedora.conf says"
    assert list(judge_system(found)) == []


def test_a_choice_in_jail_local_is_meant(tree: Tree) -> None:
    """It is told where it was made, and not doubted."""
    found = looked_at(tree, "ID=debian\n", text=_ARCH)
    where = f"{found.directory}/jail.local:2"
    assert told_system(found) == f"this is debian; services log where paths-arch.conf says, which {where} includes"
    assert list(judge_system(found)) == []


def test_a_tree_that_was_made_for_another_system_is_doubted(tree: Tree) -> None:
    """Whoever copies Debian's /etc/fail2ban to Fedora reads logs that are not there."""
    (doubt,) = judge_system(looked_at(tree, "ID=fedora\n", "jail.conf", "[INCLUDES]\nbefore = paths-debian.conf\n"))
    assert doubt.text == "this is fedora, and the log paths are those of another system, paths-debian.conf"
    assert doubt.remedy.startswith("write before = paths-fedora.conf there")
    assert Path(doubt.origin.file if doubt.origin else "").name == "jail.conf"


@pytest.mark.parametrize("release", ["ID=arch\n", "ID=gentoo\n"])
def test_a_tree_of_this_system_s_own_is_not_doubted(tree: Tree, release: str) -> None:
    """Nor is one on a system that we do not know: its makers do."""
    assert list(judge_system(looked_at(tree, release, "jail.conf", _ARCH))) == []


def test_a_distribution_s_own_paths_are_not_doubted(tree: Tree) -> None:
    """A file that we do not ship may be right anywhere."""
    text = "[INCLUDES]\nbefore = paths-mine.conf\n"
    assert list(judge_system(looked_at(tree, "ID=debian\n", "jail.conf", text))) == []


def test_a_guess_is_said_to_be_one(tree: Tree) -> None:
    """With how to choose."""
    (doubt,) = judge_system(looked_at(tree, "ID=gentoo\n"))
    assert doubt.text == "this is gentoo, whose log paths nobody told us: those of paths-debian.conf are taken"
    assert "paths-NAME.conf" in doubt.remedy


def test_a_tree_may_have_none(tree: Tree) -> None:
    """Every path can be written out."""
    found = looked_at(tree, "ID=debian\n", "jail.conf", "[DEFAULT]\n")
    assert told_system(found) == "this is debian; the configuration includes no file of its kind's log paths"
    assert list(judge_system(found)) == []
