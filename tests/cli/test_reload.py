"""`sekisho reload`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine, typo_problem
from tests.support.served import Served

from sekisho.cli.main import main
from sekisho.engine.api import Fate, JailChange, OptionChange, Reload

CHANGES = (
    JailChange("old", Fate.REMOVED, "2 bans are lifted"),
    JailChange(
        "sshd",
        Fate.CHANGED,
        options=(OptionChange("maxretry", "5", "3", "counters stay"), OptionChange("logpath", "", "x\n" * 99, "read")),
    ),
)


def test_the_difference_is_told_option_by_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What changes from what to what, and what that does; long values are cut, nothing is coloured in a pipe."""
    engine = FakeEngine(reload_changes=CHANGES, server_changes=(OptionChange("loglevel", "INFO", "DEBUG", "at once"),))
    with Served(tmp_path, engine) as served:
        assert main(["reload", "--dry-run", "-s", served.path]) == 0
    assert engine.calls == [("reload", Reload(dry_run=True))]
    assert capsys.readouterr().out.splitlines() == [
        "fail2ban.conf: loglevel INFO → DEBUG  (at once)",
        "old: removed: 2 bans are lifted",
        "sshd: maxretry 5 → 3  (counters stay)",
        f"sshd: logpath (not set) → {'x ' * 50}…  (read)",
    ]


def test_one_jail_is_reloaded_and_nothing_need_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without `--dry-run` it is done."""
    with Served(tmp_path) as served:
        assert main(["reload", "demo", "-s", served.path]) == 0
        assert served.engine.calls == [("reload", Reload("demo"))]
    assert capsys.readouterr().out == "Nothing changes.\n"


def test_mistakes_are_told_and_make_it_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An error with file and line; a jail that is kept as it was fails too; a refusal changes nothing."""
    with Served(tmp_path, FakeEngine(reload_problems=(typo_problem(),))) as served:
        main(["reload", "-s", served.path])
        assert main(["reload", "broken", "-s", served.path]) == 1
    captured = capsys.readouterr()
    assert typo_problem().text in captured.out
    assert "jail.local:3" in captured.err
    with Served(tmp_path, FakeEngine(reload_changes=(JailChange("x", Fate.KEPT, "bad rule"),))) as served:
        assert main(["reload", "-s", served.path]) == 1
    assert capsys.readouterr().out == "x: kept as it is: bad rule\n"


def test_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One document, with every value whole."""
    with Served(tmp_path, FakeEngine(reload_changes=CHANGES)) as served:
        assert main(["reload", "--dry-run", "--json", "-s", served.path]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["server"] == document["problems"] == []
    assert document["jails"][0] == {"jail": "old", "fate": "removed", "note": "2 bans are lifted", "options": []}
    assert document["jails"][1]["options"][0] == {
        "option": "maxretry",
        "old": "5",
        "new": "3",
        "effect": "counters stay",
    }


def test_a_jail_that_nobody_configured_is_met_with_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The configuration is asked, since a reload may start what does not run yet."""
    (tmp_path / "jail.local").write_text("[mine]\nenabled = true\n")
    with Served(tmp_path) as served:
        assert main(["reload", "mien", "-c", str(tmp_path), "-s", served.path]) == 1
    assert capsys.readouterr().err == "sekisho: no jail 'mien' is configured; did you mean 'mine'?\n"
