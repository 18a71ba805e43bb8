"""Files laid over each other."""

from __future__ import annotations

from tests.config.conftest import Tree

from sekisho.config.files import Files
from sekisho.config.layers import Merged, merge


def texts(merged: Merged, section: str) -> dict[str, str]:
    """Return the texts of a section."""
    return {name: option.text for name, option in merged.sections[section].items()}


def test_later_files_win_option_by_option(tree: Tree) -> None:
    """jail.d/*.conf < jail.local < jail.d/*.local; sections and defaults merge (COMPAT 1.1)."""
    directory = tree(
        {
            "jail.conf": "[DEFAULT]\na = conf\nz = conf\n[s]\nx = conf\ny = conf\n",
            "jail.d/a.conf": "[DEFAULT]\na = d\n[s]\nx = d\n",
            "jail.local": "[s]\nx = local\n[t]\nx = 1\n",
            "jail.d/b.local": "[s]\ny = dlocal\n",
        }
    )
    merged = merge(Files(directory), "jail")
    assert texts(merged, "DEFAULT") == {"a": "d", "z": "conf"}
    assert texts(merged, "s") == {"x": "local", "y": "dlocal"}
    assert {name: option.text for name, option in merged.known["s"].items()} == {"x": "d", "y": "conf"}
    assert list(merged.sections) == ["DEFAULT", "s", "t"]


def test_includes_are_read_around_their_file(tree: Tree) -> None:
    """Before-files, the file, after-files, each with its `.local`; a missing one is nothing (COMPAT 9, case 4)."""
    directory = tree(
        {
            "filter.d/f.conf": "[INCLUDES]\nbefore = missing.conf\n  b.conf\nafter = a.conf\n[s]\nx = f\ny = f\n",
            "filter.d/b.conf": "[s]\nx = before\nw = before\n",
            "filter.d/b.local": "[s]\nw = before-local\n",
            "filter.d/a.conf": "[s]\ny = after\n",
            "filter.d/a.local": "[s]\nz = after-local\n",
        }
    )
    merged = merge(Files(directory), "filter.d/f")
    assert texts(merged, "s") == {"x": "f", "w": "before-local", "y": "after", "z": "after-local"}


def test_an_include_of_a_layer_comes_before_the_next_layer(tree: Tree) -> None:
    """What jail.conf includes after itself is still before jail.local (COMPAT 1.1)."""
    directory = tree(
        {
            "jail.conf": "[INCLUDES]\nafter = x.conf\n[s]\na = 1\n",
            "x.conf": "[s]\na = 2\n",
            "jail.local": "[s]\na = 3\n",
        }
    )
    assert texts(merge(Files(directory), "jail"), "s") == {"a": "3"}


def test_a_circle_of_includes_ends(tree: Tree) -> None:
    """A file that is being included is skipped."""
    directory = tree(
        {"filter.d/f.conf": "[INCLUDES]\nbefore = g.conf\n", "filter.d/g.conf": "[INCLUDES]\nbefore = f.conf\n"}
    )
    assert [source.path.name for source in merge(Files(directory), "filter.d/f").files] == ["g.conf", "f.conf"]


def test_a_file_without_rules_lies_over_the_stock_one(tree: Tree) -> None:
    """The scenario's `[Init]`-only file adds to the stock action; one with its own commands replaces it."""
    over = Files(tree({"action.d/nftables.conf": "[Init]\nblocktype = reject\n"}))
    merged = merge(over, "action.d/nftables")
    assert texts(merged, "Init")["blocktype"] == "reject"
    assert texts(merged, "Definition")["native"] == "nftables"
    instead = Files(tree({"action.d/nftables.conf": "[Definition]\nactionban = nft add\n"}))
    assert texts(merge(instead, "action.d/nftables"), "Definition") == {"actionban": "nft add"}


def test_a_file_whose_include_has_rules_replaces_the_stock_one(tree: Tree) -> None:
    """`iptables-multiport.conf` of a Fail2ban tree takes its commands from the `iptables.conf` beside it."""
    files = Files(
        tree(
            {
                "action.d/iptables-multiport.conf": "[INCLUDES]\nbefore = iptables.conf\n[Init]\ntype = multiport\n",
                "action.d/iptables.conf": "[Definition]\nactionban = theirs\n",
            }
        )
    )
    merged = merge(files, "action.d/iptables-multiport")
    assert [source.path.name for source in merged.files] == ["iptables.conf", "iptables-multiport.conf"]
    assert texts(merged, "Definition") == {"actionban": "theirs"}


def test_a_jail_conf_of_ones_own_replaces_the_stock_jails(tree: Tree) -> None:
    """A whole Fail2ban tree means exactly what it meant."""
    assert list(merge(Files(tree({"jail.conf": "[mine]\n"})), "jail").sections) == ["DEFAULT", "mine"]


def test_a_local_file_beside_what_the_stock_includes_takes_effect(tree: Tree) -> None:
    """The scenario's `iptables-common.local` changes every stock iptables action."""
    files = Files(tree({"action.d/iptables-common.local": "[Init]\nblocktype = DROP\n"}))
    for name in ("iptables-multiport", "iptables-allports"):
        assert texts(merge(files, f"action.d/{name}"), "Init")["blocktype"] == "DROP"


def test_problems_of_all_files_are_kept(tree: Tree) -> None:
    """One broken file breaks the whole, and is named."""
    merged = merge(Files(tree({"jail.conf": "[s]\n", "jail.local": "nonsense\n"})), "jail")
    assert merged.broken
    assert [problem.origin.file.rpartition("/")[2] for problem in merged.problems if problem.origin] == ["jail.local"]
