"""The `fail2ban-client` that administrators and scripts know: same options, same words, same texts, same exit status.

Words go to the server as they are; `start`, `restart`, `reload`, `stop`, `ping` and `help` have a part that only the
client can do. Answers are printed as Fail2ban prints them (`beautify`); remarks and errors go to standard error in its
log's format (COMPAT 6.1). The exit status is 0 or 255, nothing else.

Started often, by hand and by scripts, so it imports what it needs where it needs it, and never asyncio or rich.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from sekisho import __version__
from sekisho.cli import offline
from sekisho.cli.beautify import beautify
from sekisho.cli.offline import Failed, complain
from sekisho.cli.socket_path import find_socket
from sekisho.control.client import (
    SPEAKS,
    ControlError,
    Kind,
    NoServer,
    Said,
    ServerError,
    Value,
    help_text,
    say,
    wait_end,
)
from sekisho.model.invocation import Asked, Invocation, UsageError, parse_invocation, render_options, render_usage

if TYPE_CHECKING:
    from pathlib import Path

DONE, FAILED = 0, 255
_PROGRAM = "fail2ban-client"
_PATIENT = ("reload", "start", "stop", "sleep")  # words that may take as long as they need


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    try:
        invocation = parse_invocation(sys.argv[1:] if arguments is None else arguments)
    except UsageError as error:
        print(usage() if error.shows_usage else f"ERROR: {error}")
        print("Init of command line failed", file=sys.stderr)
        return FAILED
    try:
        return _Client(invocation).run()
    except KeyboardInterrupt:
        return FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads; say nothing at exit either
        return FAILED


def usage() -> str:
    """Return the whole help: options, and every word of the server's table."""
    about = f"Sekisho v{__version__}, speaking the words of Fail2Ban v{SPEAKS}"
    return f"{render_usage(_PROGRAM)}\n\nCommands:\n{help_text()}\n\n{about}"


class _Client:
    """One command line being carried out."""

    def __init__(self, invocation: Invocation) -> None:
        self.invocation = invocation
        self._socket = invocation.overrides.get("socket", "")

    def run(self) -> int:
        """Do what is asked for; the exit status."""
        asked = self.invocation.asked
        if asked is Asked.SECONDS:
            print(self.invocation.seconds)
        elif asked is Asked.SHORT_VERSION:
            print(SPEAKS)
        elif asked is Asked.VERSION:
            print(f"Fail2Ban v{SPEAKS} (Sekisho v{__version__})")
        elif asked is Asked.HELP:
            print(usage())
        else:
            return self._guarded(self._run_asked)
        return DONE

    def _guarded(self, action: object, *arguments: object) -> int:
        """Call `action`; say what went wrong in the words that people and scripts know."""
        try:
            return action(*arguments)  # type: ignore[operator,no-any-return]
        except Failed as error:
            if error.shown:
                print(error.shown)
            complain("ERROR", str(error))
        except ServerError as error:
            complain("ERROR", f"NOK: ({error.detail!r},)")
            print(error)
        except ControlError as error:
            complain("ERROR", str(error))
        return FAILED

    def _run_asked(self) -> int:
        invocation = self.invocation
        if invocation.tests:
            offline.test(self.directory, invocation.overrides)
            if not invocation.words and invocation.asked is Asked.COMMAND:
                print("OK: configuration test is successful")
                return DONE
        match invocation.asked:
            case Asked.DUMP | Asked.DUMP_PRETTY as form:
                offline.dump(self.directory, invocation.overrides, is_pretty=form is Asked.DUMP_PRETTY)
                return DONE
            case Asked.INTERACTIVE:
                return self._interact()
            case _:
                return self.say(invocation.words)

    # --- where and how the server is reached --------------------------------------------------------------------

    @property
    def socket(self) -> str:
        """The server's socket: the command line's, else what fail2ban.conf says."""
        if not self._socket:
            self._socket = find_socket(self.invocation.directory) or ""
        if not self._socket:
            from sekisho.config.load import load_server

            self._socket = load_server(self.directory, overrides=self.invocation.overrides).socket
        return self._socket

    @property
    def directory(self) -> Path:
        """The configuration directory, which exists."""
        return offline.find(self.invocation.directory)

    def ask(self, words: Sequence[str], *more: Value, timeout: float | None = None) -> Said:
        """Say `words`, and what comes after them, to whichever server listens."""
        patience = None if words[0] in _PATIENT else float(self.invocation.timeout)
        return say(self.socket, words, *more, timeout=timeout or patience, by=_by())

    def _ping(self) -> Said | None:
        """Return what the server says; None where there is none."""
        try:
            return self.ask(["ping"], timeout=min(5.0, float(self.invocation.timeout)))
        except NoServer:
            return None

    # --- the words ----------------------------------------------------------------------------------------------

    def say(self, words: Sequence[str]) -> int:  # noqa: PLR0911 - a row for each word that is ours
        """Carry out one command; the exit status."""
        match list(words):
            case []:
                print(usage())
                return FAILED
            case ["start"]:
                return self._start()
            case ["stop"]:
                return self._stop()
            case ["restart"]:
                self._guarded(self._stop, "--keep")
                return self._start()
            case ["restart", *rest]:
                return self._reload(["--restart", *rest])
            case ["reload", *rest]:
                return self._reload(rest)
            case ["help"]:
                print(usage())
                return DONE
            case _:
                return self._pass_on(words)

    def _pass_on(self, words: Sequence[str]) -> int:
        """Let the server act on the words, and print what it answers."""
        timeout = float(words[1]) if words[0] == "ping" and len(words) > 1 and words[1].isdecimal() else None
        try:
            answer = self.ask(words, timeout=timeout)
        except NoServer as error:
            if not error.stale:
                raise
            dead = f"[Errno {error.reason.errno}] {error.reason.strerror}"
            raise Failed(dead if words[0] == "ping" else f"[{dead}] Unable to contact server. Is it running?") from None
        unicode = (sys.stdout.encoding or "").lower().startswith("utf")
        print(beautify(words, answer.value, unicode=unicode))
        self._remark(answer)
        return DONE

    def _remark(self, answer: Said) -> None:
        if self.invocation.verbosity < 1:
            return
        for note in answer.notes:
            level, _, text = note.partition(" ")
            complain(level, text)

    def _start(self) -> int:
        if self._ping():
            raise Failed("Server already running")
        if os.path.exists(self.socket) and not self.invocation.force:
            raise Failed("Fail2ban seems to be in unexpected state (not running but the socket exists)")
        server = [sys.executable, "-P", "-m", "sekisho.daemon.fail2ban_server", *render_options(self.invocation)]
        if self.invocation.foreground:
            _become([*server, "-f", "start"])
        import subprocess

        sys.stdout.flush()
        nothing = subprocess.DEVNULL
        ended = subprocess.run([*server, "-b", "start"], check=False, stdin=nothing, stdout=nothing)
        if ended.returncode != DONE:
            raise Failed("Could not start server; the lines above and its log tell why")
        self.ask(["ping"])
        print("Server ready")
        return DONE

    def _stop(self, *options: str) -> int:
        timeout = float(self.invocation.timeout)
        server = self._ping() if options else None  # only ours knows of options
        try:
            words = ["stop"] if server is None or server.is_foreign else ["stop", *options]
            gone = wait_end(self.socket, words, timeout=timeout, by=_by())
        except NoServer as error:
            if not error.stale:
                raise
            reason = f"[Errno {error.reason.errno}] {error.reason.strerror}"
            raise Failed(f"[{reason}] Unable to contact server. Is it running?") from None
        if not gone:
            raise Failed(f"Server was told to stop, and still runs after {timeout:g} seconds")
        print("Shutdown successful")
        return DONE

    def _reload(self, rest: Sequence[str]) -> int:
        jails = [word for word in rest if word not in ("--all", "--restart", "--unban", "--if-exists")]
        if len(jails) > 1:
            raise Failed(f"Unexpected argument(s) for reload: {jails!r}")
        server = self._ping()
        if server is None:
            raise Failed("Could not find server")
        try:
            answer = self._reload_foreign(rest, jails) if server.is_foreign else self.ask(["reload", *rest])
        except ServerError as error:
            unknown = error.kind is Kind.UNKNOWN_JAIL
            reason = f"No section: {error.detail!r}" if unknown else str(error)
            raise Failed(f"Failed during configuration: {reason}") from None
        if self.invocation.asked is Asked.INTERACTIVE:
            print("  ## reload ... ")
        print(beautify(["reload", *rest], answer.value))
        self._remark(answer)
        return DONE

    def _reload_foreign(self, rest: Sequence[str], jails: Sequence[str]) -> Said:
        """Let Fail2ban's server reload: it is told what the tree stands for, since it does not read it itself."""
        found = offline.read(self.directory, self.invocation.overrides)
        if jails and jails[0] not in found.enabled and "--if-exists" not in rest:
            raise Failed(f"Failed during configuration: No section: {jails[0]!r}")
        options = [word for word in rest if word in ("--restart", "--unban", "--if-exists")]
        commands = [command for command in offline.stream(found) if not jails or command[1] == jails[0]]
        return self.ask(["reload", jails[0] if jails else "--all"], options, commands)

    def _interact(self) -> int:
        """Read commands until the input ends; errors end none of it."""
        import shlex

        if self.invocation.words:
            self._guarded(self.say, self.invocation.words)
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - its import is what gives input() a history
        print(f"Sekisho v{__version__}: the words of fail2ban-client; help, exit")
        while True:
            try:
                words = shlex.split(input("fail2ban> "))
            except EOFError:
                print()
                return DONE
            except ValueError as error:  # a quote that is not closed
                complain("ERROR", str(error))
                continue
            if words[:1] in (["exit"], ["quit"]):
                return DONE
            if words:
                self._guarded(self.say, words)


def _by() -> str:
    """Return who is at the keyboard, for the server's log; the kernel tells it the uid besides."""
    return next((os.environ[name] for name in ("SUDO_USER", "DOAS_USER", "USER") if os.environ.get(name)), "")


def _become(command: list[str]) -> NoReturn:
    """Put `command` in this process' place."""
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606 - a fixed program, and words that are never read by a shell


if __name__ == "__main__":
    sys.exit(main())
