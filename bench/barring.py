"""What bans cost down to the kernel: by hand, at a start, when they are lifted, and from a log's line on."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from daemons import ENVIRONMENT, NAMESPACE, OURS, THEIRS, Program, ask, resident_of, running

BARRING = "backend = auto\nmaxretry = 1\nbanaction = {0}\naction = {0}[name=sshd, port=ssh, protocol=tcp]\n"
BY_HAND = {OURS: 1000, THEIRS: 100}
RESTORED = {OURS: (10_000, 100_000), THEIRS: (500,)}
LINES = {OURS: 100, THEIRS: 10}
AT_ONCE = 5000  # addresses on one command line
PATIENCE = 120.0  # seconds

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wall:
    """What bars: a program, its action, and the set of nf_tables or, without a table, of ipset that holds whom."""

    title: str
    program: Program
    action: str
    table: str
    name: str

    @property
    def settings(self) -> str:
        """The jail's options."""
        return BARRING.format(self.action)


WALLS = (
    Wall("Sekisho, nftables", OURS, "nftables", "sekisho", "addr-set-sshd"),
    Wall("Sekisho, ipset", OURS, "ipset", "", "sekisho4-sshd"),
    Wall("Fail2ban, nftables", THEIRS, "nftables", "f2b-table", "addr-set-sshd"),
)


def measure_barring(root: Path, say: Say) -> None:
    """Say what each wall costs; fewer bans are asked of Fail2ban, which takes its time for each."""
    say("")
    say(f"| barring | {' | '.join(wall.title for wall in WALLS)} | floor |")
    say("|---|---|---|---|---|")
    cells: dict[str, dict[Wall, str]] = {}
    for wall in WALLS:
        for title, cell in _of(wall, root):
            cells.setdefault(title, {})[wall] = cell
    floors = {"a line of a log to the kernel": "20, 50", "a ban by hand": "0.2"}
    floors |= {"100,000 bans restored at": "3", "with 100,000 bans restored": "150"}
    for title, by in cells.items():
        floor = next((floor for what, floor in floors.items() if what in title), "-")
        say(f"| {title} | {' | '.join(by.get(wall, '-') for wall in WALLS)} | {floor} |")


def _of(wall: Wall, root: Path) -> Iterator[tuple[str, str]]:
    (root / "auth.log").write_text("")
    program = wall.program
    with running(program, root, ("sshd",), settings=wall.settings) as (_, folder, _):
        spans = _latencies(wall, root)
        late = statistics.quantiles(spans, n=100)[98]
        yield "from a line of a log to the kernel, median and p99, ms", f"{statistics.median(spans):.1f}, {late:.1f}"
        ask(program, folder, "unban", "--all")
        held = 0
        for base in (0, *(RESTORED[program] if program is OURS else ())):
            if base:
                _ban(program, folder, held, base)
                held = base
            begin = time.perf_counter()
            _ban(program, folder, held, held + BY_HAND[program])
            if program is THEIRS:  # its client does not wait for the firewall
                _wait_held(wall, held + BY_HAND[program])
            spent = (time.perf_counter() - begin) * 1000 / BY_HAND[program]
            held += BY_HAND[program]
            _wait_held(wall, held)
            yield f"a ban by hand beside {base:,} others, ms", f"{spent:.2f}"
        begin = time.perf_counter()
        ask(program, folder, "unban", "--all")
        _wait_held(wall, 0, exactly=True)
        yield "all of them lifted, ms each", f"{(time.perf_counter() - begin) * 1000 / held:.3f}"
    for count in RESTORED[program]:
        with running(program, root, ("sshd",), settings=wall.settings) as (_, folder, _):
            _ban(program, folder, 0, count)
            _wait_held(wall, count)
        begin = time.perf_counter()
        with running(program, root, ("sshd",), settings=wall.settings, fresh=False) as (daemon, _, ready):
            _wait_held(wall, count)
            spent = ready if program is OURS else time.perf_counter() - begin  # ours is ready when all are in force
            yield f"{count:,} bans restored at a start, s", f"{spent:.1f}"
            yield f"resident with {count:,} bans restored, MiB", f"{resident_of(daemon.pid) / 1024:.0f}"


def _latencies(wall: Wall, root: Path) -> list[float]:
    log = str(root / "auth.log")
    tool = [sys.executable, str(Path(__file__).with_name("latency.py")), log, wall.table, wall.name]
    command = ["ip", "netns", "exec", NAMESPACE, *tool, str(LINES[wall.program])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT)
    return [float(line) for line in done.stdout.split()]


def _ban(program: Program, folder: Path, first: int, last: int) -> None:
    addresses = [f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}" for number in range(first, last)]
    for start in range(0, len(addresses), AT_ONCE):
        ask(program, folder, "set", "sshd", "banip", *addresses[start : start + AT_ONCE])


def _wait_held(wall: Wall, count: int, *, exactly: bool = False) -> None:
    """Wait until the kernel's sets hold so many addresses."""
    end = time.monotonic() + PATIENCE
    while (held := _held(wall)) < count or (exactly and held != count):
        if time.monotonic() > end:
            raise SystemExit(f"the kernel holds {held} bans and not {count}")


def _held(wall: Wall) -> int:
    inside = ["ip", "netns", "exec", NAMESPACE]
    if not wall.table:
        told = subprocess.run([*inside, "ipset", "list", "-t", wall.name], capture_output=True, text=True, check=False)
        return int(told.stdout.rpartition("entries: ")[2] or 0)
    said = subprocess.run([*inside, "nft", "-j", "list", "ruleset"], capture_output=True, check=True).stdout
    listed = json.loads(said)["nftables"]
    return sum(len(entry["set"].get("elem", ())) for entry in listed if "set" in entry)
