"""`sekisho doctor`, over findings that a test makes up; tests/system/test_doctor.py has a real host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.served import Served

from sekisho.cli import doctor
from sekisho.cli.diagnosis import Finding, Level
from sekisho.cli.main import main

WELL = Finding(Level.OK, "all is well")
DOUBT = Finding(Level.WARNING, "jail 'sshd' bars port 22, where nobody listens", "set port =")
ILL = Finding(Level.ERROR, "nft is not installed", "install the package nftables")


def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *findings: Finding, words: tuple[str, ...] = ()) -> int:
    """Call the doctor over an empty tree and these findings; the exit status."""
    monkeypatch.setattr(doctor, "examine", lambda _: iter(findings))
    with Served(tmp_path) as served:
        return main(["doctor", "-c", str(tmp_path), "-s", served.path, *words])


def test_findings_are_printed_with_their_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line each; a warning is no failure."""
    assert call(tmp_path, monkeypatch, WELL, DOUBT) == 0
    assert capsys.readouterr().out.splitlines() == [
        "OK       all is well",
        "WARNING  jail 'sshd' bars port 22, where nobody listens (set port =)",
        "OK       the daemon answers",
    ]


def test_an_error_is_the_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And it is in the document for programs."""
    assert call(tmp_path, monkeypatch, WELL, ILL, words=("--json",)) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [each["level"] for each in found] == ["OK", "ERROR", "OK"]
    assert found[1] == {"level": "ERROR", "what": ILL.what, "remedy": ILL.remedy}


def test_without_a_daemon_the_rest_is_examined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """That it does not answer is the last finding; a tree that is not there is a mistake of the user's."""
    monkeypatch.setattr(doctor, "examine", lambda _: iter([WELL]))
    assert main(["doctor", "-c", str(tmp_path), "-s", str(tmp_path / "none")]) == 1
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["OK", "ERROR"]
    assert main(["doctor", "-c", str(tmp_path / "none")]) == 2
