"""`sekisho unban`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.served import Served

from sekisho.cli.main import main
from sekisho.control.client import ask
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Ban


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
        assert "192.0.2.1 is not banned in jail 'demo'" in capsys.readouterr().err
        assert main(["unban", "--all", "192.0.2.1", "-s", served.path]) == 1
        assert "not banned in any jail" in capsys.readouterr().err
    assert main(["unban", "demo"]) == 2
    assert main(["unban", "demo", "192.0.2.1", "-s", "/nonexistent/s"]) == 1


def test_where_else_an_address_is_barred_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who is not banned here may be in another jail, or by a network that covers it; what could be lifted is."""
    with Served(tmp_path) as served:
        ask(served.path, ["ban", "ddd", "192.0.2.1", "198.51.100.0/24"])
        ask(served.path, ["ban", "demo", "203.0.113.9"])
        assert main(["unban", "demo", "192.0.2.1", "198.51.100.7", "203.0.113.9", "-s", served.path]) == 1
        captured = capsys.readouterr()
        assert captured.out == "demo: 203.0.113.9 unbanned\n"
        assert captured.err.splitlines() == [
            "sekisho: 192.0.2.1 is not banned in jail 'demo'; it is in ddd",
            "sekisho: 198.51.100.7 is not banned in jail 'demo'; the network 198.51.100.0/24 in jail 'ddd' covers it",
        ]
        assert main(["unban", "demo", "192.0.2.1", "--json", "-s", served.path]) == 1
        found = json.loads(capsys.readouterr().out)
        assert (found["unbanned"], [ban["jail"] for ban in found["absent"]["192.0.2.1"]]) == ([], ["ddd"])


def test_a_prefix_around_the_address_is_lifted_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a machine barred as a whole is told as what it is, and nobody is missing."""
    prefix = parse_subject("2001:db8:bad::/64")
    with Served(tmp_path) as served:
        served.engine.bans["demo"] = {prefix.text: Ban("demo", prefix, 1000, -1, failures=3)}
        assert main(["unban", "demo", "2001:db8:bad::7", "-s", served.path]) == 0
    assert capsys.readouterr().out == "demo: 2001:db8:bad::/64 unbanned\n"
