"""The unit is written with this installation's paths, and nobody else's unit is overwritten."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from sekisho.cli import service
from sekisho.cli.completion import PROGRAMS
from sekisho.cli.main import VERBS


def play(*words: str) -> int:
    """Run `sekisho service WORDS`."""
    parser = argparse.ArgumentParser()
    service.add_arguments(parser)
    return service.run(parser.parse_args(words, argparse.Namespace(verbs=VERBS)))


def test_a_dry_run_prints_the_unit_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What would be installed is shown: the unit whole, the other files by name, as comments that leave it a unit."""
    assert play("install", "--dry-run", "--root", str(tmp_path)) == 0

    out = capsys.readouterr().out
    assert "\nExecStart=" in out
    assert f"\n# also: {tmp_path}/usr/local/share/man/man1/sekisho.1\n" in out
    assert list(tmp_path.iterdir()) == []


def test_install_writes_and_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The unit lies where systemd looks, and the next two commands are on the screen; twice is as good as once."""
    assert play("install", "--root", str(tmp_path)) == 0
    assert play("install", "--root", str(tmp_path)) == 0

    unit = tmp_path / service.UNIT
    assert f"ExecStart={service.find_programs()}/sekisho run\n" in unit.read_text()
    assert unit.stat().st_mode & 0o777 == 0o644
    assert capsys.readouterr().out.endswith("  systemctl daemon-reload\n  systemctl enable --now sekisho\n")


def test_a_foreign_unit_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A unit of that name that an administrator wrote is not overwritten."""
    unit = tmp_path / service.UNIT
    unit.parent.mkdir(parents=True)
    unit.write_text("[Unit]\nDescription=mine\n")

    assert play("install", "--root", str(tmp_path)) == 1

    assert unit.read_text() == "[Unit]\nDescription=mine\n"
    assert "not ours" in capsys.readouterr().err


def test_a_unit_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the file."""
    (tmp_path / "etc").write_text("a file where a directory should be")

    assert play("install", "--root", str(tmp_path)) == 1

    assert f"cannot write {tmp_path}" in capsys.readouterr().err


def test_another_directory_reaches_daemon_and_client() -> None:
    """Both commands of the unit use the configuration directory that was asked for, quoted as systemd reads it."""
    unit = service.render_unit(Path("/opt/my $tools/100%"), conf="/srv/my conf")

    assert 'ExecStart="/opt/my $$tools/100%%/sekisho" run -c "/srv/my conf"\n' in unit
    assert 'ExecReload="/opt/my $$tools/100%%/fail2ban-client" -c "/srv/my conf" reload\n' in unit


def test_pages_and_completion_lie_where_they_are_looked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Below /usr/local, where packages write nothing; the other programs' completion is the same file."""
    assert play("install", "--root", str(tmp_path)) == 0
    first = capsys.readouterr().out
    assert play("install", "--root", str(tmp_path)) == 0
    assert capsys.readouterr().out == first

    share = tmp_path / "usr/local/share"
    assert {path.name for path in (share / "man/man1").iterdir()} == {f"{name}.1" for name in PROGRAMS}
    scripts = share / "bash-completion/completions"
    assert (scripts / "fail2ban-client").read_text() == (scripts / "sekisho").read_text()
    assert (share / "zsh/site-functions/_sekisho").read_text().startswith("#compdef sekisho fail2ban-client")
    assert (tmp_path / "etc/fish/completions/fail2ban-regex.fish").exists()
    assert f"wrote {scripts}/sekisho\n" in first


def test_what_others_brought_stays_and_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fail2ban's own page stays in charge, and a completion that somebody wrote is not overwritten."""
    page = tmp_path / "usr/share/man/man1/fail2ban-client.1.gz"
    script = tmp_path / "usr/local/share/bash-completion/completions/fail2ban-client"
    for path in (page, script):
        path.parent.mkdir(parents=True)
        path.write_text("mine")

    assert play("install", "--root", str(tmp_path)) == 0

    assert not (tmp_path / "usr/local/share/man/man1/fail2ban-client.1").exists()
    assert script.read_text() == "mine"
    out = capsys.readouterr().out
    assert (f"left alone: {page}\n" in out, f"left alone: {script}\n" in out) == (True, True)
    assert f"# also: {page}" not in out
