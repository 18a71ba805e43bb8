"""The lab: a mail server of a test's own, played black-box through `sekisho run` and `fail2ban-client`.

It lives on a stage (sekisho.cli.demo_stage): its own network, mounts and processes, a real journald, a real nftables.
Nothing in it outlives the `with` block, and nothing of the host is touched.
"""

from __future__ import annotations

import ast
import email.message
import email.policy
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

from sekisho.cli import demo_stage
from sekisho.cli.demo_cast import Services, Strangers, Voice
from sekisho.cli.demo_script import ATTACKS, FILES, doors

LOG = "/var/log/fail2ban.log"
_T = TypeVar("_T")


def wait_for(probe: Callable[[], _T | None], what: str, seconds: float = 10) -> _T:
    """Return the first true answer of `probe`; fails naming `what` when none comes in time."""
    end = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.01)
    return answer


class Lab:
    """The server, its log, its firewall, its mail, and the world outside."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.conf = directory / "conf"
        self.output = directory / "daemon.out"
        self.stage = demo_stage.enter()
        self._voices: dict[str, Voice] = {}
        self._services: Services | None = None
        self._strangers: Strangers | None = None
        self._daemon: subprocess.Popen[str] | None = None
        self._said = 100

    def __enter__(self) -> Self:
        self.configure({})
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.write(self.log()[-6000:])  # pytest shows it beside a failure
        sys.stdout.write(self.output.read_text()[-2000:] if self.output.exists() else "")
        for actor in (*self._voices.values(), self._services, self._strangers):
            if actor is not None:
                actor.leave()
        self.stage.close()
        if self._daemon is not None:
            self._daemon.wait(10)

    def configure(self, files: Mapping[str, str | bytes]) -> None:
        """Write files of the configuration, beside those that are there; the ledger lies with the runtime state."""
        state = "[Definition]\ndbfile = /run/sekisho/ledger.sqlite\n"
        for name, content in {"fail2ban.local": state, **files}.items():
            path = self.conf / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def play_scenario(self) -> None:
        """Put the scenario's files in place and start the daemon."""
        self.configure(FILES)
        self.start()

    # -- the daemon

    def start(self, *within: str) -> None:
        """Start `sekisho run`, behind the words of `within` where a test confines it, and wait until it answers."""
        with self.output.open("a") as output:
            self._daemon = subprocess.Popen(
                self.stage.inside([*within, sys.executable, "-m", "sekisho", "run", "-c", str(self.conf)]),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        wait_for(self._answers, "the daemon to answer", 20)

    def _answers(self) -> bool:
        assert self._daemon is not None
        assert self._daemon.poll() is None, f"the daemon ended: {self.output.read_text()[-4000:]}"
        answer = self.client("ping")
        assert "Traceback" not in answer.stderr, answer.stderr
        return answer.stdout == "Server replied: pong\n"

    def pid(self) -> int:
        """Return the daemon's process id, as processes on the stage know it."""
        return int(self.stage.path("/run/sekisho/sekisho.pid").read_text())

    def kill(self) -> None:
        """End the daemon as a power cut would."""
        assert self._daemon is not None
        assert self.stage.run("sh", "-c", f"kill -9 {self.pid()}").returncode == 0
        self._daemon.wait(10)

    def stop(self) -> None:
        """Stop the daemon by its client, and wait until it has ended with success."""
        assert self._daemon is not None
        self.ask("stop")
        assert self._daemon.wait(20) == 0, self.output.read_text()[-4000:]

    def client(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `fail2ban-client` on the stage."""
        argv = [sys.executable, "-m", "sekisho.cli.fail2ban_client", "-c", str(self.conf), *words]
        return self.stage.run(*argv)

    def sekisho(self, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `sekisho VERB` with the lab's configuration on the stage."""
        return self.stage.run(sys.executable, "-m", "sekisho", verb, "-c", str(self.conf), *words)

    def ask(self, *words: str) -> str:
        """Return what `fail2ban-client` answers to words that it must accept."""
        answer = self.client(*words)
        assert answer.returncode == 0, f"fail2ban-client {' '.join(words)}: {answer.stdout}{answer.stderr}"
        return answer.stdout.rstrip("\n")

    def banned(self) -> dict[str, set[str]]:
        """Return who is banned, by jail."""
        jails: list[dict[str, list[str]]] = ast.literal_eval(self.ask("banned"))
        return {name: set(addresses) for jail in jails for name, addresses in jail.items()}

    def failed(self, jail: str) -> int:
        """Return how many failures a jail has counted since its start."""
        found = re.search(r"Total failed:\t(\d+)", self.ask("status", jail))
        assert found is not None
        return int(found[1])

    # -- its log and mail

    def log(self) -> str:
        """Return the daemon's log so far."""
        path = self.stage.path(LOG)
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_log(self, pattern: str, what: str = "", seconds: float = 10) -> re.Match[str]:
        """Wait until a line of the log matches."""
        try:
            return wait_for(lambda: re.search(pattern, self.log()), what or pattern, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; the log ends:\n{self.log()[-3000:]}") from None

    def mails(self) -> list[email.message.EmailMessage]:
        """Return the mail that went out, oldest first; `X-Arguments` are sendmail's."""
        letters = sorted(self.stage.path(demo_stage.MAIL).glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in letters]

    # -- the firewall

    def ruleset(self) -> str:
        """Return the whole ruleset of the server, empty when there is none."""
        return self.stage.run("nft", "list", "ruleset").stdout.strip()

    def barred(self) -> dict[str, set[str]]:
        """Return what each set of the table holds; a set that holds nothing is left out."""
        answer = self.stage.run("nft", "-j", "list", "table", "inet", "sekisho")
        if answer.returncode:
            return {}
        sets = [entry["set"] for entry in json.loads(answer.stdout)["nftables"] if "set" in entry]
        return {one["name"]: {_element(item) for item in one["elem"]} for one in sets if one.get("elem")}

    # -- the world

    def open_doors(self, ports: Sequence[int] = doors()) -> None:
        """Let every port in question answer."""
        self._services = Services(self.stage, ports)

    def knock(self, source: str, port: int) -> str:
        """Try a real connection from `source`: `open`, `refused` or `dropped`."""
        if self._strangers is None:
            self._strangers = Strangers(self.stage)
        return self._strangers.knock(source, port)

    def say(self, unit: str, line: str) -> None:
        """Write a line to the journal as a process of `unit`."""
        if unit not in self._voices:
            self._voices[unit] = Voice(self.stage, unit)
        self._voices[unit].say(line)

    def attack(self, jail: str, ip: str, times: int = 3) -> None:
        """Let `ip` fail at the service that `jail` protects."""
        for _ in range(times):
            self._said += 1
            self.say(ATTACKS[jail].unit, ATTACKS[jail].text(ip, self._said))


def _element(item: object) -> str:
    """Return an element of nft's JSON as text; `elem` wraps one that has a counter or a timeout."""
    if isinstance(item, dict) and "elem" in item:
        item = item["elem"]["val"]
    if isinstance(item, dict) and "prefix" in item:
        return f"{item['prefix']['addr']}/{item['prefix']['len']}"
    return str(item)
