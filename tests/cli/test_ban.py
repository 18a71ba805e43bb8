"""`sekisho ban`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.served import Served

from sekisho.cli.main import main


def test_what_is_new_is_told_by_jail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Time and reason reach the engine; what was banned already is told apart."""
    with Served(tmp_path) as served:
        assert main(["ban", "demo", "192.0.2.1", "--for", "2h", "--reason", "a b", "-s", served.path]) == 0
        assert main(["ban", "--all", "192.0.2.1", "192.0.2.2", "-s", served.path]) == 0
        assert served.engine.calls[0] == ("ban", "demo", ("192.0.2.1",), 7200, "a b")
        assert served.engine.calls[1] == ("ban", "demo", ("192.0.2.1", "192.0.2.2"), None, "")
    assert capsys.readouterr().out == "demo: 1 banned\ndemo: 1 banned, 1 already were\nddd: 2 banned\n"


def test_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The numbers by jail."""
    with Served(tmp_path) as served:
        assert main(["ban", "demo", "192.0.2.1", "--json", "-s", served.path]) == 0
    assert json.loads(capsys.readouterr().out) == {"banned": {"demo": 1}}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["demo"], "which address? for example: demo 192.0.2.1"),
        (["demo", "192.0.2.999"], "'192.0.2.999' is no address or network"),
        (["--all", "demo"], "'demo' is no address or network"),
    ],
)
def test_what_is_no_address_is_a_usage_error(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is asked of the server."""
    assert main(["ban", *arguments, "-s", "/nonexistent/s"]) == 2
    assert text in capsys.readouterr().err


def test_what_is_no_time_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The part that was not understood is named."""
    with pytest.raises(SystemExit) as caught:
        main(["ban", "demo", "192.0.2.1", "--for", "2 fortnights"])
    assert caught.value.code == 2
    assert "fortnights" in capsys.readouterr().err


def test_the_server_may_refuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A jail that does not run is met with the nearest name."""
    with Served(tmp_path) as served:
        assert main(["ban", "demmo", "192.0.2.1", "-s", served.path]) == 1
    assert capsys.readouterr().err == "sekisho: no jail 'demmo' runs; did you mean 'demo'?\n"


def test_who_is_guarded_is_banned_by_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without it the server's reason is shown."""
    with Served(tmp_path) as served:
        assert main(["ban", "demo", "192.0.2.99", "-s", served.path]) == 1
        assert main(["ban", "demo", "192.0.2.99", "--force", "-s", served.path]) == 0
    shown = capsys.readouterr()
    assert (shown.err, shown.out) == ("sekisho: 192.0.2.99 is guarded\n", "demo: 1 banned\n")


def test_an_address_without_a_jail_asks_for_the_jail(capsys: pytest.CaptureFixture[str]) -> None:
    """The two ways to say where are shown with the address that was meant."""
    assert main(["ban", "192.0.2.1"]) == 2
    assert capsys.readouterr().err == "sekisho: in which jail? for example: sshd 192.0.2.1, or --all 192.0.2.1\n"
