"""The short way to the socket's path never differs from the proper one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.cli.socket_path import DEFAULT, DIRECTORIES, find_socket
from sekisho.config.load import DIRECTORIES as PROPER
from sekisho.config.load import load_server

LINES = st.lists(
    st.sampled_from(
        [
            "[Definition]", "[DEFAULT]", "[Other]", "[INCLUDES]", "before = x.conf", "socket = /run/a.sock",
            "socket=/run/b.sock", "Socket = /run/c.sock", "socket: /run/d.sock", "socket = /run/%(x)s", "x = y",
            "socket = /run/e.sock ; here", "  /more", "socket =", "# socket = /run/f.sock", "syslogsocket = /dev/log",
            "", "socket = relative", "[Definition] ; x",
        ]
    ),
    max_size=6,
)  # fmt: skip


def write(directory: Path, files: dict[str, str]) -> str:
    """Make a tree."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return str(directory)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, DEFAULT),
        ({"fail2ban.local": "[Definition]\nsocket = /run/a.sock\n"}, "/run/a.sock"),
        ({"fail2ban.d/x.conf": "[DEFAULT]\nsocket=/run/a.sock\n"}, "/run/a.sock"),
        ({"fail2ban.conf": "[Definition]\nloglevel = DEBUG\n"}, DEFAULT),
        ({"fail2ban.conf": "[Definition]\nsocket = /a\n", "fail2ban.local": "[Definition]\nsocket = /b\n"}, None),
        ({"fail2ban.conf": "[INCLUDES]\nbefore = x\n"}, None),
        ({"fail2ban.conf": "[Definition]\nsocket = %(x)s/a\n"}, None),
        ({"fail2ban.conf": "[Definition]\nsocket = /a\n /b\n"}, None),
    ],
)
def test_plain_trees_are_read_at_a_glance(tmp_path: Path, files: dict[str, str], found: str | None) -> None:
    """One plain line, or none at all, is an answer; anything else is left to whoever can read it."""
    assert find_socket(write(tmp_path, files)) == found


@given(conf=LINES, local=LINES)
def test_the_short_way_never_differs(conf: list[str], local: list[str]) -> None:
    """Whatever the files say, the answer is the proper one or none."""
    with tempfile.TemporaryDirectory() as name:
        files = {"fail2ban.conf": "\n".join(conf), "fail2ban.local": "\n".join(local)}
        found = find_socket(write(Path(name), files))
        assert found in (None, load_server(Path(name)).socket)


def test_the_default_is_the_stock_one(tmp_path: Path) -> None:
    """What is repeated here for speed is what the configuration says."""
    assert load_server(tmp_path).socket == DEFAULT
    assert tuple(map(str, PROPER)) == DIRECTORIES
    assert find_socket(str(tmp_path / "none")) is None
