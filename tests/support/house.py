"""A whole engine in memory: clock, logs, firewall and ledger are fakes or private, everything between is real."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from tests.support.actions import MemoryAction
from tests.support.sources import MemoryLog, MemorySources

from sekisho.engine.engine import Engine
from sekisho.engine.parts import Parts
from sekisho.engine.quarantine import Watch
from sekisho.engine.reading import Reading
from sekisho.engine.report import Entry
from sekisho.ledger.ledger import Ledger
from sekisho.model.action import Action
from sekisho.model.address import Subject, parse_subject
from sekisho.model.origin import Origin
from sekisho.model.position import FilePosition
from sekisho.model.specs import (
    ActionSpec,
    BackendSpec,
    Configuration,
    FilterSpec,
    IgnoreCommandSpec,
    JailSpec,
    LogPath,
    ServerSpec,
)
from sekisho.model.verdict import Failure

NOW = 1_800_000_000.0
ACTION = ActionSpec("memory", "memory")
DEMO = JailSpec(
    "demo",
    FilterSpec("demo", (r"^ fail user=<F-USER>\S+</F-USER> from <HOST>$",)),
    backend=BackendSpec("polling"),
    logpaths=(LogPath("/memory.log"),),
    maxretry=3,
    findtime=600,
    bantime=3600,
    actions=(ACTION,),
)
RECIDIVE = JailSpec(
    "recidive",
    FilterSpec("recidive", (r"Ban <HOST>$",)),
    logpaths=(LogPath("/var/log/fail2ban.log"),),
    maxretry=2,
    findtime=86400,
    bantime=604800,
    actions=(ACTION,),
)


class FakeClock:
    """A clock that a test moves."""

    def __init__(self, now: float = NOW) -> None:
        self.time = now

    def now(self) -> float:
        """Return the time that was set."""
        return self.time


class FakeLogControl:
    """Takes any level and any target but `NOSUCH`."""

    def flush(self) -> str:
        """There is nothing to reopen."""
        return "flushed"

    def set_level(self, level: str) -> str:
        """Return the level."""
        if level == "NOSUCH":
            raise ValueError(f"Invalid log level {level!r}")
        return level

    def set_target(self, target: str) -> None:
        """Take it."""
        if target == "NOSUCH":
            raise FileNotFoundError(target)

    def set_syslogsocket(self, path: str) -> None:
        """Take it."""


OPENED: list[Ledger] = []
"""The ledgers of all lives in one test: the dead close nothing, so tests/engine/conftest.py does."""


def _answering() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass
class MemoryHouse:
    """One life of a daemon over a ledger file and logs that outlive it."""

    ledger_path: str
    log: MemoryLog = field(default_factory=MemoryLog)
    later: MemoryLog = field(default_factory=lambda: MemoryLog("/later.log"))
    jails: tuple[JailSpec, ...] = (DEMO,)
    server: ServerSpec = field(default_factory=ServerSpec)
    clock: FakeClock = field(default_factory=FakeClock)
    names: dict[str, frozenset[Subject]] = field(default_factory=dict)
    entries: list[str] = field(default_factory=list)
    actions: dict[str, MemoryAction] = field(default_factory=dict)
    broken: bool = False
    friends: set[str] = field(default_factory=set)
    """Whom ignorecommand exempts, once `answers` is set."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    answers: asyncio.Event = field(default_factory=_answering)
    guarded: dict[Subject, str] = field(default_factory=dict)
    """Whom no machine may bar, and why."""
    restarts: bool = False
    """Whether the init system begins a next life at once."""
    ipv6: list[str] = field(default_factory=list)
    """What the house was told of IPv6."""
    watch: Watch = lambda _: contextlib.nullcontext()

    async def start(self) -> Engine:
        """Begin; afterwards the log has been read to its end."""
        ledger = Ledger(self.ledger_path)
        OPENED.append(ledger)

        async def resolve(name: str) -> frozenset[Subject]:
            return self.names.get(name, frozenset())

        async def own() -> frozenset[Subject]:
            return frozenset({parse_subject("203.0.113.1")})

        self.engine = Engine(
            self.load(),
            Parts(
                clock=self.clock,
                ledger=ledger,
                load=self.load,
                make_action=self._make_action,
                sources=MemorySources(self.log, MemoryLog("/other.log"), self.later),
                resolve=resolve,
                own_addresses=own,
                guarded=lambda: dict(self.guarded),
                write=self._write,
                log_control=FakeLogControl(),
                watch=self.watch,
                ignores=self._ignores,
                allow_ipv6=self.ipv6.append,
                is_restarting=self._is_restarting,
                origins=self._origins,
            ),
        )
        await self.engine.start()
        await self.settled()
        return self.engine

    def load(self) -> Configuration:
        """Return the configuration as it now is."""
        return Configuration(self.server, self.jails, broken=self.broken)

    def _make_action(self, jail: JailSpec, spec: ActionSpec) -> Action:
        if spec.name == "nosuch":
            raise ValueError("no action is built in under the name 'nosuch'")
        return self.actions.setdefault(jail.name, MemoryAction())

    async def _ignores(self, spec: IgnoreCommandSpec, failure: Failure) -> bool:
        self.asked.append((spec.command, failure.subject.text))
        await self.answers.wait()
        return failure.subject.text in self.friends

    async def _is_restarting(self) -> bool:
        return self.restarts

    async def _origins(self, subjects: Sequence[Subject]) -> Sequence[Origin]:
        return [Origin("64500", "US", "arin") for _ in subjects]

    def _write(self, entries: Sequence[Entry]) -> None:
        self.entries += [text for entry in entries for text in entry.texts]

    async def fails(self, *hosts: str, ago: float = 0) -> None:
        """Let a failure of each host be logged, `ago` seconds before now, and be digested."""
        for host in hosts:
            self.log.write(f"{int(self.clock.time - ago)} fail user=x from {host}")
        await self.settled()

    async def settled(self) -> None:
        """Wait until every line has been digested and every action is idle."""
        await until(lambda: all(self._has_read(reading) for reading in self.engine.readings))
        for jail in self.engine.jails.values():
            for worker in jail.workers:
                await worker.drained()

    def _has_read(self, reading: Reading) -> bool:
        lines = len(self.log.lines) if reading.source is self.log else 0
        at = reading.position.offset if isinstance(reading.position, FilePosition) else 0
        return reading.caught_up.is_set() and at == lines

    def held(self, jail: str = "demo") -> set[str]:
        """Return whom the jail's firewall bars."""
        return {subject.text for subject in self.actions[jail].held}

    def die(self) -> None:
        """Be killed: nothing is said to anybody, what was in memory is gone; the firewall stays as it is."""
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    def next_life(self) -> MemoryHouse:
        """Return the daemon that is started after this one's end."""
        return replace(self, entries=[])


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until `condition` holds; the test's own time limit ends a wait in vain."""
    while not condition():  # noqa: ASYNC110 - a fake's state has no event to wait for
        await asyncio.sleep(0)


def run(play: Awaitable[None]) -> None:
    """Play on a loop of its own."""

    async def whole() -> None:
        await play

    asyncio.run(whole())
