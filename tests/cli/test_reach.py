"""How our commands tell that the server could not be reached."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from tests.support.served import Served

from sekisho.cli.reach import reach
from sekisho.control.client import ControlError


def where(**options: str | None) -> argparse.Namespace:
    """The options that say where the server is."""
    return argparse.Namespace(**{"config": None, "socket": None, **options})


def test_the_socket_is_the_one_that_the_configuration_names(tmp_path: Path) -> None:
    """With only a directory, fail2ban.conf there says where the server is."""
    with Served(tmp_path) as served:
        (tmp_path / "fail2ban.local").write_text(f"[Definition]\nsocket = {served.path}\n")
        assert reach(where(config=str(tmp_path)), ["ping"]) == "pong"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"config": "/nonexistent"}, "no configuration directory '/nonexistent'"),
        ({"socket": "/nonexistent/s"}, "no server answers at /nonexistent/s; start it: systemctl start sekisho"),
    ],
)
def test_what_to_do_next_is_said(options: dict[str, str], text: str) -> None:
    """A message names the thing and the next step."""
    with pytest.raises(ControlError, match=text):
        reach(where(**options), ["ping"])


@pytest.mark.parametrize(("jail", "hint"), [("dem", "did you mean 'demo'?"), ("xyz", "there are: ddd, demo")])
def test_the_nearest_jail_is_offered(tmp_path: Path, jail: str, hint: str) -> None:
    """A slip of the finger costs one look, not a search."""
    with Served(tmp_path) as served, pytest.raises(ControlError) as caught:
        reach(where(socket=served.path), ["overview", jail])
    assert str(caught.value).endswith(hint)
