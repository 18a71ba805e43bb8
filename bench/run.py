"""Measures Sekisho beside Debian's Fail2ban: lines per CPU-second, start, ping, memory. Needs root; prints ratios.

Both daemons run in a network namespace of their own, read the same files with the same options and their own filters,
and take no action. A log has been read when the failures at its end have led to a ban; CPU time is that of the process
since it was ready, from /proc. Counts of `Found` lines must agree, or the row says so.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus import lines

NAMESPACE = f"sekbench{os.getpid()}"
BIN = Path(sys.executable).parent
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 60

JAILS = {
    "sshd": ("sshd", "auth.log"),
    "proftpd": ("proftpd", "auth.log"),
    "postfix": ("postfix", "mail.log"),
    "dovecot": ("dovecot", "mail.log"),
    "postfix-sasl": ("postfix[mode=auth]", "mail.log"),
    "recidive": ("recidive", "other.log"),
}


@dataclass(frozen=True, slots=True)
class Program:
    """One of the two: how its daemon is started and which client asks it."""

    name: str
    server: Sequence[str]
    client: Sequence[str]


OURS = Program("sekisho", (str(BIN / "sekisho"), "run", "-c", "{conf}"), (str(BIN / "fail2ban-client"),))
THEIRS = Program("fail2ban", ("/usr/bin/fail2ban-server", "-c", "{conf}", "-f", "start"), ("/usr/bin/fail2ban-client",))


@dataclass(frozen=True, slots=True)
class Result:
    """What one run cost: seconds of CPU, seconds until ready, KiB resident, and how many failures were found."""

    cpu: float
    ready: float
    resident: int
    found: int


def write_tree(folder: Path, jails: Sequence[str], *, ban: bool) -> None:
    """Write a configuration tree that both understand; `ban` False lets nobody but the sentinel reach maxretry."""
    own = ("filter.d", "action.d")
    for part in own:
        (folder / part).mkdir(parents=True)
    (folder / "fail2ban.conf").write_text(
        f"[Definition]\nloglevel = INFO\nlogtarget = {folder}/log\nsocket = {folder}/sock\npidfile = {folder}/pid\n"
        f"dbfile = {folder}/db.sqlite\nsyslogsocket = auto\nallowipv6 = yes\ndbpurgeage = 1d\ndbmaxmatches = 10\n"
    )
    text = "[DEFAULT]\nfindtime = 600\nbantime = 600\nusedns = no\nmaxmatches = 3\nmode = normal\n"
    for jail in jails:
        filter_name, log = JAILS[jail]
        text += f"[{jail}]\nenabled = true\nbackend = polling\nfilter = {filter_name}\n"
        text += f"logpath = {folder.parent}/{log}\n"
        text += f"maxretry = {3 if ban else 100000000}\naction =\n"
    (folder / "jail.local").write_text(text)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a process and its waited-for children have used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / TICKS


def resident_of(pid: int) -> int:
    """Return the KiB that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0])


def measure(program: Program, root: Path, jails: Sequence[str], expected: int) -> Result:
    """Run one daemon over the logs in `root` until it has found `expected` failures, and end it."""
    folder = root / program.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write_tree(folder, jails, ban=False)
    if program is THEIRS:
        for part in ("filter.d", "action.d"):
            (folder / part).rmdir()
            (folder / part).symlink_to(f"/etc/fail2ban/{part}")
    begin = time.monotonic()
    daemon = subprocess.Popen(
        ["ip", "netns", "exec", NAMESPACE, *(word.format(conf=folder) for word in program.server)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ask = [*program.client, "-c", str(folder), "ping"]
        while subprocess.run(ask, capture_output=True, check=False).returncode:
            time.sleep(0.01)
            if daemon.poll() is not None or time.monotonic() - begin > PATIENCE:
                raise SystemExit(f"{program.name} did not start; see {folder}/log")
        ready = time.monotonic() - begin
        found, before = 0, -1
        while found < expected and time.monotonic() - begin < PATIENCE:
            time.sleep(0.1)
            found = (folder / "log").read_bytes().count(b"] Found ")
            if found == before == 0 and expected == 0:
                break
            before = found
        return Result(cpu_of(daemon.pid), ready, resident_of(daemon.pid), found)
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(30)


def write_log(path: Path, count: int, *, attack: float, mail: bool = False) -> int:
    """Write a log; the number of failures in it."""
    failures = 0
    with path.open("w", encoding="utf-8") as log:
        for line in lines(count, attack=attack, mail=mail):
            failures += "Failed password" in line or "SASL LOGIN" in line
            log.write(line + "\n")
    return failures


def row(title: str, count: int, ours: Sequence[Result], theirs: Sequence[Result], idle: dict[str, float]) -> str:
    """Return a table row of medians: thousand lines per CPU-second of each, their ratio, and whether counts agree."""
    rates = []
    for program, results in ((OURS, ours), (THEIRS, theirs)):
        cpu = statistics.median(result.cpu for result in results) - idle[program.name]
        rates.append(count / max(cpu, 1 / TICKS) / 1000)
    agree = "yes" if {r.found for r in ours} == {r.found for r in theirs} else f"NO {ours[0].found}/{theirs[0].found}"
    return f"| {title} | {rates[0]:,.0f} k | {rates[1]:,.0f} k | {rates[0] / rates[1]:.1f} | {agree} |"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200_000, help="lines of each log")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, in turn")
    options = parser.parse_args()
    if os.getuid() != 0 or not Path(THEIRS.server[0]).exists():
        print("make bench needs root and Debian's fail2ban (apt-get install fail2ban)", file=sys.stderr)
        return 1
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            report(Path(folder), options.lines, options.runs)
    finally:
        subprocess.run(["ip", "netns", "delete", NAMESPACE], check=True)
    return 0


def report(root: Path, count: int, runs: int) -> None:
    """Print the table."""
    for name in ("auth.log", "mail.log", "other.log"):
        (root / name).write_text("")
    both = (OURS, THEIRS)
    start = {program: [measure(program, root, list(JAILS), 0) for _ in range(runs)] for program in both}
    idle = {program.name: statistics.median(result.cpu for result in start[program]) for program in both}
    print("| reading | Sekisho, lines per CPU-second | Fail2ban | ratio | counts agree |")
    print("|---|---|---|---|---|")
    for share in (0.0005, 0.02, 0.20, 0.95):
        expected = write_log(root / "auth.log", count, attack=share)
        results = {p: [measure(p, root, ["sshd"], expected) for _ in range(runs)] for p in both}
        print(row(f"sshd, {share:.2%} attack lines", count, results[OURS], results[THEIRS], idle), flush=True)
    expected = write_log(root / "auth.log", count, attack=0.02)
    expected += 2 * write_log(root / "mail.log", count, attack=0.02, mail=True)
    results = {p: [measure(p, root, list(JAILS), expected) for _ in range(runs)] for p in both}
    print(row("six jails on two logs, 2.00%", 2 * count, results[OURS], results[THEIRS], idle), flush=True)
    print()
    print("| six jails, nothing to read | Sekisho | Fail2ban |")
    print("|---|---|---|")
    for title, value in (("ready after, ms", lambda r: r.ready * 1000), ("resident, MiB", lambda r: r.resident / 1024)):
        cells = " | ".join(f"{statistics.median(map(value, start[program])):.0f}" for program in both)
        print(f"| {title} | {cells} |")


if __name__ == "__main__":
    sys.exit(main())
