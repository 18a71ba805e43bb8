"""Measures every jail of the catalogue at once beside six: how soon they are ready, and how fast one log is read.

All jails share one log, half a web host's system log and half a mail server's, of which six jails would read
everything: so the others cost what looking costs. Reading is that of `inprocess`, without a daemon.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from inprocess import blocks_of, measure

from corpus import lines
from sekisho.config.catalogue import read_catalogue
from sekisho.config.files import Files
from sekisho.config.layers import merge
from sekisho.config.load import constants_of, load
from sekisho.engine.clock import SystemClock
from sekisho.engine.jail import Jail
from sekisho.scan.bundle import Bundle

SIX = ("sshd", "proftpd", "postfix", "dovecot", "postfix-sasl", "recidive")
READY, SLOWER = 2.0, 1.3
"""The floors: seconds, and how many times longer the log may take."""

SHARES = (0.0005, 0.02, 0.20)


def all_jails() -> tuple[str, ...]:
    """Return every stock jail whose filter is in the catalogue."""
    files = Files(None)
    entries = read_catalogue(files, merge(files, "jail"), constants_of(None))
    return tuple(jail for entry in entries for jail in entry.jails)


def ready(names: Sequence[str], folder: Path) -> tuple[list[Jail], float]:
    """Return jails that all read one log, and the seconds of CPU until they and their scanner are ready."""
    folder.mkdir()
    (folder / "log").touch()
    text = "[DEFAULT]\nfindtime = 1d\nusedns = no\nmaxmatches = 3\nmaxretry = 100000000\naction =\n"
    for name in names:
        text += f"[{name}]\nenabled = true\nbackend = polling\nlogpath = {folder}/log\nignorecommand =\n"
        text += "maxretry = 100000000\nfindtime = 1d\naction =\n"
    (folder / "jail.local").write_text(text)
    begin = time.process_time()
    configuration = load(folder)
    now = SystemClock().now()
    jails = [Jail(spec, reached={}, feeds_on_bans=False, now=now) for spec in configuration.jails]
    Bundle([(jail.name, jail.compiled.searches) for jail in jails])
    spent = time.process_time() - begin
    assert len(jails) == len(names), configuration.problems
    return jails, spent


def shared_log(count: int, *, attack: float) -> bytes:
    """Return a log of `count` lines, in turn of a host with sshd and of one with mail."""
    half = count // 2
    auth = lines(half, attack=attack, sentinel=False)
    mail = lines(half, attack=attack, mail=True, sentinel=False)
    return "".join(f"{one}\n{other}\n" for one, other in zip(auth, mail, strict=True)).encode()


def measure_catalogue(say: Callable[[str], None], *, count: int, runs: int) -> None:
    """Say the rows of the table."""
    with tempfile.TemporaryDirectory() as name:
        everything = all_jails()
        everybody, spent = ready(everything, Path(name) / "all")
        six, little = ready(SIX, Path(name) / "six")
        say(f"| the whole catalogue | six jails | {len(everything)} jails | ratio | floor |")
        say("|---|---|---|---|---|")
        say(f"| ready after, s of CPU | {little:.2f} | {spent:.2f} | - | {READY:g} |")
        for share in SHARES:
            blocks = blocks_of(shared_log(count, attack=share))
            pairs = [(measure(six, blocks)[0], measure(everybody, blocks)[0]) for _ in range(runs)]
            slower = statistics.median(most / few for few, most in pairs)
            rates = [count / statistics.median(seconds) / 1000 for seconds in zip(*pairs, strict=True)]
            title = f"one shared log, {share * 100:g}% attack lines, lines per CPU-second"
            say(f"| {title} | {rates[0]:,.0f} k | {rates[1]:,.0f} k | {slower:.2f} | {SLOWER} |")


if __name__ == "__main__":
    gc.set_threshold(20_000, 20, 20)  # as the daemon does
    measure_catalogue(print, count=150_000, runs=7)
    sys.exit(0)
