"""`sekisho status --counters`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.served import Served

from sekisho.cli.counters import render_size
from sekisho.cli.main import main
from sekisho.control.client import ask

pytestmark = pytest.mark.usefixtures("utc")  # times are shown in the local zone


def test_every_jail_and_the_sum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What all bans have stopped, then a line a jail, then who does not count."""
    with Served(tmp_path) as served:
        ask(served.path, ["set", "demo", "banip", "192.0.2.1"])
        assert main(["status", "--counters", "-s", served.path]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "All standing bans: dropped 4,312 packets (310 KiB)",
        "JAIL  BANNED  PACKETS    BYTES",
        "ddd        0        0      0 B",
        "demo       1    4,312  310 KiB",
        "Action 'note' of jail 'ddd' is not counted: it counts no packets",
        "Action 'note' of jail 'demo' is not counted: it counts no packets",
    ]


def test_each_ban_of_a_jail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who was stopped most comes first."""
    with Served(tmp_path) as served:
        ask(served.path, ["ban", "demo", "192.0.2.2", "--for", "60"])
        ask(served.path, ["ban", "demo", "192.0.2.1", "--for", "-1"])
        assert main(["status", "demo", "--counters", "-s", served.path]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Jail demo, standing bans: dropped 4,312 packets (310 KiB)",
        "ADDRESS    SINCE                UNTIL                PACKETS  BYTES",
        "192.0.2.2  2026-07-14 12:00:00  2026-07-14 12:01:00        7  420 B",
        "192.0.2.1  2026-07-14 12:00:00  for ever                   0    0 B",
        "Action 'note' of jail 'demo' is not counted: it counts no packets",
    ]


def test_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same numbers, unrounded."""
    with Served(tmp_path) as served:
        ask(served.path, ["set", "demo", "banip", "192.0.2.1"])
        assert main(["status", "--counters", "--json", "-s", served.path]) == 0
        assert [jail["bytes"] for jail in json.loads(capsys.readouterr().out)["jails"]] == [0, 317_440]
        assert main(["status", "demo", "--counters", "--json", "-s", served.path]) == 0
        assert json.loads(capsys.readouterr().out)["bans"][0]["packets"] == 7


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (317_440, "310 KiB"),
        (5 << 20, "5.0 MiB"),
        (1 << 43, "8.0 TiB"),
    ],
)
def test_sizes_are_told_in_a_unit_that_fits(octets: int, text: str) -> None:
    """Bytes as bytes, and larger ones in binary units with what matters of them."""
    assert render_size(octets) == text
