"""Where configuration files lie."""

from __future__ import annotations

import os
from pathlib import Path

from tests.config.conftest import Tree

from sekisho.config.files import STOCK, Files, Layer, Source


def test_the_administrators_files_stand_in_their_order(tree: Tree) -> None:
    """X.conf, X.d/*.conf, X.local, X.d/*.local, each sorted; anything else is no configuration (COMPAT 1.1)."""
    names = ("jail.d/b.conf", "jail.d/a.conf", "jail.d/a.local", "jail.local", "jail.conf", "jail.d/x.conf.bak")
    files = Files(tree(dict.fromkeys(names, "")))
    assert [source.relative for source in files.own("jail")] == [
        "jail.conf",
        "jail.d/a.conf",
        "jail.d/b.conf",
        "jail.local",
        "jail.d/a.local",
    ]


def test_the_stock_is_there_without_any_directory() -> None:
    """`sekisho match` works on a machine without configuration."""
    files = Files(None)
    assert [source.path for source in files.stock("jail")] == [STOCK / "jail.conf"]
    assert files.own("jail") == []


def test_an_include_is_looked_up_beside_its_file_first(tree: Tree) -> None:
    """The administrator's own replaces the stock one for his files and lies over it for the stock's."""
    directory = tree({"filter.d/common.conf": "", "filter.d/common.local": ""})
    files = Files(directory)
    own = Source(directory / "filter.d/x.conf", "filter.d/x.conf", Layer.OWN)
    found = files.included("common.conf", own)
    assert [source.path for source in found] == [
        directory / "filter.d" / f"common.{kind}" for kind in ("conf", "local")
    ]
    stock = Source(STOCK / "jail.conf", "jail.conf", Layer.STOCK)
    tree({"paths-debian.conf": ""})
    assert [source.layer for source in files.included("paths-debian.conf", stock)] == [Layer.STOCK, Layer.OWN]


def test_an_include_is_looked_up_in_the_stock_last(tree: Tree) -> None:
    """A jail.conf of one's own may include the stock's paths; the `.local` beside it counts even alone."""
    directory = tree({"paths-common.local": ""})
    own = Source(directory / "jail.conf", "jail.conf", Layer.OWN)
    found = Files(directory).included("paths-common.conf", own)
    assert [source.path for source in found] == [STOCK / "paths-common.conf", directory / "paths-common.local"]
    assert Files(directory).included("nowhere.conf", own) == []


def test_an_absolute_include_and_one_beside_a_file_apart(tree: Tree, tmp_path: Path) -> None:
    """A filter named by its path finds its neighbours, and `filter.d` after them."""
    directory = tree({"filter.d/common.conf": ""})
    apart = tmp_path / "apart"
    apart.mkdir()
    (apart / "mine.conf").touch()
    source = Source(apart / "x.conf", "filter.d/x.conf", Layer.APART)
    files = Files(directory)
    assert [found.path for found in files.included("mine.conf", source)] == [apart / "mine.conf"]
    assert [found.path for found in files.included("common.conf", source)] == [directory / "filter.d/common.conf"]
    assert [found.path for found in files.included(str(apart / "mine.conf"), source)] == [apart / "mine.conf"]


def test_what_cannot_be_read_is_a_broken_document(tree: Tree) -> None:
    """A FIFO, a directory, bytes that are no UTF-8: each is told with a remedy, and nothing hangs."""
    directory = tree({"good.conf": "[a]\n"})
    os.mkfifo(directory / "fifo.conf")
    (directory / "dir.conf").mkdir()
    (directory / "latin.conf").write_bytes(b"[a]\nb = \xe9\n")
    (directory / "dangling.conf").symlink_to(directory / "nothing")
    files = Files(directory)
    for name in ("fifo", "dir", "latin", "dangling"):
        document = files.document(files.own(name)[0])
        assert document.broken
        assert document.problems[0].remedy
    assert not files.document(files.own("good")[0]).broken


def test_names_for_suggestions_come_from_both_layers(tree: Tree) -> None:
    """A misspelt action is told its right name, wherever that is defined."""
    names = Files(tree({"action.d/mine.local": ""})).names("action.d")
    assert "mine" in names
    assert "nftables" in names
