"""Run the daemon in the foreground until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path

from sekisho.config.load import ConfigError, find_directory, load
from sekisho.control.listener import SocketInUse, refuse_unless_free
from sekisho.control.server import ControlServer
from sekisho.daemon import log as daemon_log
from sekisho.daemon.assemble import assemble, open_ledger
from sekisho.daemon.pid_file import AlreadyRunning, locked, written
from sekisho.daemon.service_manager import tell_service_manager
from sekisho.engine.api import Refused, Reload
from sekisho.engine.engine import Engine
from sekisho.ledger.ledger import Ledger
from sekisho.model.problem import Severity
from sekisho.model.specs import Configuration

EXAMPLES = """\
sekisho run                     with the configuration of this host, in the foreground
sekisho run -c ./tree -s ./s.sock -p ./s.pid --logtarget STDOUT
"""

log = logging.getLogger("fail2ban.server")

_MOST_FILES = 65536
_COLLECTIONS = (
    20_000,
    20,
    20,
)  # objects between two searches for rings of garbage: a block of lines makes many, no rings
_UMASK = 0o077  # socket, pid file, log and ledger are for root alone (COMPAT 6.5)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sekisho run`."""
    parser.add_argument("-c", "--conf", metavar="DIR", help="configuration directory")
    for short, name, text in (
        ("-s", "socket", "control socket"),
        ("-p", "pidfile", "pid file"),
        (None, "loglevel", "CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG or a number"),
        (None, "logtarget", "a file, STDOUT, STDERR, SYSOUT, SYSLOG or SYSTEMD-JOURNAL"),
        (None, "syslogsocket", "auto or a path"),
    ):
        parser.add_argument(*filter(None, (short, f"--{name}")), metavar=name.upper(), help=text)


def run(arguments: argparse.Namespace) -> int:
    """Run the daemon as the command line says; the exit status, 2 where there is no such configuration."""
    names = ("socket", "pidfile", "loglevel", "logtarget", "syslogsocket")
    overrides = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    try:
        directory = find_directory(arguments.conf)
    except ConfigError as error:
        print(f"sekisho run: {error}", file=sys.stderr)
        return 2
    return serve(directory, overrides=overrides)


def serve(directory: Path, *, overrides: Mapping[str, str], ready: Callable[[], None] | None = None) -> int:
    """Run the daemon with the tree in `directory`; 0 when it was told to stop, 1 when it could not begin.

    `ready` is called once, when every jail stands and the socket answers.
    """
    _occupy_standard_descriptors()
    _allow_many_files()
    configuration = load(directory, overrides=overrides)
    threading.stack_size(configuration.server.stacksize // 4 * 4096)  # whole pages: some systems take nothing else
    if configuration.broken:
        for problem in configuration.problems:
            if problem.severity is Severity.ERROR:
                print(f"sekisho: {problem}", file=sys.stderr)
        return 1
    os.umask(_UMASK)
    try:
        path = Path(configuration.server.pidfile)
        with locked(path) as lock:
            return _serve(directory, configuration, overrides, ready, lambda: written(lock, path))
    except (AlreadyRunning, OSError, ValueError) as error:
        print(f"sekisho: {error}", file=sys.stderr)
        return 1


def _occupy_standard_descriptors() -> None:
    """Let 0, 1 and 2 be open, whoever started us: else the ledger might become what is written to as standard error."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def _allow_many_files() -> None:
    """Raise the soft limit of open files to the hard one: each log is an open file, and a glob may mean thousands."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _serve(
    directory: Path,
    configuration: Configuration,
    overrides: Mapping[str, str],
    ready: Callable[[], None] | None,
    pid: Callable[[], contextlib.AbstractContextManager[None]],
) -> int:
    server = configuration.server
    control = daemon_log.set_up(logtarget=server.logtarget, loglevel=server.loglevel, syslogsocket=server.syslogsocket)
    try:
        # before anything is touched that belongs to another daemon, its pid file included
        refuse_unless_free(Path(server.socket))
        ledger = open_ledger(server)

        def again() -> Configuration:
            return load(directory, overrides=overrides)

        with pid():
            asyncio.run(_live(configuration, ledger=ledger, log_control=control, again=again, ready=ready))
    except SocketInUse as error:
        log.critical("%s", error)
        print(f"sekisho: {error}", file=sys.stderr)
        return 1
    finally:
        control.close()
    return 0


async def _live(
    configuration: Configuration,
    *,
    ledger: Ledger,
    log_control: daemon_log.LogControl,
    again: Callable[[], Configuration],
    ready: Callable[[], None] | None,
) -> None:
    house = assemble(configuration, ledger=ledger, load=again, log_control=log_control)
    gc.freeze()  # the house stands for as long as we live
    gc.set_threshold(*_COLLECTIONS)
    engine = house.engine
    control = ControlServer(engine, configuration.server.socket)
    _answer_signals(engine)
    try:
        if await _unless_ended(engine, engine.start()):
            await house.settle()
            await control.start()
            tell_service_manager("READY=1")
            if ready is not None:
                ready()
            await engine.ended.wait()
    finally:
        tell_service_manager("STOPPING=1")
        control.announce_stop()
        await engine.stop()
        await control.stop()
        await house.close()


async def _unless_ended(engine: Engine, start: Coroutine[object, object, None]) -> bool:
    """Return True once the start is done, False when the end is asked for first; then the start is cut off."""
    starting = asyncio.create_task(start)
    ended = asyncio.create_task(engine.ended.wait())
    await asyncio.wait({starting, ended}, return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if not starting.done():
        log.warning("Told to stop while still starting")
        starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting
    return not engine.ended.is_set()


def _answer_signals(engine: Engine) -> None:
    """TERM and INT stop, HUP reloads, USR1 reopens the log (COMPAT 6.5; HUP is ours)."""
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[object]] = set()
    others: set[asyncio.Task[object]] = set()

    def begin(work: Callable[[], Coroutine[object, object, object]], among: set[asyncio.Task[object]]) -> None:
        task = loop.create_task(work())
        among.add(task)
        task.add_done_callback(among.discard)

    async def reload() -> None:
        tell_service_manager("RELOADING=1")
        try:
            await engine.reload(Reload())
        except Refused as error:
            log.error("Reload refused, everything goes on as it was: %s", error)
        tell_service_manager("READY=1")

    def hang_up() -> None:
        """Reload, and once more after a reload under way, however often we were told meanwhile."""
        if len(reloads) < 2:
            begin(reload, reloads)

    async def reopen() -> None:
        try:
            log.info("logs: %s", await engine.flush_logs())
        except Refused as error:
            log.error("%s", error)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, engine.ended.set)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    loop.add_signal_handler(signal.SIGUSR1, begin, reopen, others)
