"""Where the demo is played: in private namespaces with a real firewall, or, where there are none, in mere observation.

A theatre runs the daemon, lets attackers write, and shows what came of it. The private one uses the scenario's files as
they are. The open one needs nothing but a directory for temporary files: logs are files in it, bans are only observed,
mail goes to a script; no packet is sent, no rule is made.
"""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from sekisho.cli import demo_stage
from sekisho.cli.demo_cast import Services, Strangers, Voice
from sekisho.cli.demo_script import ATTACKS, FILES, JAIL_LOCAL, doors
from sekisho.control.client import ControlError, ask

_PATIENCE = 15.0  # seconds for the daemon to begin; it takes a third of one


class TheatreError(Exception):
    """The play cannot be given; the text says why."""


class Theatre:
    """A place with a daemon in it. Use it in a `with` statement; afterwards nothing of it is left."""

    name: str
    conf: Path  # as the daemon knows it
    log: Path  # as this process reads it
    socket: Path
    mail: Path

    def __init__(self) -> None:
        self._daemon: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def command(self, *argv: str) -> list[str]:
        """Return the command that runs `argv` in this theatre."""
        return list(argv)

    def start(self) -> None:
        """Start the daemon and wait until it answers. Raises TheatreError with what it said when it does not."""
        self._daemon = subprocess.Popen(
            self.command(sys.executable, "-m", "sekisho", "run", "-c", str(self.conf)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        end = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._daemon.poll() is not None or time.monotonic() > end:
                self._daemon.kill()
                said = self._daemon.communicate()[0]
                raise TheatreError(f"the daemon did not begin: {said.strip() or self.read_log().strip()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the daemon as `fail2ban-client stop` does, and wait for its end."""
        self.ask("stop")
        if self._daemon is not None:
            self._daemon.communicate(timeout=30)

    def ask(self, *words: str) -> object:
        """Return the daemon's answer to words of fail2ban-client. Raises ControlError."""
        return ask(str(self.socket), words, timeout=15)

    def read_log(self) -> str:
        """Return the daemon's log so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def letters(self) -> list[str]:
        """Return the mail that went out, oldest first."""
        paths = sorted(self.mail.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        return [path.read_text(errors="replace") for path in paths]

    def firewall(self) -> str:
        """Return the firewall's ruleset; empty where there is none."""
        return ""

    def knock(self, ip: str, port: int) -> str | None:
        """Return what a connection from `ip` meets: `open`, `refused`, `dropped`; None where nobody can knock."""
        del ip, port
        return None

    def say(self, unit: str, line: str) -> None:
        """Let a program of `unit` write a line."""
        raise NotImplementedError

    def close(self) -> None:
        """End everything."""
        if self._daemon is not None:
            if self._daemon.poll() is None:
                self._daemon.terminate()
            try:
                self._daemon.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
                self._daemon.communicate()

    def _answers(self) -> bool:
        try:
            return self.ask("ping") is not None
        except (ControlError, OSError):
            return False


class PrivateTheatre(Theatre):
    """Namespaces of its own: a real journal, a real nftables, strangers with real connections."""

    name = "private namespaces: a real journal, real nftables, real connections"

    def __init__(self) -> None:
        super().__init__()
        try:
            self.stage = demo_stage.enter()
        except demo_stage.StageError as error:
            raise TheatreError(str(error)) from error
        self.conf = Path("/run/stage/conf")
        for name, content in FILES.items():
            _write(self.stage.path(self.conf) / name, content)
        self.log = self.stage.path("/var/log/fail2ban.log")
        self.socket = self.stage.path("/run/sekisho/sekisho.sock")
        self.mail = self.stage.path(demo_stage.MAIL)
        self._services = Services(self.stage, doors())
        self._strangers = Strangers(self.stage)
        self._voices = {unit: Voice(self.stage, unit) for unit in {attack.unit for attack in ATTACKS.values()}}

    def command(self, *argv: str) -> list[str]:
        """Return the command that runs `argv` on the stage."""
        return self.stage.inside(argv)

    def firewall(self) -> str:
        """Return the stage's ruleset."""
        return self.stage.run("nft", "list", "ruleset").stdout.strip()

    def knock(self, ip: str, port: int) -> str | None:
        """Return what a real connection meets."""
        return self._strangers.knock(ip, port)

    def say(self, unit: str, line: str) -> None:
        """Write to the journal, as syslog(3) does."""
        self._voices[unit].say(line)

    def close(self) -> None:
        """End the stage, and with it all that runs on it."""
        self.stage.close()
        for actor in (self._services, self._strangers, *self._voices.values()):
            actor.leave()
        super().close()


_OBSERVED_ACTION = """\
action = observe
         sendmail[name=%(__name__)s, dest="%(destemail)s", sender="%(sender)s", mailcmd="{mailcmd}"]"""
_MAILCMD = """\
#!/bin/sh
new=$(mktemp {mail}/new.XXXXXX) && cat >"$new" && mv "$new" "$new.eml"
"""


class OpenTheatre(Theatre):
    """A temporary directory: logs are files, bans are observed and change nothing."""

    name = "observation only: bans are decided, logged and mailed to a file, and no firewall is touched"

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory(prefix="sekisho-demo-")
        home = Path(self._directory.name)
        self.conf, self.mail = home / "conf", home / "mail"
        self.log, self.socket, self._service_log = home / "fail2ban.log", home / "sekisho.sock", home / "mail.log"
        self.mail.mkdir()
        mailcmd = home / "sendmail"
        mailcmd.write_text(_MAILCMD.format(mail=self.mail))
        mailcmd.chmod(0o755)
        self._service_log.touch()
        state = {
            "logtarget": self.log,
            "socket": self.socket,
            "pidfile": home / "pid",
            "dbfile": home / "ledger.sqlite",
        }
        observed = _OBSERVED_ACTION.format(mailcmd=mailcmd)
        here = "".join(f"[{jail}]\nbackend = auto\nlogpath = {self._service_log}\n" for jail in ATTACKS)
        files = {
            **FILES,
            "jail.local": re.sub(r"^action = .*$", lambda _: observed, JAIL_LOCAL, flags=re.MULTILINE),
            "jail.d/demo.local": f"{here}[recidive]\nlogpath = {self.log}\n",
            "fail2ban.local": "[Definition]\n" + "".join(f"{name} = {path}\n" for name, path in state.items()),
        }
        for name, content in files.items():
            _write(self.conf / name, content)

    def say(self, unit: str, line: str) -> None:
        """Write to the log file, with the time in front as rsyslog does."""
        del unit
        with self._service_log.open("a") as log:
            log.write(f"{dt.datetime.now().astimezone().isoformat(timespec='microseconds')} mail {line}\n")

    def close(self) -> None:
        """End the daemon and remove the directory."""
        super().close()
        self._directory.cleanup()


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
