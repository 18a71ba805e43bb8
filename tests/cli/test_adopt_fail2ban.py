"""The installed Fail2ban is asked by its own programs, and ours are not taken for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.cli.adopt_fail2ban import NoFail2ban, find_program, read_stream


def program(path: Path, says: str) -> Path:
    """Write a program that says one thing, whatever it is asked."""
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_our_own_program_is_not_fail2ban_s(tmp_path: Path) -> None:
    """It calls itself so, since scripts ask; the words in brackets tell."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    program(tmp_path / "a" / "fail2ban-client", "Fail2Ban v1.1.0 (Sekisho v0.1.0)")
    with pytest.raises(NoFail2ban, match="no fail2ban-client of Fail2ban's own"):
        find_program("fail2ban-client", [tmp_path / "a", tmp_path / "b"])
    theirs = program(tmp_path / "b" / "fail2ban-client", "Fail2Ban v1.0.2")
    assert find_program("fail2ban-client", [tmp_path / "a", tmp_path / "b"]) == theirs
    program(tmp_path / "a" / "fail2ban-regex", "fail2ban-regex 0.1.0")
    with pytest.raises(NoFail2ban, match="no fail2ban-regex"):
        find_program("fail2ban-regex", [tmp_path / "a", tmp_path / "b"])


def test_a_program_that_does_not_run_is_none(tmp_path: Path) -> None:
    """One that the system cannot start is told by name."""
    (tmp_path / "fail2ban-client").write_text("no program")
    with pytest.raises(NoFail2ban, match="fail2ban-client"):
        find_program("fail2ban-client", [tmp_path])


@pytest.mark.system(needs=("fail2ban-client",))
def test_what_fail2ban_makes_of_a_tree(tmp_path: Path) -> None:
    """The commands of its own client; a tree that it does not understand is told with its last word."""
    (tmp_path / "fail2ban.conf").write_text("[Definition]\nloglevel = INFO\n")
    (tmp_path / "jail.conf").write_text("[demo]\nenabled = true\nbackend = polling\nfilter =\nmaxretry = 7\n")
    assert ["set", "demo", "maxretry", 7] in read_stream(tmp_path)
    (tmp_path / "jail.conf").write_text("[demo]\nenabled = true\nenabled = true\n")
    with pytest.raises(NoFail2ban, match="does not understand the tree"):
        read_stream(tmp_path)
