"""The child is asked for the right journal, and ends when it should."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.sources.journals import Journal

from sekisho.model.position import JournalPosition
from sekisho.sources.journalctl import from_where, running, which_journal


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, ["--system", "--merge"]),
        ({"journalflags": "1"}, []),
        ({"journalflags": "5"}, ["--system"]),
        ({"journalflags": "8"}, ["--user", "--merge"]),
        ({"journalflags": "2"}, ["--directory=/run/log/journal", "--merge"]),
        ({"journalpath": "/j"}, ["--directory=/j", "--merge"]),
        ({"journalpath": "/j", "journalflags": "4"}, ["--directory=/j", "--system", "--merge"]),
        ({"journalfiles": "/a.journal, /b*.journal"}, ["--file=/a.journal", "--file=/b*.journal", "--merge"]),
        ({"namespace": "mail"}, ["--namespace=mail", "--system", "--merge"]),
    ],
)
def test_options_name_the_journal(
    options: dict[str, str], arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bracket arguments of `backend = systemd[...]` as journalctl knows them."""
    monkeypatch.delenv("F2B_SYSTEMD_DEFAULT_FLAGS", raising=False)
    assert which_journal(options) == arguments


def test_the_environment_sets_the_default_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """F2B_SYSTEMD_DEFAULT_FLAGS counts where the configuration says nothing."""
    monkeypatch.setenv("F2B_SYSTEMD_DEFAULT_FLAGS", "1")
    assert which_journal({}) == []
    assert which_journal({"journalflags": "4"}) == ["--system", "--merge"]


def test_flags_that_are_no_number_are_a_mistake() -> None:
    """The message says what was expected."""
    with pytest.raises(ValueError, match="journalflags 'all': expected a number"):
        which_journal({"journalflags": "all"})


def test_reading_begins_at_a_cursor_a_time_or_the_beginning() -> None:
    """Whatever is known best."""
    assert from_where(JournalPosition("s=1", 2.5), 1.0) == ["--cursor=s=1"]
    assert from_where(JournalPosition("", 2.5), 1.0) == ["--since=@2.500000"]
    assert from_where(None, 1.0) == ["--since=@1.000000"]
    assert from_where(None, 0.0) == from_where(None, None) == []


def test_a_child_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing waits for a gentle end, and not for ever."""
    monkeypatch.setattr("sekisho.sources.journalctl._PATIENCE", 0.1)
    stubborn = tmp_path / "journalctl"
    stubborn.write_text("#!/bin/sh\ntrap '' TERM\necho $$\nwhile :; do read -r line < /dev/zero; done\n")
    stubborn.chmod(0o755)

    async def scene() -> None:
        async with running(str(stubborn), []) as child:
            pid = int(await child.read())
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    asyncio.run(asyncio.wait_for(scene(), 20))


def test_what_it_complains_about_is_kept(tmp_path: Path) -> None:
    """The end of a long complaint, and the exit status."""
    failing = tmp_path / "journalctl"
    failing.write_text("#!/bin/sh\nyes noise | head -c 100000 >&2\necho 'the reason' >&2\nexit 3\n")
    failing.chmod(0o755)

    async def scene() -> None:
        async with running(str(failing), []) as child:
            assert await child.read() == b""
            status, words = await child.outcome()
        assert status == 3
        assert words.endswith("the reason")
        assert len(words) <= 500

    asyncio.run(asyncio.wait_for(scene(), 20))


FOLLOWER = """
import asyncio, sys
from sekisho.sources.journalctl import running
async def follow():
    async with running("journalctl", [f"--directory={sys.argv[1]}", "--merge", "--follow", "--no-tail"]) as child:
        print(child._process.pid, flush=True)
        while await child.read():
            pass
asyncio.run(follow())
"""


@pytest.mark.system(needs=("journalctl",))
def test_no_child_outlives_a_parent_that_was_killed(journal: Journal) -> None:
    """After kill -9 of the daemon, a journalctl that follows a silent journal ends by itself."""
    journal.write("sshd", "hello")
    with subprocess.Popen([sys.executable, "-c", FOLLOWER, str(journal.directory)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while running_still(child):
        assert time.monotonic() < deadline, f"journalctl {child} is still there"
        os.sched_yield()


def running_still(pid: int) -> bool:
    """Tell whether the process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
