"""Starts a daemon over some logs, waits until it has read them, and says what that cost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

NAMESPACE = f"sekbench{os.getpid()}"
BIN = Path(sys.executable).parent
START = 30.0  # seconds that a daemon may take to answer
STALLED = 20.0  # seconds without a new finding after which a log counts as read
NANOSECONDS = 1e9

ENVIRONMENT = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Python may keep what it compiled, or each start would pay for it, and the difference to an idle start say little."""

WEB = '[Definition]\nfailregex = ^<HOST> \\S+ \\S+ \\[\\] "(?:GET|POST) /wp-login\\.php[^"]*" 404 \nignoreregex =\n'
"""A filter of the benchmark's own, so that both read an access log by the same expression."""

JAILS = {
    "sshd": ("sshd", "auth.log"),
    "proftpd": ("proftpd", "auth.log"),
    "postfix": ("postfix", "mail.log"),
    "dovecot": ("dovecot", "mail.log"),
    "postfix-sasl": ("postfix[mode=auth]", "mail.log"),
    "recidive": ("recidive", "other.log"),
    "web": ("bench-web", "access.log"),
}
SIX = ("sshd", "proftpd", "postfix", "dovecot", "postfix-sasl", "recidive")


@dataclass(frozen=True, slots=True)
class Program:
    """One of the two: how its daemon is started and which client asks it."""

    name: str
    server: Sequence[str]
    client: Sequence[str]


OURS = Program("Sekisho", (str(BIN / "sekisho"), "run", "-c", "{conf}"), (str(BIN / "fail2ban-client"),))
THEIRS = Program("Fail2ban", ("/usr/bin/fail2ban-server", "-c", "{conf}", "-f", "start"), ("/usr/bin/fail2ban-client",))
BOTH = (OURS, THEIRS)


@dataclass(frozen=True, slots=True)
class Result:
    """What one run cost: seconds of CPU, seconds until ready, KiB resident, and how many failures were found."""

    cpu: float
    ready: float
    resident: int
    found: int


ONLY_FOUND = "backend = polling\nmaxretry = 100000000\naction =\n"
"""What a jail does in most measurements: nobody reaches maxretry."""


def write_tree(folder: Path, jails: Sequence[str], *, theirs: bool, settings: str) -> None:
    """Write a configuration tree that both understand."""
    filters = folder / "filter.d"
    filters.mkdir(parents=True)
    if theirs:
        for path in Path("/etc/fail2ban/filter.d").iterdir():
            (filters / path.name).symlink_to(path)
        (folder / "action.d").symlink_to("/etc/fail2ban/action.d")
    (filters / "bench-web.conf").write_text(WEB)
    (folder / "fail2ban.conf").write_text(
        f"[Definition]\nloglevel = INFO\nlogtarget = {folder}/log\nsocket = {folder}/sock\npidfile = {folder}/pid\n"
        f"dbfile = {folder}/db.sqlite\nsyslogsocket = auto\nallowipv6 = yes\ndbpurgeage = 1d\ndbmaxmatches = 10\n"
    )
    text = "[DEFAULT]\nfindtime = 1d\nbantime = 600\nusedns = no\nmaxmatches = 3\nmode = normal\n"
    for jail in jails:
        filter_name, log = JAILS[jail]
        text += f"[{jail}]\nenabled = true\nfilter = {filter_name}\nlogpath = {folder.parent}/{log}\n"
        text += settings
    (folder / "jail.local").write_text(text)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a process' threads have used, as exactly as the kernel knows them."""
    spent = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        spent += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return spent / NANOSECONDS


def resident_of(pid: int) -> int:
    """Return the KiB that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0])


@contextlib.contextmanager
def running(
    program: Program, root: Path, jails: Sequence[str], *, settings: str = ONLY_FOUND, fresh: bool = True
) -> Iterator[tuple[subprocess.Popen[bytes], Path, float]]:
    """Start one daemon over the logs in `root`; its process, its folder, and the seconds until it was ready.

    It remembers nothing of an earlier life, unless it is not to be `fresh`.
    """
    folder = root / program.name
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        write_tree(folder, jails, theirs=program is THEIRS, settings=settings)
    begin = time.monotonic()
    with (folder / "output").open("wb") as output:
        command = ["ip", "netns", "exec", NAMESPACE, *(word.format(conf=folder) for word in program.server)]
        daemon = subprocess.Popen(command, stdout=output, stderr=output, env=ENVIRONMENT)
    try:
        ask = [*program.client, "-c", str(folder), "ping"]
        while subprocess.run(ask, capture_output=True, check=False).returncode:
            time.sleep(0.01)
            if daemon.poll() is not None or time.monotonic() - begin > START:
                raise SystemExit(f"{program.name} did not start: {(folder / 'output').read_text()[-2000:]}")
        yield daemon, folder, time.monotonic() - begin
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(START)


def measure(program: Program, root: Path, jails: Sequence[str], expected: int) -> Result:
    """Run one daemon over the logs in `root` until it has found `expected` failures, or finds no more, and end it."""
    with running(program, root, jails) as (daemon, folder, ready):
        found = wait_for_findings(folder / "log", expected)
        return Result(cpu_of(daemon.pid), ready, resident_of(daemon.pid), found)


def ask(program: Program, folder: Path, *words: str) -> tuple[float, float]:
    """Let the program's client say words to its daemon; the seconds that it took by the clock, and of its CPU."""
    begin = time.monotonic()
    command = [*program.client, "-c", str(folder), *words]
    client = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    _, status, usage = os.wait4(client.pid, 0)
    client.returncode = os.waitstatus_to_exitcode(status)
    if client.returncode:
        raise SystemExit(f"{program.name}'s client failed: {' '.join(words)[:100]}")
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime


def longest_wait(folder: Path, over: threading.Event) -> float:
    """Return the longest that one of many pings waited for our daemon until `over`, in seconds."""
    longest = 0.0
    while not over.is_set():
        with socket.socket(socket.AF_UNIX) as peer:
            begin = time.monotonic()
            peer.connect(str(folder / "sock"))
            peer.sendall(b'{"words": ["ping"]}\n')
            peer.recv(4096)
            longest = max(longest, time.monotonic() - begin)
        time.sleep(0.001)
    return longest


def memory_over(program: Program, root: Path, jails: Sequence[str], *, early: int, expected: int) -> tuple[int, int]:
    """Return the KiB that a daemon holds when it has read `early` bytes, and when it has found `expected` failures."""
    with running(program, root, jails) as (daemon, folder, _):
        while int(Path(f"/proc/{daemon.pid}/io").read_text(encoding="ascii").split()[1]) < early:
            time.sleep(0.05)
        resident = resident_of(daemon.pid)
        wait_for_findings(folder / "log", expected)
        return resident, resident_of(daemon.pid)


def wait_for_findings(log: Path, expected: int) -> int:
    """Wait until the log tells of `expected` failures, or of no new one for long; how many it tells of."""
    if not expected:
        time.sleep(0.5)
    found, at, since = 0, 0, time.monotonic()
    with log.open("rb") as lines:
        while found < expected and time.monotonic() - since < STALLED:
            time.sleep(0.1)
            lines.seek(at)
            data = lines.read()
            data = data[: data.rfind(b"\n") + 1]
            at += len(data)
            if fresh := data.count(b"] Found "):
                found, since = found + fresh, time.monotonic()
    return found
