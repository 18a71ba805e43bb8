"""Tab on a command line, in each shell."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine
from tests.support.served import Served

from sekisho.cli.completion import SHELLS, render_script
from sekisho.cli.main import VERBS, main
from sekisho.control.client import ask

ROOT = Path(__file__).parents[2]

_BASH = """
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
_sekisho
printf '%s\\n' "${COMPREPLY[@]}"
"""
_ZSH = """
compdef() { }
source $1
_files() { print -rl -- ${(Q)cur}*(N) }
_describe() { local each; for each in "${(@P)4}"; do each=${${each//\\\\:/%3A}%%:*}; each=${each//\\%3A/:}
  [[ $each == ${cur}* ]] && print -r -- $each; done }
words=(${(z)2})
[[ $2 == *' ' ]] && words+=('')
CURRENT=$#words
_sekisho
true
"""
_FISH = "source $argv[1]; complete -C $argv[2]"

Complete = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with bans, of which one is no address but what a stranger typed."""
    with Served(tmp_path_factory.mktemp("served"), FakeEngine()) as server:
        for address in ("192.0.2.7", "2001:db8::1", "2001:db8::2"):
            ask(server.path, ["ban", "demo", address])
        ask(server.path, ["ban", "ddd", "198.51.100.9"])
        ask(server.path, ["ban", "demo", "192.0.2.$(touch pwned)"])
        yield server


@pytest.fixture(
    params=["bash", *(pytest.param(shell, marks=pytest.mark.system(needs=(shell,))) for shell in ("zsh", "fish"))]
)
def complete(request: pytest.FixtureRequest, tmp_path: Path) -> Complete:
    """What a shell offers at the end of a line, without the help beside it."""
    shell = request.param
    program = tmp_path / "it's sekisho"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT / "src"} exec {sys.executable} -m sekisho "$@"\n')
    program.chmod(0o755)
    script = tmp_path / "script"
    script.write_text(render_script(shell, VERBS, sekisho=str(program)))
    code = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}[shell]
    start = {
        "bash": ["bash", "--norc", "-c", code, "-"],
        "zsh": ["zsh", "-f", "-c", code, "-"],
        "fish": ["fish", "--no-config", "-c", code],
    }[shell]

    def run(line: str) -> list[str]:
        done = subprocess.run([*start, str(script), line], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        before = line.rpartition(" ")[2].rpartition(":")[0]  # bash completes what is after the colon
        found = [each.partition("\t")[0] for each in done.stdout.splitlines() if each]
        return sorted(f"{before}:{each}" if before and shell == "bash" else each for each in found)

    return run


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sekisho sta", ["status"]),
        ("sekisho status --js", ["--json"]),
        ("/opt/bin/sekisho match --dns ", ["no", "raw", "warn", "yes"]),
        ("sekisho match --dns raw --qq", []),
        ("sekisho match --filter ssh", ["sshd"]),
        ("sekisho config ", ["show"]),
        ("sekisho service install --dry", ["--dry-run"]),
        ("fail2ban-client sta", ["start", "stats", "status"]),
        ("fail2ban-client --sock", ["--socket"]),
        ("fail2ban-client set logt", ["logtarget"]),
        ("fail2ban-client -c /etc set sshd addlogpath x ", ["head", "tail"]),
        ("fail2ban-client get sshd bantime.ma", ["bantime.maxtime"]),
        ("fail2ban-server --pid", ["--pidfile"]),
        ("fail2ban-regex --print-all-ma", ["--print-all-matched"]),
    ],
)
def test_words_are_known_without_a_server(complete: Complete, line: str, expected: list[str]) -> None:
    """Verbs, options, their values, and each word of the server's table, at their places only."""
    assert complete(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sekisho status -s {} d", ["ddd", "demo"]),
        ("sekisho unban -s {} demo 192.0", ["192.0.2.7"]),
        ("sekisho unban -s {} --all 198", ["198.51.100.9"]),
        ("sekisho unban -s {} demo 2001:db8::", ["2001:db8::1", "2001:db8::2"]),
        ("sekisho ban -s {} demo 192", []),
        ("fail2ban-client -s {} set de", ["demo"]),
        ("fail2ban-client -s {} set demo unbanip 1", ["192.0.2.7"]),
        ("fail2ban-client -s {} set ddd unbanip 1", ["198.51.100.9"]),
        ("fail2ban-client --socket {} status dd", ["ddd"]),
        ("fail2ban-client -s /nonexistent/s status d", []),
    ],
)
def test_jails_and_bans_are_asked_of_the_server(
    complete: Complete, served: Served, tmp_path: Path, line: str, expected: list[str]
) -> None:
    """Whoever lifts a ban is offered who has one, in that jail; what a stranger typed is never offered to a shell."""
    assert complete(line.format(served.path)) == expected
    assert not (tmp_path / "pwned").exists()


def test_files_are_offered_where_a_file_is_meant(complete: Complete, tmp_path: Path) -> None:
    """A log's name, after the options before it."""
    (tmp_path / "auth.log").touch()
    assert complete("sekisho match --filter sshd auth") == ["auth.log"]


@pytest.mark.system(needs=("zsh",))
def test_zsh_s_own_machinery_takes_the_script(tmp_path: Path) -> None:
    """In an interactive zsh, autoloaded from its `fpath`, Tab turns the beginning of a verb into the verb."""
    (tmp_path / "_sekisho").write_text(render_script("zsh", VERBS, sekisho="/bin/false"))
    (tmp_path / ".zshrc").write_text("fpath=($ZDOTDIR $fpath)\nautoload -U compinit\ncompinit -u -D\nPS1='ready> '\n")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("zsh", ["zsh", "-i"], {**os.environ, "ZDOTDIR": str(tmp_path), "TERM": "dumb"})
    try:
        wait_text(terminal, "ready> ")
        os.write(terminal, b"sekisho unb\t")
        wait_text(terminal, "sekisho unban ")
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def wait_text(terminal: int, text: str) -> None:
    """Read until the terminal shows the text."""
    seen, end = "", time.monotonic() + 60
    while text not in seen:
        assert select.select([terminal], [], [], end - time.monotonic())[0], f"no {text!r} in {seen!r}"
        seen += os.read(terminal, 4096).decode()


def test_which_shell(capsys: pytest.CaptureFixture[str]) -> None:
    """Each script is printed whole and tells how it was made; without a shell there is none."""
    for shell in SHELLS:
        assert main(["completion", shell]) == 0
        out = capsys.readouterr().out
        assert f"sekisho completion {shell}" in out
        assert "@" + "ROWS@" not in out
    assert main(["completion"]) == 2
    assert "which shell? bash, zsh, fish" in capsys.readouterr().err


def test_asking_loads_little() -> None:
    """A key is pressed often: neither asyncio nor rich nor the reader of the configuration is imported."""
    code = (
        "import sys; from sekisho.cli.main import main; "
        "main(['completion', '--ask', 'jail', '-s', '/nonexistent/s']); "
        "print({'rich', 'asyncio', 'sekisho.config', 'sekisho.control.words'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
