"""`sekisho unban`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.served import Served

from sekisho.cli.main import main
from sekisho.control.client import ask


def test_what_was_lifted_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each ban with its jail; a network lifts its members everywhere."""
    with Served(tmp_path) as served:
        for jail in ("demo", "ddd"):
            ask(served.path, ["set", jail, "banip", "192.0.2.1", "192.0.2.2"])
        assert main(["unban", "demo", "192.0.2.1", "-s", served.path]) == 0
        assert main(["unban", "--all", "192.0.2.0/30", "--json", "-s", served.path]) == 0
    first, _, document = capsys.readouterr().out.partition("\n")
    assert first == "demo: 192.0.2.1 unbanned"
    lifted = {(ban["jail"], ban["address"]) for ban in json.loads(document)["unbanned"]}
    assert lifted == {("demo", "192.0.2.2"), ("ddd", "192.0.2.1"), ("ddd", "192.0.2.2")}


def test_nothing_to_lift_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever unbans an address that is not banned should know."""
    with Served(tmp_path) as served:
        assert main(["unban", "demo", "192.0.2.1", "-s", served.path]) == 1
        assert "not banned in jail 'demo': 192.0.2.1" in capsys.readouterr().err
        assert main(["unban", "--all", "192.0.2.1", "-s", served.path]) == 1
        assert "not banned in any jail" in capsys.readouterr().err
    assert main(["unban", "demo"]) == 2
    assert main(["unban", "demo", "192.0.2.1", "-s", "/nonexistent/s"]) == 1
