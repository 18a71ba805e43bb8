"""A directory in which daemons run as processes that only observe."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.support.lab import wait_for

_PATIENCE = 20  # seconds


class Host:
    """A directory with a configuration, a log, and daemons that only observe; nothing outside of it is touched."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.auth = directory / "auth.log"
        self.auth.touch()
        self.log = directory / "f.log"
        self.daemons: list[subprocess.Popen[bytes]] = []
        (directory / "action.d").mkdir()
        self.write(
            "fail2ban.local",
            f"[Definition]\ndbfile = {directory}/l.sqlite\nsocket = {directory}/s.sock\n"
            f"pidfile = {directory}/s.pid\nlogtarget = {self.log}\n",
        )
        self.jail("observe")

    def write(self, name: str, text: str) -> None:
        """Write a file of the configuration."""
        (self.directory / name).write_text(text)

    def jail(self, action: str) -> None:
        """Let there be one jail with that action."""
        self.write(
            "jail.local",
            f"[sshd]\nenabled = true\nbackend = polling\nlogpath = {self.auth}\nmaxretry = 1\naction = {action}\n",
        )

    def start(self, *options: str, shell: str = "") -> subprocess.Popen[bytes]:
        """Start a daemon; `shell` is said behind its command."""
        command = [sys.executable, "-m", "sekisho", "run", "-c", str(self.directory), *options]
        argv = ["/bin/sh", "-c", f'exec "$@" {shell}', "sh", *command] if shell else command
        daemon = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)
        self.daemons.append(daemon)
        return daemon

    def says(self, text: str) -> bool:
        """Return whether the log holds `text`."""
        return self.log.exists() and text in self.log.read_text()

    def await_log(self, text: str) -> None:
        """Wait until the log holds `text`."""
        wait_for(lambda: self.says(text), f"{text!r} in the log", _PATIENCE)

    def await_socket(self) -> None:
        """Wait until a daemon listens."""
        wait_for((self.directory / "s.sock").exists, "the socket", _PATIENCE)

    def fail(self, address: str) -> None:
        """Let a login of `address` fail."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        with self.auth.open("a") as log:
            log.write(f"{stamp} mail sshd[7]: Failed password for root from {address} port 4711 ssh2\n")
