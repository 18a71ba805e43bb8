"""The `fail2ban-server` that init scripts and `fail2ban-client start` call: into the background, or not (COMPAT 6.5).

In the background the command ends when the daemon is ready, with 0, or when it could not become ready, with 255: the
grandchild keeps the caller's standard error until then, so that what went wrong is on the caller's screen, and says
that it is ready through a pipe that its death closes.

Other words than `start` are the client's, which takes this process' place for them.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sekisho import __version__
from sekisho.config.load import ConfigError, find_directory
from sekisho.control.protocol import SPEAKS
from sekisho.model.invocation import Asked, Invocation, UsageError, parse_invocation, render_usage

DONE, FAILED = 0, 255
_PROGRAM = "fail2ban-server"
_CLIENT = "sekisho.cli.fail2ban_client"
_UMASK = 0o077  # socket 0700 at most, log, pid file and database 0600


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the server as the command line says; the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        invocation = parse_invocation(words)
    except UsageError as error:
        print(render_usage(_PROGRAM) if error.shows_usage else f"ERROR: {error}")
        print("Init of command line failed", file=sys.stderr)
        return FAILED
    match invocation.asked:
        case Asked.SECONDS:
            print(invocation.seconds)
        case Asked.SHORT_VERSION:
            print(SPEAKS)
        case Asked.VERSION:
            print(f"Fail2Ban v{SPEAKS} (Sekisho v{__version__})")
        case Asked.HELP:
            print(render_usage(_PROGRAM))
        case Asked.COMMAND if invocation.words in ((), ("start",)) and not invocation.tests:
            return start(invocation)
        case _:
            os.execv(sys.executable, [sys.executable, "-P", "-m", _CLIENT, *words])  # noqa: S606 - a fixed program
    return DONE


def start(invocation: Invocation) -> int:
    """Run the server in the foreground, or put it into the background and wait until it is ready."""
    try:
        directory = find_directory(invocation.directory).resolve()  # before the working directory changes
    except ConfigError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return FAILED
    absolute = {name: _absolute(name, value) for name, value in invocation.overrides.items()}

    def serve(ready: Callable[[], None]) -> int:
        from sekisho.daemon.run import serve as run

        _name_process(invocation.pname)
        return run(directory, overrides=absolute, ready=ready)

    if invocation.foreground:
        return DONE if serve(lambda: print("Server ready", flush=True)) == 0 else FAILED
    status = start_in_background(serve, timeout=float(invocation.timeout))
    if status == DONE:
        print("Server ready")
    return status


_WORDS = {"logtarget": {"STDOUT", "STDERR", "SYSOUT", "SYSLOG", "SYSTEMD-JOURNAL", "JOURNAL"}, "syslogsocket": {"AUTO"}}


def _absolute(name: str, value: str) -> str:
    """Return a path as it is from everywhere; what is no path stays what it is."""
    if name == "loglevel" or value.partition("[")[0].strip().upper() in _WORDS.get(name, ()):
        return value
    return os.path.abspath(value)  # noqa: PTH100 - Path.resolve would follow links, which a path to make may not have


def start_in_background(serve: Callable[[Callable[[], None]], int], *, timeout: float) -> int:
    """Run `serve` in a daemon; the exit status for the caller, once `serve` has said that it is ready, or has ended.

    `timeout` is how long to wait, in seconds; a server that is slower runs on, and is reported as failed.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _run_detached(serve, writer)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader, "rb", buffering=0) as pipe:  # noqa: PTH123 - a descriptor, not a path
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        if not poll.poll(timeout * 1000):
            print(f"{_PROGRAM}: not ready after {timeout:g} seconds; it goes on trying", file=sys.stderr)
            return FAILED
        return DONE if pipe.read(1) else FAILED


def _run_detached(serve: Callable[[Callable[[], None]], int], writer: int) -> None:
    """Become a daemon: a session of its own, and no leader of it, so that no terminal ever becomes its own."""
    status = FAILED
    try:
        os.setsid()
        if os.fork():
            os._exit(DONE)
        os.chdir("/")
        os.umask(_UMASK)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)

        def ready() -> None:
            sys.stderr.flush()
            os.dup2(null, 2)
            os.write(writer, b"+")
            os.close(writer)

        status = DONE if serve(ready) == 0 else FAILED
    except BaseException as error:  # noqa: BLE001 - nobody is above us: the last place that can tell
        with contextlib.suppress(OSError, ValueError):
            print(f"{_PROGRAM}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def _name_process(name: str) -> None:
    """Show the process under `name` in process lists (15 characters; proc_pid_comm(5))."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name[:15])


if __name__ == "__main__":
    sys.exit(main())
