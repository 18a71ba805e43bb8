"""From start to stop as scripts see it: our programs and Debian's, through every state that a server can be in.

Both go through the same states in the same order: nothing runs, a socket is left behind, the server runs, somebody
else asks, a signal arrives. Exit status and standard output are the same at each step, and so is what lies in the
directory of its state.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from tests.support.fail2ban import ASIDE, CLIENTS, SERVERS, tree
from tests.support.lab import wait_for

pytestmark = [pytest.mark.system(needs=("fail2ban-client", "fail2ban-server")), pytest.mark.timeout(180)]

PROGRAMS: Mapping[str, Mapping[str, list[str]]] = {
    whose: {"client": CLIENTS[whose], "server": SERVERS[whose]} for whose in CLIENTS
}
NEW_NET = ("unshare", "-n")
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
Step = tuple[str, object]


class Life:
    """The programs of one side, on a configuration of their own; `steps` is what was seen."""

    def __init__(self, whose: str, directory: Path) -> None:
        self.programs = PROGRAMS[whose]
        self.directory = directory
        directory.mkdir(mode=0o755)
        self.conf = tree(directory)
        self.steps: list[Step] = []

    def say(self, line: str, *, program: str = "client", prefix: Sequence[str] = NEW_NET, typed: str = "") -> None:
        """Carry out one command line, and note its exit status and what it printed, a banner left out."""
        command = [*prefix, *self.programs[program], "-c", str(self.conf), *line.split()]
        done = subprocess.run(command, input=typed, capture_output=True, text=True, check=False, timeout=60)
        printed = ASIDE.sub("TIME", done.stdout).replace(str(self.directory), "DIR")
        after_banner = re.sub(r"\A.*?(?=fail2ban> )", "", printed, flags=re.DOTALL)
        self.steps.append((f"{program} {line}", (done.returncode, after_banner)))

    def look(self, when: str) -> None:
        """Note which of its files there are, and that nobody else can open them."""
        found = {}
        for name in ("f2b.sock", "f2b.pid", "f2b.log", "f2b.db"):
            path = self.directory / name
            if path.exists():
                found[name] = stat.S_IMODE(path.stat().st_mode) & 0o077
        self.steps.append((when, found))

    def signal(self, number: int) -> None:
        """Send the server a signal that ends it, and wait until it has ended."""
        pid = int((self.directory / "f2b.pid").read_text())
        os.kill(pid, number)
        wait_for(lambda: not Path(f"/proc/{pid}").exists(), f"the end by signal {number}", 20)
        self.look(f"after signal {number}")

    def leave_a_socket(self) -> None:
        """Let there be a socket on which nobody listens, as after a death."""
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.directory / "f2b.sock"))


def nothing_runs(life: Life) -> None:
    """Every word says so, and none starts anything."""
    for line in ("ping", "status", "stop", "reload", "reload demo", "banned", "get demo bantime", "-t"):
        life.say(line)
    life.leave_a_socket()
    for line in ("ping", "status", "stop", "reload", "start"):
        life.say(line)


def it_runs(life: Life) -> None:
    """A forced start takes a dead socket's place, and a second one does nothing."""
    life.leave_a_socket()
    life.say("-x start")
    life.look("started")
    for line in ("start", "ping", "ping 5", "status"):
        life.say(line)
    life.say("start", program="server")
    life.say("status", program="server")
    life.say("restart")
    life.say("restart demo")
    life.say("-i", typed="status\nbad words\n\nset demo bantime 'x y\nget demo bantime\nreload\nexit\nstatus\n")
    life.say("stop")
    life.look("stopped")


def a_stranger_asks(life: Life) -> None:
    """Who is not root hears that he may not."""
    reach = subprocess.run([*NOBODY, *life.programs["client"], "--str2sec", "1"], capture_output=True, check=False)
    if reach.returncode:
        pytest.skip("this checkout lies where nobody but root can run its programs")
    life.say("start")
    for line in ("ping", "status", "reload", "stop"):
        life.say(line, prefix=NOBODY)
    life.say("stop")


def it_is_signalled(life: Life) -> None:
    """TERM and INT end it as `stop` does; USR1 only reopens the log."""
    life.say("restart")
    life.say("ping")
    (life.directory / "f2b.log").rename(life.directory / "f2b.log.1")
    os.kill(int((life.directory / "f2b.pid").read_text()), signal.SIGUSR1)
    wait_for((life.directory / "f2b.log").exists, "a new log", 10)
    life.signal(signal.SIGTERM)
    life.say("-b start", program="server")
    life.say("ping")
    life.signal(signal.SIGINT)
    life.say("ping")


def it_is_misconfigured(life: Life) -> None:
    """A tree that cannot be read starts nothing; a jail that cannot run costs itself."""
    (life.conf / "jail.local").write_text("[demo\n")
    for line in ("-d", "start", "ping"):
        life.say(line)
    (life.conf / "jail.local").write_text("[demo]\nfilter = nosuch\n")
    for line in ("start", "status", "reload", "stop"):
        life.say(line)
    (life.conf / "jail.local").unlink()
    for line in ("-t start", "-t stop"):
        life.say(line)


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a directory that strangers may enter too; pytest's own is root's alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("chapter", [nothing_runs, it_runs, a_stranger_asks, it_is_signalled, it_is_misconfigured])
def test_each_state_is_met_alike(chapter: Callable[[Life], None], place: Path) -> None:
    """The same steps, the same statuses, the same words on the screen, the same files behind."""
    lives = {whose: Life(whose, place / whose) for whose in PROGRAMS}
    for life in lives.values():
        try:
            chapter(life)
        finally:
            pid = life.directory / "f2b.pid"
            if pid.exists():
                os.kill(int(pid.read_text()), signal.SIGTERM)
    assert lives["ours"].steps == lives["theirs"].steps
