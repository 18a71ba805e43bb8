"""Debian's programs and ours on one configuration, each server in a network namespace of its own.

Its own state lies in the directory of the configuration alone, so that any number can run beside each other.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.lab import wait_for

CLIENTS = {"theirs": ["/usr/bin/fail2ban-client"], "ours": [sys.executable, "-m", "sekisho.cli.fail2ban_client"]}
SERVERS = {"theirs": ["/usr/bin/fail2ban-server"], "ours": [sys.executable, "-m", "sekisho.daemon.fail2ban_server"]}

ASIDE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
PYTHON_ACTION = """
from fail2ban.server.action import ActionBase

class Action(ActionBase):
    def __init__(self, jail, name, colour="red"):
        super().__init__(jail, name)
        self.colour = colour
    def paint(self, colour, times=1):
        self.colour = colour * times
        return self.colour
"""


def tree(directory: Path) -> Path:
    """Make a configuration of two jails whose state lies in `directory` alone; return it."""
    conf = directory / "conf"
    for folder in ("filter.d", "action.d"):
        (conf / folder).mkdir(parents=True)
    (conf / "fail2ban.conf").write_text(
        f"[Definition]\nloglevel = INFO\nlogtarget = {directory}/f2b.log\nsyslogsocket = auto\n"
        f"socket = {directory}/f2b.sock\npidfile = {directory}/f2b.pid\ndbfile = {directory}/f2b.db\n"
        "dbmaxmatches = 10\ndbpurgeage = 1d\nallowipv6 = auto\n"
    )
    (conf / "filter.d" / "demo.conf").write_text(
        "[Definition]\nfailregex = ^ fail user=<F-USER>\\S+</F-USER> from <F-ID>\\S+</F-ID>$\n"
        "ignoreregex = user=good\\b\n"
    )
    (conf / "action.d" / "note.conf").write_text(
        "[Definition]\nactionban = true\nactionunban = true\nactionflush = true\n[Init]\ntimeout = 7\n"
    )
    (conf / "action.d" / "mine.py").write_text(PYTHON_ACTION)
    (conf / "jail.conf").write_text(
        "[DEFAULT]\nusedns = no\nbackend = polling\nmaxretry = 3\nfindtime = 1h 30m\nbantime = 3600\nfilter = demo\n"
        f"[demo]\nenabled = true\nlogpath = {directory}/demo.log\naction = note\n"
        "ignoreip = 127.0.0.1/8 ::1, 192.0.2.77\n"
        f"[ddd]\nenabled = true\nlogpath = {directory}/demo.log\n  {directory}/demo2.log\n"
        "action = note[actname=note-foo]\n  note\n"
    )
    for name in ("demo.log", "demo2.log"):
        (directory / name).touch()
    return conf


@contextlib.contextmanager
def running(whose: str, conf: Path) -> Iterator[None]:
    """Let a server run in a network namespace of its own."""
    command = ["unshare", "-n", *SERVERS[whose], "-f", "-c", str(conf), "start"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(lambda: say("ours", conf, "ping").returncode == 0, f"the server that is {whose}", 30)
            yield
        finally:
            server.terminate()
            server.wait(30)


def say(whose: str, conf: Path, *words: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    """Let a client carry out one command line."""
    command = [*CLIENTS[whose], "-c", str(conf), *words]
    return subprocess.run(command, input=typed, capture_output=True, text=True, check=False, timeout=200)


def plain(text: str, conf: Path) -> str:
    """Take from an output what no two runs share: times, places, and the order of single ignored addresses."""
    lines = ASIDE.sub("TIME", text).replace(str(conf.parent), "DIR").strip("\n").splitlines()
    if lines[:1] == ["These IP addresses/networks are ignored:"]:
        lines = [lines[0], *sorted(line[3:] for line in lines[1:])]
    return "\n".join(lines)
