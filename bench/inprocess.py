"""Measures the reading path in this process: blocks in, verdicts and log lines out, without a daemon, disk or firewall.

`--profile` tells where the time goes. The rates are those of `make bench` without reading the file and starting up.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import gc
import pstats
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from corpus import access_lines, lines
from sekisho.config.load import load
from sekisho.daemon.assemble import write_entries
from sekisho.daemon.guard import LineGuard
from sekisho.daemon.log import set_up
from sekisho.engine.account import Account
from sekisho.engine.clock import SystemClock
from sekisho.engine.guard import Guard
from sekisho.engine.jail import Jail
from sekisho.engine.pipeline import Pipeline
from sekisho.engine.reading import Reading
from sekisho.engine.report import Entry
from sekisho.ledger.ledger import Ledger
from sekisho.lookup.guarded import Guarded
from sekisho.model.address import Subject
from sekisho.model.block import Block, Phase
from sekisho.model.position import FilePosition

BLOCK = 1 << 18  # what sources.tail reads at a time
NOTHING = FilePosition(0, 0, "")
JAILS = {
    "auth": ("sshd",),
    "mail": ("postfix", "dovecot", "postfix-sasl"),
    "both": ("sshd", "proftpd"),
    "access": ("web",),
}


class NoSource:
    """Stands where a log file would."""

    key = "bench"


def jails_of(names: Sequence[str], folder: Path) -> list[Jail]:
    """Return the jails as the stock filters have them; nobody reaches maxretry."""
    (folder / "filter.d").mkdir(exist_ok=True)
    (folder / "filter.d" / "web.conf").write_text(
        '[Definition]\nfailregex = ^<HOST> \\S+ \\S+ \\[\\] "(?:GET|POST) /wp-login\\.php[^"]*" 404 \n'
    )
    text = "[DEFAULT]\nfindtime = 1d\nbantime = 600\nusedns = no\nmaxmatches = 3\nmaxretry = 100000000\naction =\n"
    for name in names:
        text += f"[{name}]\nenabled = true\nbackend = polling\nlogpath = {folder}/log\n"
        if name == "postfix-sasl":
            text += "filter = postfix[mode=auth]\n"
    (folder / "jail.local").write_text(text)
    (folder / "log").touch()
    configuration = load(folder)
    assert len(configuration.jails) == len(names), configuration.problems
    return [Jail(spec, reached={}, feeds_on_bans=False, now=SystemClock().now()) for spec in configuration.jails]


def blocks_of(text: bytes) -> list[bytes]:
    """Cut a log into blocks of whole lines."""
    blocks, at = [], 0
    while at < len(text):
        end = text.rfind(b"\n", at, at + BLOCK) + 1
        blocks.append(text[at:end])
        at = end
    return blocks


async def resolve_nothing(_: str) -> frozenset[Subject]:
    """Answer that a name has no address."""
    return frozenset()


async def exempt_nobody(*_: object) -> bool:
    """Answer as an ignorecommand that says no."""
    return False


def measure(jails: Sequence[Jail], blocks: Sequence[bytes], *, profile: bool = False) -> tuple[float, int]:
    """Read the blocks once; the seconds of CPU and the failures found."""
    control = set_up(logtarget="/dev/null", loglevel="INFO")

    def write(entries: Sequence[Entry]) -> None:
        write_entries(entries, control)

    before = sum(jail.failed_total for jail in jails)
    pipeline = Pipeline(
        jails={jail.name: jail for jail in jails},
        account=Account(Ledger(None), SystemClock()),
        clock=SystemClock(),
        resolve=resolve_nothing,
        write=write,
        chance=lambda: 0.0,
        ignores=exempt_nobody,
        guard=Guard(Guarded().look, SystemClock(), lambda: True),
    )
    reading = Reading(NoSource(), jails, tail=False, pipeline=pipeline, clock=SystemClock(), watch=LineGuard())
    events = [Block("bench", data, NOTHING, Phase.CATCHUP) for data in blocks]
    gc.collect()
    gc.freeze()
    profiler = cProfile.Profile()
    begin = time.process_time()
    with profiler if profile else contextlib.nullcontext():
        for event in events:
            reading._take(event)
    spent = time.process_time() - begin
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(28)
    control.close()
    return spent, sum(jail.failed_total for jail in jails) - before


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--share", type=float, action="append", help="share of attack lines (0.0005 0.02 0.2 0.95)")
    parser.add_argument("--log", choices=sorted(JAILS), default="auth")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    gc.set_threshold(20_000, 20, 20)  # as the daemon does
    with tempfile.TemporaryDirectory() as name:
        for share in options.share or (0.0005, 0.02, 0.20, 0.95):
            if options.log == "access":
                text = "\n".join(access_lines(options.lines, attack=share))
            else:
                text = "\n".join(lines(options.lines, attack=share, mail=options.log == "mail"))
            blocks = blocks_of((text + "\n").encode())
            runs = [
                measure(jails_of(JAILS[options.log], Path(name)), blocks, profile=options.profile)
                for _ in range(1 if options.profile else 3)
            ]
            spent, found = min(runs)
            rate = options.lines / spent / 1000
            print(f"{options.log} {share:7.2%}: {rate:8,.0f} k lines per CPU-second, {found} found", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
