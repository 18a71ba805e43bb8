"""`fail2ban-server` goes into the background when it is ready, and says so when it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.lab import wait_for

from sekisho.control.client import SPEAKS
from sekisho.daemon.fail2ban_server import main

ROOT = Path(__file__).parents[2]

PLAY = """
import os, select, sys
from sekisho.daemon.fail2ban_server import start_in_background

def serve(ready):
    {body}

sys.exit(start_in_background(serve, timeout={timeout}))
"""


def background(body: str, *arguments: str, timeout: float = 10) -> subprocess.CompletedProcess[str]:
    """Put a play of a server into the background; how the caller fared."""
    code = PLAY.format(body=body, timeout=timeout)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=20
    )


def test_the_caller_goes_on_when_the_server_is_ready(tmp_path: Path) -> None:
    """The server lives in a session of its own, from the root directory, without the caller's streams."""
    gate, note = tmp_path / "gate", tmp_path / "note"
    os.mkfifo(gate)
    body = (
        "ready(); facts = [os.getcwd(), os.getsid(0) == os.getpid(), oct(os.umask(0)), "
        "[os.readlink(f'/proc/self/fd/{n}') for n in range(3)]]; "
        "open(sys.argv[1]).read(); open(sys.argv[2], 'w').write(repr(facts)); return 0"
    )
    done = background(body, str(gate), str(note))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    gate.write_text("go")
    assert wait_for(lambda: note.exists() and note.read_text(), "the server's note") == repr(
        ["/", False, "0o77", ["/dev/null"] * 3]
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("print('no such port', file=sys.stderr); return 1", "no such port\n"),
        ("raise ValueError('boom')", "fail2ban-server: ValueError: boom\n"),
        ("os._exit(0)", ""),
    ],
)
def test_a_server_that_ends_before_it_is_ready_has_failed(body: str, text: str) -> None:
    """The caller gets 255, and sees what the server had to say."""
    done = background(body)
    assert (done.returncode, done.stderr) == (255, text)


def test_a_server_that_takes_too_long_has_failed(tmp_path: Path) -> None:
    """The caller does not wait for ever."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    done = background("sys.stderr.close(); os.close(2); open(sys.argv[1]).read(); return 0", str(gate), timeout=0.2)
    assert (done.returncode, done.stderr) == (255, "fail2ban-server: not ready after 0.2 seconds; it goes on trying\n")
    gate.write_text("end")


def test_words_that_start_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Times, versions and help are answered."""
    assert main(["--str2sec", "1h"]) == 0
    assert main(["-V"]) == 0
    assert capsys.readouterr().out == f"3600\n{SPEAKS}\n"
    assert main(["-c", "/nonexistent", "start"]) == 255
    assert "no configuration directory '/nonexistent'" in capsys.readouterr().err
    assert main(["--nosuch"]) == 255


@pytest.mark.system
def test_a_life_from_start_to_stop(tmp_path: Path) -> None:
    """start, restart, reload and stop by fail2ban-client, the server in a network namespace of its own."""
    log = tmp_path / "auth.log"
    log.touch()
    (tmp_path / "jail.local").write_text(
        f"[sshd]\nenabled = true\nbackend = polling\nlogpath = {log}\naction = observe\n"
    )
    run = tmp_path / "run"
    (tmp_path / "fail2ban.local").write_text(
        f"[Definition]\nsocket = {run}/s.sock\npidfile = {run}/s.pid\n"
        f"dbfile = {tmp_path}/db\nlogtarget = {tmp_path}/log\n"
    )

    def say(*words: str) -> tuple[int, str]:
        command = ["unshare", "-n", sys.executable, "-m", "sekisho.cli.fail2ban_client", "-q", "-c", str(tmp_path)]
        done = subprocess.run([*command, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=40)
        return done.returncode, done.stdout

    try:
        assert say("start") == (0, "Server ready\n")
        assert say("start")[0] == 255
        as_client = [
            sys.executable,
            "-m",
            "sekisho.daemon.fail2ban_server",
            "-c",
            str(tmp_path),
            "get",
            "sshd",
            "maxretry",
        ]
        assert subprocess.run(as_client, cwd=ROOT, capture_output=True, text=True, check=False).stdout == "5\n"
        assert say("set", "sshd", "banip", "192.0.2.1") == (0, "1\n")
        assert say("reload") == (0, "OK\n")
        assert say("restart") == (0, "Shutdown successful\nServer ready\n")
        assert say("get", "sshd", "banned") == (0, "['192.0.2.1']\n")
        assert Path("/proc", (run / "s.pid").read_text().strip()).exists()
    finally:
        stopped = say("stop")
    assert stopped == (0, "Shutdown successful\n")
    assert not list(run.iterdir())
    assert say("ping")[0] == 255
