"""sekisho check, before trees with planted mistakes: every one is told, at its place, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support.mistakes import PLANTED, Planted, plant

from sekisho.cli import check
from sekisho.cli.demo_script import JAIL_LOCAL
from sekisho.cli.main import main


@pytest.fixture(autouse=True)
def _well_equipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the host have every program but one, so that the messages are the same on each."""
    monkeypatch.setattr(check, "_has", lambda program: program != "no-such-program")


@pytest.fixture
def told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401 - a function
    """Return a function that plants mistakes, and returns what `check` says of them."""

    def ask(planted: Sequence[Planted]) -> tuple[int, dict[str, Any]]:
        log = tmp_path / "log"
        log.write_text("nothing yet\n")
        (tmp_path / "tree").mkdir()
        plant(tmp_path / "tree", log, planted)
        status = main(["check", "--json", "-c", str(tmp_path / "tree")])
        return status, json.loads(capsys.readouterr().out)

    return ask


def place_of(problem: dict[str, Any], tree: Path) -> str:
    """Return a problem's `file:line` within the tree."""
    line = f":{problem['line']}" if problem["line"] else ""
    return f"{Path(problem['file']).relative_to(tree)}{line}"


def test_every_mistake_of_one_tree_is_told(told: Any, tmp_path: Path) -> None:  # noqa: ANN401
    """As many messages as mistakes, each at its place with its remedy; the healthy jails are ready."""
    status, document = told(PLANTED)
    assert len(PLANTED) >= 20
    assert status == 1
    found = sorted((place_of(problem, tmp_path / "tree"), problem["severity"]) for problem in document["problems"])
    assert found == sorted((each.place, each.severity) for each in PLANTED)
    assert all(problem["remedy"] for problem in document["problems"])
    assert {"sshd", "shop"} <= set(document["ready"])


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_a_mistake_alone_causes_one_message(planted: Planted, told: Any, tmp_path: Path) -> None:  # noqa: ANN401
    """No false alarms beside it; an error makes the command fail, a warning does not."""
    status, document = told([planted])
    (problem,) = document["problems"]
    assert place_of(problem, tmp_path / "tree") == planted.place
    assert planted.words in problem["text"]
    assert planted.remedy in problem["remedy"]
    assert problem["severity"] == planted.severity
    assert status == (planted.severity == "error")


def test_a_healthy_tree_causes_none(told: Any) -> None:  # noqa: ANN401
    """Neither a message nor a failure."""
    status, document = told([])
    assert (status, document["problems"], document["ready"]) == (0, [], ["sshd", "shop"])


def test_the_mail_servers_tree_causes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Six jails over the stock, with retired port names and comments in any language."""
    (tmp_path / "jail.local").write_text(JAIL_LOCAL)
    assert main(["check", "-c", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "6 jails ready: sshd, proftpd, postfix, postfix-sasl, dovecot, recidive\n"
