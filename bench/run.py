"""Measures Sekisho beside Debian's Fail2ban and SSHGuard's parser: lines per CPU-second, start, memory. Needs root.

Both daemons run in a network namespace of their own, read the same files with the same options, each with its own
filters, and take no action but where barring is measured; every failure is a `Found` line in their logs (level INFO). A
log has been read when all its failures have been found. CPU time is that of all threads, less what the daemon uses with
nothing to read. SSHGuard has no daemon that could be compared: its parser alone reads the log from its standard input.

The table of medians is printed, and written to bench/README.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from barring import measure_barring
from catalogue import measure_catalogue
from daemons import (
    BOTH,
    JAILS,
    NAMESPACE,
    OURS,
    SIX,
    THEIRS,
    Program,
    Result,
    ask,
    longest_wait,
    measure,
    memory_over,
    running,
)

from corpus import access_lines, crowd, lines

PARSER = next(
    filter(Path.exists, map(Path, ("/usr/libexec/sshguard/sshg-parser", "/usr/lib/sshguard/sshg-parser"))), None
)
README = Path(__file__).with_name("README.md")
TRACKED = 100_000
GIGABYTE = 10**9
MANY = 1000
PINGS = 41
LEAST = 0.001  # seconds; a smaller difference is no measurement
FLOORS = {"access": 80, 0.0005: 20, 0.02: 18, 0.20: 16, 0.95: 13, "six": 25}
LONGER = {0.0005: 5, 0.02: 4, 0.20: 2}
"""Logs so many times longer, where lines are read so fast that a start's scatter would drown them."""

REPEAT = "To repeat: `make bench`, as root, on Debian with the packages `fail2ban` and `sshguard`."
FOOT = """\
The floors are what a release must reach. Those for reading are ratios to Fail2ban in the same run, since no two
machines are alike. `bench/inprocess.py` measures the reading path alone; with `--profile` it tells where its time goes.
"""

Results = dict[Program, list[Result]]


def write_log(path: Path, text: Iterable[str]) -> int:
    """Write a log; the number of failures in it."""
    failures = 0
    with path.open("w", encoding="utf-8") as log:
        for line in text:
            failures += any(mark in line for mark in ("Failed password", "SASL LOGIN", "/wp-login.php"))
            log.write(line + "\n")
    return failures


def parser_rate(log: Path, count: int, runs: int) -> str:
    """Return how many thousand lines SSHGuard's parser reads in a CPU-second, as a table's cell."""
    if PARSER is None:
        return "-"
    spent = []
    for _ in range(runs):
        with log.open("rb") as text:
            child = subprocess.Popen([PARSER], stdin=text, stdout=subprocess.DEVNULL)
            _, _, usage = os.wait4(child.pid, 0)
            child.returncode = 0
        spent.append(usage.ru_utime + usage.ru_stime)
    return f"{count / statistics.median(spent) / 1000:,.0f} k"


class Bench:
    """One run of everything, over logs in `root`."""

    def __init__(self, root: Path, *, count: int, runs: int, gigabytes: int = 0) -> None:
        self.root, self.count, self.runs, self.gigabytes = root, count, runs, gigabytes
        self.table: list[str] = []
        for name in ("auth.log", "mail.log", "other.log", "access.log"):
            (root / name).write_text("")

    def say(self, line: str) -> None:
        """Print a line of the report, and keep it."""
        print(line, flush=True)
        self.table.append(line)

    def both(self, jails: Sequence[str], expected: int) -> Results:
        """Measure the two in turn, so that both have the machine's good and bad moments."""
        results: Results = {program: [] for program in BOTH}
        for _ in range(self.runs):
            for program in BOTH:
                results[program].append(measure(program, self.root, jails, expected))
        return results

    def row(self, title: str, floor: int, count: int, results: Results, idle: Results, *, parser: str = "-") -> None:
        """Say one row: thousand lines per CPU-second of each, their ratio, and whether counts agree."""
        rate = {}
        for program in BOTH:
            cpu = median(results[program], "cpu") - median(idle[program], "cpu")
            rate[program] = count / max(cpu, LEAST) / 1000
        counts = {program: {result.found for result in results[program]} for program in BOTH}
        agree = "yes" if counts[OURS] == counts[THEIRS] else f"no: {counts[OURS]}, {counts[THEIRS]}"
        cells = (
            f"{rate[OURS]:,.0f} k",
            f"{rate[THEIRS]:,.0f} k",
            f"{rate[OURS] / rate[THEIRS]:.1f}",
            f"{floor}",
            parser,
        )
        self.say(f"| {title} | {' | '.join(cells)} | {agree} |")

    def run(self) -> None:
        """Measure everything."""
        self.both(SIX, 0)  # the first start compiles, and warms the disk's cache
        idle = {jails: self.both(jails, 0) for jails in (("sshd",), ("web",), SIX)}
        self.say(
            "| reading, lines per CPU-second | Sekisho | Fail2ban | ratio | floor | SSHGuard's parser | counts agree |"
        )
        self.say("|---|---|---|---|---|---|---|")
        expected = write_log(self.root / "access.log", access_lines(self.count, attack=0.05))
        results = self.both(("web",), expected)
        self.row("access log, 5% scans", FLOORS["access"], self.count, results, idle[("web",)])
        for share in (0.0005, 0.02, 0.20, 0.95):
            log, count = self.root / "auth.log", self.count * LONGER.get(share, 1)
            expected = write_log(log, lines(count, attack=share))
            parser = parser_rate(log, count, self.runs)
            results = self.both(("sshd",), expected)
            title = f"auth log, {share * 100:g}% attack lines"
            self.row(title, FLOORS[share], count, results, idle[("sshd",)], parser=parser)
        expected = write_log(self.root / "auth.log", lines(self.count, attack=0.02))
        expected += write_log(self.root / "mail.log", lines(self.count, attack=0.02, mail=True))
        results = self.both(SIX, expected)
        self.row("six jails on two logs, 2%", FLOORS["six"], 2 * self.count, results, idle[SIX])
        write_log(self.root / "auth.log", crowd(TRACKED))
        crowded: Results = {program: [measure(program, self.root, ("sshd",), TRACKED)] for program in BOTH}
        self.say("")
        self.say("| start and memory | Sekisho | Fail2ban | floor |")
        self.say("|---|---|---|---|")
        for title, field, scale, source, floor in (
            ("six jails ready after, ms", "ready", 1000, idle[SIX], "300"),
            ("resident with nothing to read, MiB", "resident", 1 / 1024, idle[SIX], "45"),
            (f"resident with {TRACKED:,} tracked addresses, MiB", "resident", 1 / 1024, crowded, "150"),
        ):
            cells = " | ".join(f"{median(source[program], field) * scale:.0f}" for program in BOTH)
            self.say(f"| {title} | {cells} | {floor} |")
        self.many()
        self.say("")
        measure_catalogue(self.say, count=self.count, runs=self.runs)
        self.asking()
        write_log(self.root / "auth.log", ())
        measure_barring(self.root, self.say)
        if self.gigabytes:
            self.flat()

    def many(self) -> None:
        """Say how long our daemon takes to be ready with a thousand jails, each with a log of its own."""
        (self.root / "many").mkdir()
        names = tuple(f"jail{number}" for number in range(MANY))
        for number, name in enumerate(names):
            (self.root / "many" / name).write_text("")
            JAILS[name] = (SIX[number % len(SIX)].replace("postfix-sasl", "postfix[mode=auth]"), f"many/{name}")
        ready = measure(OURS, self.root, names, 0).ready
        self.say(f"| {MANY:,} jails ready after, ms | {ready * 1000:.0f} | - | 2000 |")

    def asking(self) -> None:
        """Say what a client's `ping` costs, and what it costs to look at a hundred thousand bans and to lift them."""
        self.say("")
        self.say("| asking | Sekisho | Fail2ban | ratio | floor |")
        self.say("|---|---|---|---|---|")
        with running(OURS, self.root, ("sshd",)) as ours, running(THEIRS, self.root, ("sshd",)) as theirs:
            folders = {OURS: ours[1], THEIRS: theirs[1]}
            costs: dict[Program, list[tuple[float, float]]] = {OURS: [], THEIRS: []}
            for _ in range(PINGS):
                for program in BOTH:
                    costs[program].append(ask(program, folders[program], "ping"))
            for number, what in enumerate(("by the clock", "of the client's CPU")):
                cost = {each: statistics.median(seconds[number] for seconds in costs[each]) * 1000 for each in BOTH}
                cells = f"{cost[OURS]:.0f} | {cost[THEIRS]:.0f} | {cost[OURS] / cost[THEIRS]:.2f} | 1.00"
                self.say(f"| `ping`, ms {what} | {cells} |")
            addresses = [
                f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}" for number in range(TRACKED)
            ]
            for start in range(0, TRACKED, 5000):
                ask(OURS, folders[OURS], "set", "sshd", "banip", *addresses[start : start + 5000])
            for words in (("status", "sshd"), ("get", "sshd", "banip", "--with-time"), ("unban", "--all")):
                over = threading.Event()
                with ThreadPoolExecutor() as pool:
                    others = pool.submit(longest_wait, folders[OURS], over)
                    spent, _ = ask(OURS, folders[OURS], *words)
                    over.set()
                cells = f"{spent * 1000:.0f}; others waited {others.result() * 1000:.0f} at most"
                self.say(f"| `{' '.join(words)}`, {TRACKED:,} bans, ms | {cells} | - | - | - |")

    def flat(self) -> None:
        """Say how much our daemon holds after one gigabyte of a log and after all of it."""
        log = self.root / "auth.log"
        expected = write_log(log, lines(self.count, attack=0.02, sentinel=False))
        chunk = log.read_bytes()
        with log.open("ab") as longer:
            for _ in range(self.gigabytes * GIGABYTE // len(chunk)):
                expected += chunk.count(b"Failed password")
                longer.write(chunk)
        early, late = memory_over(OURS, self.root, ("sshd",), early=GIGABYTE, expected=expected)
        title = f"resident after 1 and after {self.gigabytes} GB of an auth log, MiB"
        self.say(f"| {title} | {early / 1024:.0f}, {late / 1024:.0f} | - | the same |")


def median(results: Sequence[Result], field: str) -> float:
    """Return the median of one field."""
    return float(statistics.median(getattr(result, field) for result in results))


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=150_000, help="lines of each log")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, in turn")
    parser.add_argument("--gigabytes", type=int, default=0, help="also read a log of so many, to see memory stay flat")
    parser.add_argument("--readme", type=Path, default=README, help="where the report is written")
    options = parser.parse_args()
    if os.getuid() != 0 or not Path(THEIRS.server[0]).exists():
        print("make bench needs root and Debian's fail2ban (apt-get install fail2ban sshguard)", file=sys.stderr)
        return 1
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(Path(folder), count=options.lines, runs=options.runs, gigabytes=options.gigabytes)
            bench.run()
    finally:
        subprocess.run(["ip", "netns", "delete", NAMESPACE], check=True)
    about = f"{__doc__ or ''}".split("\n\n", 1)[1].rsplit("\n\n", 1)[0]
    what = f"Medians of {options.runs} runs over logs of {options.lines:,} lines, {time.strftime('%-d %B %Y')}."
    options.readme.write_text(
        "\n".join(["# How fast, how big", "", what, REPEAT, "", about, "", *bench.table, "", FOOT])
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
