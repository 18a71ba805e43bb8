"""The real thing as a peer: Debian's fail2ban-client drives our server, and our answers are beside its server's."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine, demo_jail
from tests.support.lab import wait_for
from tests.support.served import Served

from sekisho.cli.fail2ban_client import main
from sekisho.engine.api import Reload
from sekisho.model.specs import ActionSpec, LogPath, ServerSpec

CLIENT, SERVER = "/usr/bin/fail2ban-client", "/usr/bin/fail2ban-server"
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")

SHARED = """
ping
ping 5
echo a b
status
status demo
status ddd short
status demo nosuch
status nojail
banned
banned 1.2.3.4
set demo banip 192.0.2.20 192.0.2.21
set demo banip 192.0.2.20
set demo banip 192.0.2.77
set demo banip 198.51.100.0/24
set demo banip not.an.ip.invalid
set demo banip
banned
banned 192.0.2.20 1.2.3.4
get demo banned
get demo banned 192.0.2.20
get demo banned 192.0.2.20 1.2.3.4
get demo banip
get demo banip ,
get demo banip --with-time
status demo
set demo unbanip 192.0.2.20 1.1.1.1
set demo unbanip 192.0.2.20
set demo unbanip --report-absent 192.0.2.20
set demo addignoreip 10.0.0.0/8
set demo delignoreip 10.0.0.0/8
set demo delignoreip 10.0.0.0/8
get ddd ignoreip
get demo ignoreself
set demo ignoreself false
get demo ignorecommand
set demo ignorecommand "foo <ip>"
get demo bantime
set demo bantime 1h
set demo bantime 2.5
set demo bantime 1mo
set demo bantime abc
set demo findtime 10m
get demo findtime
set demo maxretry 4
set demo maxretry x
get demo maxretry
get demo maxmatches
set demo maxmatches 2
get demo maxlines
set demo maxlines 2
set demo maxlines 0
get demo usedns
set demo usedns warn
set demo usedns bogus
get demo logpath
get ddd logpath
set ddd dellogpath {dir}/demo2.log
set ddd addlogpath {dir}/demo2.log tail
set demo logencoding ascii
set demo logencoding nosuch
get demo logtimezone
set demo logtimezone UTC+0200
get demo journalmatch
get demo ignoreregex
set demo addignoreregex foo
set demo delignoreregex 9
set demo delignoreregex x
set demo delignoreregex 0
get demo prefregex
get demo datepattern
set demo datepattern "%Y-%m-%d"
set demo datepattern EPOCH
get demo actions
get ddd actions
get ddd action note actionban
get ddd action nosuch actionban
set ddd action note foo bar
set ddd addaction foo
set ddd addaction foo
set ddd delaction foo
set ddd delaction foo
set demo attempt 192.0.2.30
unban 9.9.9.9
unban --all
unban
set demo
set
get demo
get
set demo nosuch x
get demo nosuch
set nojail bantime 3
get loglevel
set loglevel DEBUG
set loglevel NOSUCH
set loglevel INFO
get logtarget
get syslogsocket
get dbfile
get dbmaxmatches
get dbpurgeage
flushlogs
sleep 0
server-status
nosuch
status demo x y
start demo
stop ddd
stop nojail
reload demo x
status
stop
"""
"""Said to both servers in this order. Not here: what differs on purpose (we show expressions as they were written)."""


def real_or_skip() -> None:
    """Skip without Debian's Fail2ban; in CI, fail."""
    if not (os.access(CLIENT, os.X_OK) and os.access(SERVER, os.X_OK)):
        if os.environ.get("CI"):
            pytest.fail("Debian's fail2ban must be installed in CI", pytrace=False)
        pytest.skip("Debian's fail2ban is not installed")


def tree(directory: Path) -> Path:
    """Make a configuration of two jails whose state lies in `directory` alone."""
    conf = directory / "conf"
    for folder in ("filter.d", "action.d"):
        (conf / folder).mkdir(parents=True)
    (conf / "fail2ban.conf").write_text(
        f"[Definition]\nloglevel = INFO\nlogtarget = {directory}/f2b.log\nsyslogsocket = auto\n"
        f"socket = {directory}/f2b.sock\npidfile = {directory}/f2b.pid\ndbfile = {directory}/f2b.db\n"
        "dbmaxmatches = 10\ndbpurgeage = 1d\nallowipv6 = auto\n"
    )
    (conf / "filter.d" / "demo.conf").write_text(
        "[Definition]\nfailregex = ^ fail user=<F-USER>\\S+</F-USER> from <HOST>$\nignoreregex = user=good\\b\n"
    )
    (conf / "action.d" / "note.conf").write_text("[Definition]\nactionban = true\nactionunban = true\n")
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


def twin(directory: Path) -> FakeEngine:
    """An engine in the state in which `tree` puts the real server."""
    quiet = {"actionban": "true", "actionunban": "true"}
    note, foo = ActionSpec("note", "note", quiet), ActionSpec("note", "note-foo", quiet)
    logs = (LogPath(f"{directory}/demo.log"), LogPath(f"{directory}/demo2.log"))
    return FakeEngine(
        specs={
            "demo": demo_jail(logpaths=logs[:1], actions=(note,)),
            "ddd": demo_jail("ddd", logpaths=logs, ignoreip=(), actions=(foo, note)),
        },
        server=ServerSpec(logtarget=f"{directory}/f2b.log", dbfile=f"{directory}/f2b.db"),
        failed=0,
        failed_total=0,
        tick=0.1,
    )


@contextlib.contextmanager
def real_server(conf: Path) -> Iterator[str]:
    """Debian's server in a network namespace of its own; its socket."""
    command = ["unshare", "-n", SERVER, "-f", "-c", str(conf), "start"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        path = str(conf.parent / "f2b.sock")
        try:
            wait_for(lambda: say_real(conf, path, ["ping"])[0] == 0, "Debian's server", 20)
            yield path
        finally:
            server.terminate()
            server.wait(20)


def say_real(conf: Path, path: str, words: list[str]) -> tuple[int, str]:
    """Let Debian's client say words to whoever listens at `path`; exit status and standard output."""
    done = subprocess.run(
        [CLIENT, "-c", str(conf), "-s", path, *words], capture_output=True, text=True, check=False, timeout=30
    )
    return done.returncode, plain(done.stdout)


def say_ours(path: str, words: list[str]) -> tuple[int, str]:
    """Let our client say the same."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
        status = main(["-s", path, *words])
    return status, plain(out.getvalue())


def plain(text: str) -> str:
    """Take from an output what no two runs share: times, and the order of single addresses in an ignore list."""
    lines = STAMP.sub("TIME", text).splitlines()
    if lines[:1] == ["These IP addresses/networks are ignored:"]:
        lines = [lines[0], *sorted(line[3:] for line in lines[1:])]
    return "\n".join(lines)


@pytest.mark.system
def test_our_answers_are_those_of_the_real_server(tmp_path: Path) -> None:
    """The same words in the same order, each side with its own client: the same output and exit status."""
    real_or_skip()
    conf = tree(tmp_path)
    differences = []
    with real_server(conf) as real, Served(tmp_path, twin(tmp_path)) as ours:
        for line in SHARED.format(dir=tmp_path).strip().splitlines():
            words = shlex.split(line)
            if words == ["stop"]:
                continue  # ours waits for the process to end, which here is the test itself
            expected, found = say_real(conf, real, words), say_ours(ours.path, words)
            if expected != found:
                differences.append(f"{line}\n  real: {expected}\n  ours: {found}")
    assert not differences, "\n".join(differences)


@pytest.mark.system
def test_the_real_client_drives_our_server(tmp_path: Path) -> None:
    """Debian's client cannot tell the difference: it prints what ours prints, each with a server of ours."""
    real_or_skip()
    conf = tree(tmp_path)
    (tmp_path / "2").mkdir()
    differences = []
    with Served(tmp_path, twin(tmp_path)) as first, Served(tmp_path / "2", twin(tmp_path)) as second:
        for line in SHARED.format(dir=tmp_path).strip().splitlines():
            words = shlex.split(line)
            expected = say_real(conf, first.path, words)
            found = say_ours(second.path, words) if words != ["stop"] else (0, "Shutdown successful")
            if expected != found:
                differences.append(f"{line}\n  its client: {expected}\n  ours: {found}")
    assert not differences, "\n".join(differences)


@pytest.mark.system
def test_a_reload_by_the_real_client_is_a_reload(tmp_path: Path) -> None:
    """It sends its own reading of the configuration, and our server reads its own."""
    real_or_skip()
    conf = tree(tmp_path)
    with Served(tmp_path, twin(tmp_path)) as served:
        assert say_real(conf, served.path, ["reload", "--restart", "demo"]) == (0, "OK")
        assert say_real(conf, served.path, ["reload"]) == (0, "OK")
        assert served.engine.calls == [("reload", Reload("demo", restart=True)), ("reload", Reload())]
