"""Who plays on the stage: services that listen, strangers that knock, and programs that write to the journal.

Each role is a process on the stage (`python -m sekisho.cli.demo_cast ROLE ...`) that takes a line, acts, and answers
with a line; its class is the hand outside.

The journal's trusted fields cannot be claimed by a client: journald reads `_SYSTEMD_UNIT` from `/proc/PID/cgroup` of
the process that wrote. So a Voice binds a file of its own over that very path, in the stage's private mounts, and from
then on its lines come from `postfix.service` for every reader, through the real socket of a real journald.
"""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from sekisho.cli.demo_stage import OUTSIDE_NETWORK, SERVER, SERVER6, Stage, StageError

_PATIENCE = 0.4  # seconds until an unanswered SYN counts as dropped; on a veth pair an answer takes microseconds


class Actor:
    """A role at work: one line in, one line out."""

    def __init__(self, stage: Stage, *role: str, network: str | None = None) -> None:
        self._process = stage.start(sys.executable, "-m", "sekisho.cli.demo_cast", *role, network=network)
        self.role = role
        self._answer()

    def ask(self, line: str) -> str:
        """Return the answer to `line`. Raises StageError when the actor is gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
        except BrokenPipeError as error:
            raise StageError(f"{self.role[0]} left the stage") from error
        return self._answer()

    def leave(self) -> None:
        """End the role."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            raise StageError(f"{self.role[0]} left the stage")
        return answer.strip()


class Services(Actor):
    """Every given TCP port of the server answers, over both families, with a greeting."""

    def __init__(self, stage: Stage, ports: Iterable[int]) -> None:
        super().__init__(stage, "serve", *map(str, ports))


class Strangers(Actor):
    """Any address of the world outside, at will."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, "knock", network=OUTSIDE_NETWORK)

    def knock(self, source: str, port: int) -> str:
        """Try a TCP connection from `source` to a port of the server: `open`, `refused` or `dropped`."""
        return self.ask(f"{source} {SERVER6 if ':' in source else SERVER} {port}")


class Voice(Actor):
    """A program of a systemd unit that writes to the journal as syslog(3) does."""

    def __init__(self, stage: Stage, unit: str) -> None:
        super().__init__(stage, "speak", unit)

    def say(self, line: str) -> None:
        """Write `IDENTIFIER[PID]: message`; when this returns, journald has been handed it."""
        self.ask(line)


def play_serve(ports: list[str]) -> None:
    """Greet whoever connects, on each port, until standard input ends."""
    chosen = selectors.DefaultSelector()
    for port in ports:
        listener = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
        chosen.register(listener, selectors.EVENT_READ, listener)
    chosen.register(sys.stdin, selectors.EVENT_READ, None)
    print("ready", flush=True)
    while True:
        for key, _ in chosen.select():
            if key.data is None:
                return
            guest, _ = key.data.accept()
            with guest:
                guest.sendall(b"220 mail.example.com\r\n")


def play_knock(_: list[str]) -> None:
    """For each line `SOURCE TARGET PORT`, say what a connection meets."""
    print("ready", flush=True)
    for line in sys.stdin:
        source, target, port = line.split()
        print(_knock(source, target, int(port)), flush=True)


def _knock(source: str, target: str, port: int) -> str:
    try:
        with socket.create_connection((target, port), _PATIENCE, (source, 0)) as door:
            return "open" if door.recv(4) else "closed"
    except TimeoutError:
        return "dropped"
    except OSError:
        return "refused"


def play_speak(role: list[str]) -> None:
    """Say each line of standard input to the journal, as a process of the unit named."""
    unit = role[0]
    papers = Path(f"/run/stage/{os.getpid()}.cgroup")
    papers.write_text(f"1:name=systemd:/system.slice/{unit}\n0::/system.slice/{unit}\n")
    subprocess.run(["mount", "--bind", str(papers), f"/proc/{os.getpid()}/cgroup"], check=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.connect("/dev/log")
        print("ready", flush=True)
        for line in sys.stdin:
            log.send(b"<22>" + line.rstrip("\n").encode())  # facility mail, severity info (RFC 3164)
            print("said", flush=True)


_ROLES = {"serve": play_serve, "knock": play_knock, "speak": play_speak}

if __name__ == "__main__":
    _ROLES[sys.argv[1]](sys.argv[2:])
