"""`fail2ban-client`: its words, its texts, its two exit statuses."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine, typo_problem
from tests.support.served import Served

from sekisho import __version__
from sekisho.cli.fail2ban_client import main
from sekisho.control.client import SPEAKS

STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} fail2ban {16}\[\d+\]: ", re.MULTILINE)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Carry out a command line: the exit status, standard output, and standard error without its stamps."""

    def carry_out(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        captured = capsys.readouterr()
        return status, captured.out, STAMP.sub("", captured.err)

    return carry_out


def test_words_that_need_no_server(run: Run) -> None:
    """Times and versions are answered by the client alone."""
    assert run("--str2sec", "1d12h") == (0, "129600\n", "")
    assert run("--str2sec", "1y-6mo") == (0, "15778800.0\n", "")
    assert run("-V") == (0, f"{SPEAKS}\n", "")
    assert run("--version") == (0, f"Fail2Ban v{SPEAKS} (Sekisho v{__version__})\n", "")
    status, out, _ = run("-h")
    assert status == 0
    assert "set <JAIL> unbanip [--report-absent] <IP>..." in out
    assert run("help")[:2] == (0, out)


def test_a_command_line_that_is_not_understood(run: Run) -> None:
    """The usage, or what is wrong with a time, and 255."""
    assert run("--str2sec", "abc") == (255, "ERROR: name 'abc' is not defined\n", "Init of command line failed\n")
    status, out, err = run("--nosuch")
    assert (status, err) == (255, "Init of command line failed\n")
    assert out.startswith("Usage: fail2ban-client [OPTIONS] <COMMAND>")
    assert run()[0] == 255


@pytest.mark.parametrize(
    ("line", "out"),
    [
        ("ping", "Server replied: pong\n"),
        ("ping 2", "Server replied: pong\n"),
        ("status", "Status\n|- Number of jail:\t2\n`- Jail list:\tddd, demo\n"),
        ("set demo banip 192.0.2.1", "1\n"),
        ("get demo prefregex", "\n"),
        ("reload", "OK\n"),
        ("reload --restart demo", "OK\n"),
        ("restart --unban demo", "OK\n"),
        ("stop demo", "Jail stopped\n"),
    ],
)
def test_words_for_the_server(tmp_path: Path, run: Run, line: str, out: str) -> None:
    """What the server answers is printed, and the status is 0."""
    with Served(tmp_path) as served:
        assert run("-s", served.path, *line.split()) == (0, out, "")


@pytest.mark.parametrize(
    ("line", "out", "err"),
    [
        ("status x", "Sorry but the jail 'x' does not exist\n", "ERROR   NOK: ('x',)\n"),
        ("set demo", "Sorry but the command is invalid\n", "ERROR   NOK: ('expected: set <JAIL> NAME',)\n"),
        ("nosuch", "Invalid command\n", "ERROR   NOK: ('Invalid command',)\n"),
        ("get demo action x y", "'Invalid Action name: x'\n", "ERROR   NOK: ('Invalid Action name: x',)\n"),
        ("reload a b", "", "ERROR   Unexpected argument(s) for reload: ['a', 'b']\n"),
        ("reload nosuch", "", "ERROR   Failed during configuration: No section: 'nosuch'\n"),
        ("start", "", "ERROR   Server already running\n"),
    ],
)
def test_words_that_the_server_refuses(tmp_path: Path, run: Run, line: str, out: str, err: str) -> None:
    """The friendly text on one stream, the bare fact on the other, and 255."""
    with Served(tmp_path) as served:
        assert run("-s", served.path, *line.split()) == (255, out, err)


@pytest.mark.parametrize(
    ("line", "err"),
    [
        ("ping", "ERROR   Failed to access socket path: {}. Is fail2ban running?\n"),
        ("stop", "ERROR   Failed to access socket path: {}. Is fail2ban running?\n"),
        ("reload", "ERROR   Could not find server\n"),
    ],
)
def test_no_server(tmp_path: Path, run: Run, line: str, err: str) -> None:
    """Each word says that nobody is there."""
    path = str(tmp_path / "s")
    assert run("-s", path, line) == (255, "", err.format(path))


@pytest.mark.parametrize(
    ("line", "err"),
    [
        ("ping", "ERROR   [Errno 111] Connection refused\n"),
        ("status", "ERROR   [[Errno 111] Connection refused] Unable to contact server. Is it running?\n"),
        ("stop", "ERROR   [[Errno 111] Connection refused] Unable to contact server. Is it running?\n"),
        ("start", "ERROR   Fail2ban seems to be in unexpected state (not running but the socket exists)\n"),
    ],
)
def test_a_dead_socket(tmp_path: Path, run: Run, line: str, err: str) -> None:
    """Something lies where the socket should be."""
    (tmp_path / "s").touch()
    assert run("-s", str(tmp_path / "s"), line) == (255, "", err)


def test_problems_are_remarks_beside_the_answer(tmp_path: Path, run: Run) -> None:
    """Scripts read what they always read; people see what is wrong, unless they ask for quiet."""
    with Served(tmp_path, FakeEngine(problems=(typo_problem(),))) as served:
        status, out, err = run("-s", served.path, "status")
        assert (status, out.splitlines()[0]) == (0, "Status")
        assert err == "ERROR   jail.local:7: jail 'web': filter 'sshdd' not found (did you mean sshd?)\n"
        assert run("-q", "-s", served.path, "status") == (0, out, "")


def test_a_directory_that_does_not_exist(run: Run) -> None:
    """The configuration directory is checked before anything else."""
    expected = "ERROR: Base configuration directory /nonexistent does not exist\n"
    assert run("-c", "/nonexistent", "ping") == (255, expected, "ERROR   Init of command line failed\n")


def test_interactive(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors do not end it, the end of the input does."""
    monkeypatch.setattr("sys.stdin", io.StringIO("ping\nstatus 'x\n\nnosuch\nping\nexit\nping\n"))
    with Served(tmp_path) as served:
        status, out, err = run("-s", served.path, "-i")
        assert (status, out.count("Server replied: pong")) == (0, 2)
        assert "NOK: ('Invalid command',)" in err
        assert "No closing quotation" in err
        monkeypatch.setattr("sys.stdin", io.StringIO("ping"))
        assert run("-s", served.path, "-i", "echo", "first")[:2][1].startswith("first\n")


def test_the_client_imports_no_heavy_modules(tmp_path: Path) -> None:
    """What is started by hand and by scripts all day loads only what it needs."""
    with Served(tmp_path) as served:
        (tmp_path / "fail2ban.local").write_text(f"[Definition]\nsocket = {served.path}\n")
        code = (
            "import sys; from sekisho.cli.fail2ban_client import main; "
            f"main(['-c', {str(tmp_path)!r}, 'ping']); "
            "print([name for name in ('asyncio', 'rich', 'msgspec', 'dataclasses', 'pathlib', 'argparse', 'logging') "
            "if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True,
                              env={"PYTHONPATH": str(Path(__file__).parents[2] / "src")})  # fmt: skip
    assert done.stdout == "Server replied: pong\n[]\n"
