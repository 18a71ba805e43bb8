"""One daemon at a time, and no other program's pid file is harmed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sekisho.daemon.pid_file import AlreadyRunning, locked, written


def test_who_holds_the_lock_is_alone(tmp_path: Path) -> None:
    """A second is refused while the first holds it, and comes in afterwards; the file is gone in the end."""
    path = tmp_path / "run" / "s.pid"
    with locked(path) as lock, written(lock, path):
        assert path.read_text() == f"{os.getpid()}\n"
        with pytest.raises(AlreadyRunning, match="Server already running"), locked(path):
            pass
    with locked(path):
        pass
    assert not path.exists()


def test_another_program_s_pid_file_is_left_as_it_is(tmp_path: Path) -> None:
    """A running Fail2ban may have named the same file; holding its lock changes nothing in it."""
    path = tmp_path / "fail2ban.pid"
    path.write_text("4711\n")
    with locked(path):
        pass
    assert path.read_text() == "4711\n"
