"""`sekisho config show`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sekisho.cli.main import main

_JAIL = (
    '[DEFAULT]\nmaxretry = 4\n[j]\nenabled = true\nfilter = f[mode=x]\naction = a[p="%(port)s"]\nport = ssh\n[off]\n'
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a tree with one jail, its filter and its action."""
    for name, text in {
        "jail.local": _JAIL,
        "filter.d/f.conf": "[Definition]\n_x = fail\nfailregex = ^%(_x)s <HOST>$\n  ^\x1b <HOST>$\n",
        "action.d/a.conf": "[Definition]\nactionban = ban <p> <ip>\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_each_value_is_shown_with_who_set_it(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything is put in: `%( )s`, parameters, arguments; nothing steers the terminal."""
    assert main(["config", "show", "j", "-c", str(tree)]) == 0
    out = capsys.readouterr().out
    assert f"  maxretry = 4    # {tree}/jail.local:2\n" in out
    assert f'  action = a[p="ssh"]    # {tree}/jail.local:6\n' in out
    assert "  ignoreself = true    # built in\n" in out
    assert f"filter f\n  failregex = ^fail <HOST>$\n      ^\\x1b <HOST>$    # {tree}/filter.d/f.conf:3\n" in out
    assert f"  mode = x    # {tree}/jail.local:5\n" in out
    assert f"  actionban = ban ssh <ip>    # {tree}/action.d/a.conf:2\n" in out
    assert "_x" not in out
    assert "/stock/jail.conf:" in out
    assert "\x1b" not in out


def test_for_programs(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One document by group, building blocks too."""
    assert main(["config", "show", "j", "--json", "-c", str(tree)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["jail j", "filter f", "action a"]
    assert {"name": "_x", "value": "fail", "file": f"{tree}/filter.d/f.conf", "line": 2, "stock": False} in document[
        "filter f"
    ]


def test_without_a_jail_the_server_and_the_jails(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What fail2ban.conf says, and the names to ask for."""
    (tree / "fail2ban.local").write_text("[Definition]\nloglevel = debug\n")
    assert main(["config", "show", "-c", str(tree)]) == 0
    out = capsys.readouterr().out
    assert f"  loglevel = DEBUG    # {tree}/fail2ban.local:2\n" in out
    assert out.endswith("jails: j\n")
    assert main(["config", "show", "--json", "-c", str(tree)]) == 0
    assert json.loads(capsys.readouterr().out)["jails"] == ["j"]


@pytest.mark.parametrize(
    ("jail", "words"),
    [
        ("ssdh", "no jail 'ssdh'; did you mean 'sshd'?"),
        ("zzz", "no jail 'zzz'; all there are: sekisho jails --all"),
        ("off", "jail 'off' is not enabled"),
        ("bad", "jail 'bad' is in error"),
    ],
)
def test_a_jail_that_cannot_be_shown(tree: Path, jail: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The nearest name, or what to do about it."""
    with (tree / "jail.local").open("a") as file:
        file.write("[bad]\nenabled = maybe\n")
    assert main(["config", "show", jail, "-c", str(tree)]) == 1
    assert words in capsys.readouterr().err


def test_a_tree_that_is_not_there_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2; one that cannot be used is 1."""
    assert main(["config", "show", "-c", "/nowhere"]) == 2
    assert "there is no configuration directory" in capsys.readouterr().err
