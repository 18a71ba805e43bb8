"""Running a program for what it prints."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from sekisho.lookup.command import Outcome, run_command


def _run(code: str, *arguments: str, seconds: float = 30, limit: int = 1000) -> Outcome:
    return asyncio.run(run_command([sys.executable, "-c", code, *arguments], seconds=seconds, limit=limit))


def test_what_a_program_prints_and_its_status_are_returned() -> None:
    """Both streams, and the exit status."""
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    assert _run(code) == Outcome(3, b"out\nerr\n")


def test_arguments_reach_the_program_as_they_are() -> None:
    """No shell looks at them."""
    assert _run("import sys; print(sys.argv[1])", "$(id) `id` ;").output == b"$(id) `id` ;\n"


def test_a_program_that_prints_without_end_is_ended() -> None:
    """Its output is cut at the limit."""
    assert _run("while True: print('x' * 99)", limit=500) == Outcome(None, (b"x" * 99 + b"\n") * 5)


def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    """After its time the whole group is gone, even where it ignores the polite signal."""
    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "os.fork()\n"
        "os.write(1, b'%d\\n' % os.getpid())\n"
        "time.sleep(600)"
    )
    outcome = _run(code, seconds=1)
    assert outcome.status is None
    pids = [int(line) for line in outcome.output.split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 10
    while any(_runs(pid) for pid in pids):  # the kernel takes the second a moment after the first
        assert time.monotonic() < deadline


def _runs(pid: int) -> bool:
    """A zombie that waits for its new parent has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_program_that_does_not_exist_is_an_error() -> None:
    """The caller says what that means."""
    with pytest.raises(FileNotFoundError):
        asyncio.run(run_command(["/nonexistent/program"], seconds=1, limit=1))
