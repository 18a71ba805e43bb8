"""What `fail2ban-client` does without a server."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sekisho.cli import offline
from sekisho.cli.fail2ban_client import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Carry out a command line: the exit status, standard output and standard error."""
    status = main(arguments)
    return status, *capsys.readouterr()


def test_a_remark_has_the_format_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts that read Fail2ban's remarks can read ours."""
    offline.complain("ERROR", "no such thing")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} fail2ban {16}\[\d+\]: ERROR   no such thing\n",
        capsys.readouterr().err,
    )


def test_the_test_of_a_tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A good tree is OK; a mistake is named with its file and line, and the command after -t does not run."""
    jail = tmp_path / "jail.local"
    jail.write_text("[sshd]\nenabled = true\nbackend = polling\nlogpath = /dev/null\naction = observe\n")
    assert run(capsys, "-c", str(tmp_path), "-t")[:2] == (0, "OK: configuration test is successful\n")
    jail.write_text("[sshd]\nenabled = true port = ssh\n")
    status, out, err = run(capsys, "-c", str(tmp_path), "-t", "start")
    assert (status, out) == (255, "ERROR: test configuration failed\n")
    assert re.search(r"ERROR +.*jail\.local:2", err)


def test_the_dump_is_the_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One command a line that Python can read; `--dp` lays the same out for reading."""
    (tmp_path / "jail.local").write_text("[sshd]\nenabled = true\nbackend = systemd\nmaxretry = 7\n")
    status, out, _ = run(capsys, "-c", str(tmp_path), "-d")
    assert (status, "['set', 'sshd', 'maxretry', 7]" in out.splitlines()) == (0, True)
    commands = [ast.literal_eval(line) for line in out.splitlines()]
    status, pretty, _ = run(capsys, "-c", str(tmp_path), "--dp")
    laid_out = [ast.literal_eval("[" + command) for command in pretty.removeprefix("[").split("\n[")]
    assert (status, laid_out) == (0, commands)
