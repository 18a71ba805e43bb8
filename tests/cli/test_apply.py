"""`sekisho apply`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine
from tests.support.served import Served

from sekisho.cli import apply
from sekisho.cli.main import main
from sekisho.engine.api import Fate, JailChange, TrialStatus

CHANGES = (JailChange("web", Fate.ADDED, "it begins"),)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other side of a terminal at which the command sits."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, encoding="utf-8") as keyboard:
        monkeypatch.setattr("sys.stdin", keyboard)
        yield ours
    os.close(ours)


def test_without_a_terminal_it_tells_how_to_confirm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What changes is shown as `reload` shows it; a second trial is refused."""
    with Served(tmp_path, FakeEngine(reload_changes=CHANGES)) as served:
        assert main(["apply", "--confirm", "2m", "-s", served.path]) == 0
        assert main(["apply", "--confirm", "2m", "-s", served.path]) == 1
        assert served.engine.calls == [("apply", 120)]
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "web: added: it begins",
        "On trial: to keep it, say `sekisho confirm` within 120 s; else it is taken back.",
    ]
    assert shown.err == "sekisho: A configuration is on trial already\n"


def test_enter_confirms(tmp_path: Path, terminal: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever sees the screen can still reach it."""
    os.write(terminal, b"\n")
    with Served(tmp_path) as served:
        assert main(["apply", "--confirm", "120", "-s", served.path]) == 0
        assert served.engine.tried == TrialStatus()
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "On trial: press Enter to keep it, or say `sekisho confirm`; in 120 s it is taken back.",
        "Confirmed: the new configuration stays.",
    ]


@pytest.mark.parametrize(
    ("tried", "status", "text"),
    [
        (TrialStatus(), 0, "Confirmed elsewhere: the new configuration stays."),
        (TrialStatus(rolled_back=1.0), 1, "Not confirmed: what ran before is put in force again."),
        (TrialStatus(until=1.0), 1, "Not confirmed: what ran before is put in force again."),
    ],
)
def test_when_the_time_is_over_it_says_what_became_of_it(
    tried: TrialStatus,
    status: int,
    text: str,
    tmp_path: Path,
    terminal: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It may have been confirmed by another hand."""
    engine = FakeEngine()

    def nobody_enters(_: float) -> bool:
        engine.tried = tried
        return False

    monkeypatch.setattr(apply, "_is_entered", nobody_enters)
    with Served(tmp_path, engine) as served:
        assert main(["apply", "--confirm", "120", "-s", served.path]) == status
    assert text in capsys.readouterr().out


def test_a_terminal_that_is_gone_confirms_nothing(terminal: int, tmp_path: Path) -> None:
    """The end of the input is no Enter, and neither is silence."""
    assert apply._is_entered(0.0) is False
    os.write(terminal, b"\x04")
    with Served(tmp_path) as served:
        main(["apply", "--confirm", "120", "-s", served.path])
        assert served.engine.tried.until is not None


def test_for_programs(tmp_path: Path, terminal: int, capsys: pytest.CaptureFixture[str]) -> None:
    """One document, as from `reload`; nobody waits."""
    with Served(tmp_path) as served:
        assert main(["apply", "--confirm", "120", "--json", "-s", served.path]) == 0
    assert json.loads(capsys.readouterr().out) == {"jails": [], "server": [], "problems": []}


def test_a_time_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Without one, or with what is none, it is misuse."""
    for words in (["apply"], ["apply", "--confirm", "2 fortnights"]):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 2
    assert "fortnights" in capsys.readouterr().err
