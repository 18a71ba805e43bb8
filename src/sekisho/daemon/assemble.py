"""Puts the house together: the only module that knows every class."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from sekisho.daemon.facts import Facts
from sekisho.daemon.firewalls import NATIVE, Firewalls
from sekisho.daemon.guard import LineGuard
from sekisho.daemon.log import LogControl
from sekisho.daemon.service_manager import is_restarting
from sekisho.enforce.commands import CommandAction
from sekisho.enforce.cutter import Cutter
from sekisho.enforce.fence import Fence
from sekisho.enforce.ignorecommand import IgnoreCommands
from sekisho.enforce.observe import ObserveAction
from sekisho.enforce.python_action import PythonAction
from sekisho.enforce.runner import Runner
from sekisho.enforce.table import NftTable
from sekisho.engine.clock import SystemClock
from sekisho.engine.engine import Engine
from sekisho.engine.parts import Parts
from sekisho.engine.report import Entry
from sekisho.ledger.ledger import Ledger
from sekisho.lookup.country import Countries
from sekisho.lookup.cymru import find_origins
from sekisho.lookup.dns import Resolver
from sekisho.lookup.guarded import Guarded
from sekisho.lookup.own import has_ipv6, read_own_host
from sekisho.lookup.services import with_known_ports
from sekisho.lookup.whois import Whois, find_whois
from sekisho.model.action import Action
from sekisho.model.address import Subject
from sekisho.model.specs import ActionSpec, Configuration, JailSpec, ServerSpec
from sekisho.sources.globs import Globs
from sekisho.sources.journal import JournalSource
from sekisho.sources.tail import FileSource
from sekisho.sources.watch import PollingWatcher, Watcher

log = logging.getLogger("fail2ban.server")


@dataclass(frozen=True, slots=True)
class House:
    """An assembled daemon: its engine, what to do once that has started, and how to let go of everything else."""

    engine: Engine
    settle: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]


def open_ledger(server: ServerSpec) -> Ledger:
    """Open the ledger; one that cannot be read is put aside and begun anew, which the log says loudly.

    Where there is no place for one (a full disk, a read-only file system) it is kept in memory: a host that forgets its
    bans at the next start is better off than one that bans nobody. Raises ValueError when a newer release wrote it.
    """
    try:
        return Ledger(server.dbfile, most_matches=server.dbmaxmatches)
    except (sqlite3.OperationalError, OSError) as error:
        what = "The ledger %s cannot be used (%s); until the next start, bans are remembered in memory only"
        log.critical(what, server.dbfile, error)
        return Ledger(None, most_matches=server.dbmaxmatches)
    except sqlite3.DatabaseError as error:
        assert server.dbfile is not None  # memory is always in order
        broken = Path(server.dbfile)
        aside = broken.with_name(f"{broken.name}.broken-{int(SystemClock().now())}")
        broken.rename(aside)
        what = "The ledger %s cannot be read (%s); it lies now at %s, and a new one is begun"
        log.critical(what, broken, error, aside)
        return Ledger(server.dbfile, most_matches=server.dbmaxmatches)


def assemble(
    configuration: Configuration, *, ledger: Ledger, load: Callable[[], Configuration], log_control: LogControl
) -> House:
    """Return a daemon for `configuration` that has not begun yet."""
    clock = SystemClock()
    resolver = Resolver(ipv6=_uses_ipv6(configuration.server.allowipv6))
    whois = Whois(program=find_whois())
    watchers = Watchers()
    table = NftTable()
    firewalls = Firewalls(table=table, fence=Fence(), cutter=Cutter(), clock=clock.now)
    runner = Runner()
    actions = Actions(
        firewalls=firewalls,
        runner=runner,
        whois=whois,
        country=Countries(),
        clock=clock.now,
        resolver=resolver,
        facts=Facts(lambda jail: engine.jail_status(jail), ledger, resolver),  # noqa: PLW0108 - made further below
    )

    async def own_addresses() -> frozenset[Subject]:
        return (await read_own_host(resolver)).subjects

    def write(entries: Sequence[Entry]) -> None:
        write_entries(entries, log_control)

    def allow_ipv6(mode: str) -> None:
        resolver.ipv6 = _uses_ipv6(mode)

    engine = Engine(
        configuration,
        Parts(
            clock=clock,
            ledger=ledger,
            load=load,
            make_action=actions.make,
            sources=watchers,
            resolve=resolver.resolve,
            own_addresses=own_addresses,
            guarded=Guarded().look,
            write=write,
            log_control=log_control,
            watch=LineGuard(),
            ignores=IgnoreCommands(runner, clock=clock.now).ignores,
            allow_ipv6=allow_ipv6,
            is_restarting=is_restarting,
            origins=find_origins,
        ),
    )

    table.guard(engine.housekeeping.alarm)

    async def close() -> None:
        watchers.close()
        firewalls.close()
        await whois.close()
        await resolver.close()

    return House(engine, firewalls.settle, close)


def _uses_ipv6(mode: str) -> bool:
    return has_ipv6() if mode == "auto" else mode == "yes"


def write_entries(entries: Sequence[Entry], log_control: LogControl) -> None:
    """Write log lines, runs of one kind in one go."""
    for (logger, level), run in groupby(entries, key=itemgetter(0, 1)):
        log_control.write_batch(logger, level, [text for entry in run for text in entry.texts])


class Watchers:
    """Opens sources; all files share one watcher (`engine.readings.Sources`)."""

    def __init__(self) -> None:
        self._globs = Globs()
        self._watcher = Watcher()
        self._poller = PollingWatcher()

    def file(self, path: str, date_of: Callable[[bytes], float | None], *, polling: bool) -> FileSource:
        """Return the source of one log file."""
        return FileSource(path, watcher=self._poller if polling else self._watcher, date_of=date_of)

    def journal(self, options: Mapping[str, str], matches: Sequence[Sequence[str]]) -> JournalSource:
        """Return the source of a journal."""
        return JournalSource(options=options, matches=matches)

    def expand(self, pattern: str) -> Sequence[str]:
        """Return the paths that a glob names now."""
        return self._globs.expand([pattern])

    def close(self) -> None:
        """Let go of inotify."""
        self._watcher.close()
        self._poller.close()


@dataclass(frozen=True, slots=True)
class Actions:
    """Makes the actions that jails ask for."""

    firewalls: Firewalls
    runner: Runner
    whois: Whois
    country: Countries
    clock: Callable[[], float]
    resolver: Resolver
    facts: Facts

    def make(self, jail: JailSpec, spec: ActionSpec) -> Action:
        """Return the action that `spec` describes; raises ValueError when it cannot be one."""
        match spec.native:
            case None:
                return CommandAction(
                    spec=ActionSpec(spec.name, spec.actname, with_known_ports(spec.properties)),
                    jail=jail.name,
                    runner=self.runner,
                    clock=self.clock,
                    facts=partial(self.facts.answers, jail.name),
                    allow_ipv6=self.resolver.ipv6,
                )
            case native if native in NATIVE:
                return self.firewalls.make(jail, spec)
            case "python":
                return PythonAction(spec, jail=jail.name, facts=partial(self.facts.answers, jail.name))
            case "observe":
                return ObserveAction(jail=jail.name, actname=spec.actname)
            case "mail":
                from sekisho.notify.mail import MailAction  # a twentieth of a start's time

                return MailAction(
                    spec,
                    jail=jail.name,
                    clock=self.clock,
                    whois=self.whois,
                    country=self.country,
                    facts=partial(self.facts.answers, jail.name),
                )
            case "http" | "cloudflare-list":
                from sekisho.notify.cloudflare_list import CloudflareList  # as above
                from sekisho.notify.http_action import HttpAction

                service = HttpAction if spec.native == "http" else CloudflareList
                return service(spec, jail=jail.name, clock=self.clock)
            case other:
                raise ValueError(f"no action is built in under the name {other!r}")
