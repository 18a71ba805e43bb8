"""`sekisho status`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine, typo_problem
from tests.support.served import Served

from sekisho.cli.main import main
from sekisho.control.client import ask

pytestmark = pytest.mark.usefixtures("utc")  # times are shown in the local zone


def test_all_jails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a jail, then the configuration's problems with file, line and remedy."""
    engine = FakeEngine(problems=(typo_problem(),), health={"demo": ("no log",)})
    with Served(tmp_path, engine) as served:
        ask(served.path, ["set", "demo", "banip", "192.0.2.1"])
        assert main(["status", "-s", served.path]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Sekisho 0.1.0, started 2026-07-14 12:00:00: 2 jails, 1 banned",
        "JAIL  FAILED  IN ALL  BANNED  EVER  READS    HEALTH",
        "ddd        2       7       0     0  polling  well",
        "demo       2       7       1     1  polling  no log",
        "error: jail.local:7: jail 'web': filter 'sshdd' not found (did you mean sshd?)",
    ]


def test_how_much_of_an_address_a_jail_bans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told where it is not the whole address."""
    with Served(tmp_path) as served:
        ask(served.path, ["set", "demo", "ipv6_prefix", "64"])
        assert main(["status", "demo", "-s", served.path]) == 0
    assert "  bans     3 failures within 1h 30m: for 1h, IPv6 by /64\n" in capsys.readouterr().out


def test_one_jail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it reads, how it stands, and each ban with its end and its reason."""
    with Served(tmp_path) as served:
        ask(served.path, ["ban", "demo", "192.0.2.1", "--for", "60", "--reason", "ticket 1"])
        ask(served.path, ["ban", "demo", "192.0.2.2", "--for", "-1"])
        assert main(["status", "demo", "-s", served.path]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Jail demo (polling)",
        "  reads    /var/log/demo.log",
        "  filter   demo",
        "  bans     3 failures within 1h 30m: for 1h",
        "  actions  note",
        "  failed   2 now, 7 in all",
        "  banned   2 now, 2 in all",
        "  health   well",
        "ADDRESS    SINCE                UNTIL                FAILURES  TIMES  WHY",
        "192.0.2.1  2026-07-14 12:00:00  2026-07-14 12:01:00         0      1  by hand: ticket 1",
        "192.0.2.2  2026-07-14 12:00:00  for ever                    0      1  by hand",
    ]


def test_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One document, of the server or of the jail that was named."""
    with Served(tmp_path) as served:
        assert main(["status", "--json", "-s", served.path]) == 0
        assert [jail["name"] for jail in json.loads(capsys.readouterr().out)["jails"]] == ["ddd", "demo"]
        assert main(["status", "demo", "--json", "-s", served.path]) == 0
        assert json.loads(capsys.readouterr().out)["name"] == "demo"


def test_no_server(capsys: pytest.CaptureFixture[str]) -> None:
    """The exit status is 1, and the message says what to do."""
    assert main(["status", "-s", "/nonexistent/s"]) == 1
    assert "systemctl start sekisho" in capsys.readouterr().err


def test_one_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In which jails it is barred, itself or by a network around it, until when and why."""
    with Served(tmp_path) as served:
        ask(served.path, ["ban", "demo", "192.0.2.1", "--for", "60", "--reason", "ticket 1"])
        ask(served.path, ["ban", "ddd", "192.0.2.0/24", "--for", "-1"])
        ask(served.path, ["ban", "ddd", "198.51.100.1"])
        assert main(["status", "192.0.2.1", "-s", served.path]) == 0
        assert capsys.readouterr().out.splitlines() == [
            "JAIL  ADDRESS       SINCE                UNTIL                FAILURES  TIMES  WHY",
            "ddd   192.0.2.0/24  2026-07-14 12:00:00  for ever                    0      1  by hand",
            "demo  192.0.2.1     2026-07-14 12:00:00  2026-07-14 12:01:00         0      1  by hand: ticket 1",
        ]
        assert main(["status", "2001:db8::1", "-s", served.path]) == 1
        assert capsys.readouterr().out == "2001:db8::1 is barred in no jail\n"
        assert main(["status", "198.51.100.1", "--json", "-s", served.path]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["address"], [ban["jail"] for ban in found["bans"]]) == ("198.51.100.1", ["ddd"])
    assert main(["status", "192.0.2.256"]) == 2
    assert "256 is more than 255" in capsys.readouterr().err


def test_a_terminal_is_not_flooded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows the bans that end first, how many more there are, and times as a person counts them; --all shows all."""
    with Served(tmp_path) as served:
        ask(served.path, ["ban", "demo", *(f"192.0.2.{number}" for number in range(1, 31)), "--for", "-1"])
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdout.isatty", lambda: True, raising=False)
            assert main(["status", "demo", "-s", served.path]) == 0
            few = capsys.readouterr().out
            assert main(["status", "demo", "--all", "-s", served.path]) == 0
            every = capsys.readouterr().out
        assert main(["status", "demo", "-s", served.path]) == 0
        piped = capsys.readouterr().out
    assert ("192.0.2.20 " in few, "192.0.2.21 " in few, "... and 10 more: --all" in few) == (True, False, True)
    assert "ago" in few or "in " in few
    assert ("192.0.2.30 " in every, "more: --all" in every) == (True, False)
    assert ("192.0.2.30 " in piped, "2026-07-14 12:00:00" in piped) == (True, True)
