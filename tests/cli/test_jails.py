"""`sekisho jails`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine, demo_jail, typo_problem
from tests.support.served import Served

from sekisho.cli.main import main
from sekisho.model.specs import LogPath


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A configuration: a jail that can run, one in error, one that is off."""
    (tmp_path / "auth.log").write_text("")
    (tmp_path / "jail.conf").write_text("[DEFAULT]\nbanaction =\naction =\n")
    (tmp_path / "jail.local").write_text(
        f"[sshd]\nenabled = true\nlogpath = {tmp_path}/auth.log\nbantime = 1h\nfindtime = 10m\nmaxretry = 3\n"
        "filter = sshd\n"
        f"[web]\nenabled = true\nfilter = sshdd\nlogpath = {tmp_path}/auth.log\n"
        "[quiet]\nenabled = false\nfilter = sshd\nlogpath = /x\n"
    )
    return tmp_path


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was printed, without the blanks of columns."""
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_without_a_server_the_configuration_speaks(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which jails would run, which cannot and why, how many are off; and that nobody was there to ask."""
    assert main(["jails", "-c", str(tree), "-s", "/nonexistent/s"]) == 1
    first, _, ready, error, why, rest = lines(capsys)
    assert first.startswith("no server answers at /nonexistent/s;")
    assert first.endswith("; this is what the configuration says")
    assert ready == f"sshd ready 3 in 10m: 1h sshd {tree}/auth.log"
    assert error == "web in error"
    assert why == f"web: {tree}/jail.local:10: there is no filter 'sshdd' (did you mean 'sshd'?)"
    assert rest == "1 more is configured, and off: --all"


def test_all_shows_what_is_off(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For programs, too."""
    main(["jails", "--all", "--json", "-c", str(tree), "-s", "/nonexistent/s"])
    jails = json.loads(capsys.readouterr().out)["jails"]
    assert [(jail["name"], jail["state"]) for jail in jails] == [
        ("sshd", "ready"),
        ("web", "in error"),
        ("quiet", "off"),
    ]
    assert (jails[0]["findtime"], jails[0]["failed"]) == (600, None)


def test_a_server_tells_how_jails_stand(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts, what is ill, what was enabled since, and the mistake that keeps a jail from running."""
    engine = FakeEngine(problems=(typo_problem(),), health={"demo": ("its action hangs",)})
    with Served(tmp_path, engine) as served:
        assert main(["jails", "-c", str(tree), "-s", served.path]) == 1
    assert lines(capsys) == [
        "JAIL STATE FAILED BANNED LIMITS FILTER ACTIONS READS",
        "ddd running 2 0 3 in 1h 30m: 1h demo note /var/log/demo.log",
        "demo unwell 2 0 3 in 1h 30m: 1h demo note /var/log/demo.log",
        "web in error",
        f"sshd not loaded 3 in 10m: 1h sshd {tree}/auth.log",
        "demo: its action hangs",
        "web: jail.local:7: filter 'sshdd' not found (did you mean sshd?)",
        "sshd: enabled since the server last read it: sekisho reload",
        "1 more is configured, and off: --all",
    ]


@pytest.mark.parametrize(
    ("files", "health", "state"),
    [
        ((), (), "waiting"),
        (("/a",), ("Log file /a does not exist; waiting for it",), "waiting"),
        (("/a", "/b"), ("Log file /a does not exist; waiting for it",), "unwell"),
        (("/a",), (), "running"),
    ],
)
def test_a_jail_waits_when_none_of_its_logs_is_there(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    files: tuple[str, ...], health: tuple[str, ...], state: str,
) -> None:  # fmt: skip
    """A pattern that matches nothing, or files that are all absent; one of several is only a remark."""
    engine = FakeEngine(specs={"demo": demo_jail(logpaths=(LogPath("/var/log/none.log"),))})
    status = replace(engine.jail_status("demo"), files=files, health=health)
    monkeypatch.setattr(engine, "jail_status", lambda _: status)
    with Served(tmp_path, engine) as served:
        main(["jails", "--json", "-c", str(tree), "-s", served.path])
    jail = json.loads(capsys.readouterr().out)["jails"][0]
    assert (jail["state"], jail["reads"]) == (state, list(files) or ["/var/log/none.log"])


def test_nothing_to_look_at_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a server nor a configuration."""
    assert main(["jails", "-c", "/nonexistent", "-s", "/nonexistent/s"]) == 1
    assert "no configuration directory '/nonexistent'" in capsys.readouterr().err
