"""The one owner of live state, and what it answers to people (`EngineApi`)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from sekisho import __version__
from sekisho.engine.account import Account
from sekisho.engine.api import EngineStatus, JailStatus, Refused, Reload, Reloaded, UnknownJail
from sekisho.engine.difference import wanted_jails
from sekisho.engine.housekeeping import Housekeeping
from sekisho.engine.jail import Jail
from sekisho.engine.lifecycle import Lifecycle
from sekisho.engine.parts import Parts
from sekisho.engine.pipeline import Pipeline
from sekisho.engine.preview import LIVE_SERVER, Standing, preview, preview_server, refusals
from sekisho.engine.readings import Readings
from sekisho.engine.report import FILTER, INFO, Entry, local_time
from sekisho.engine.roster import Roster
from sekisho.model.address import Family, Subject
from sekisho.model.duration import Seconds
from sekisho.model.problem import Problem, Severity
from sekisho.model.specs import Configuration, JailSpec, ServerSpec
from sekisho.model.verdict import Ban, Cause, Failure, Release, Unban

log = logging.getLogger("fail2ban.server")

PATIENCE = 2.0
"""Seconds that a ban by hand waits for the firewall before it answers; it goes on all the same."""

_PORTION = 500  # bans lifted in one go, which takes some milliseconds

_IN_ERROR = "its new configuration is in error"

_LAST_PATIENCE = 22.0
"""Seconds for all actions of all jails at the end; sekisho.service has us killed after 30 s."""


class Engine:
    """A running Sekisho. Everything happens on one loop; changes by people take turns."""

    def __init__(self, configuration: Configuration, parts: Parts) -> None:
        self._parts = parts
        self._configuration = configuration
        self.jails: dict[str, Jail] = {}
        self._started = parts.clock.now()
        self._turn = asyncio.Lock()
        self._changing: asyncio.Task[object] | None = None  # whose turn it is
        self.ended = asyncio.Event()
        self._pipeline = Pipeline(
            jails=self.jails,
            account=Account(parts.ledger, parts.clock),
            clock=parts.clock,
            resolve=parts.resolve,
            write=parts.write,
            chance=parts.chance,
            ignores=parts.ignores,
        )
        self.readings = Readings(
            parts.sources, self.jails, pipeline=self._pipeline, clock=parts.clock, watch=parts.watch
        )
        self._lifecycle = Lifecycle(
            jails=self.jails,
            pipeline=self._pipeline,
            clock=parts.clock,
            make_action=parts.make_action,
            write=parts.write,
            server=configuration.server,
        )
        self.housekeeping = Housekeeping(
            jails=self.jails,
            pipeline=self._pipeline,
            readings=self.readings,
            ledger=parts.ledger,
            clock=parts.clock,
            server=configuration.server,
            resolve=parts.resolve,
            own_addresses=parts.own_addresses,
        )
        self._roster = Roster(self.jails, self._lifecycle, self.housekeeping, self.readings)

    async def start(self) -> None:
        """Start every jail, then read the logs."""
        async with self._turn:
            log.info("Starting Sekisho v%s", __version__)
            self._report_problems(self._configuration.problems)
            await self._roster.begin(self._configuration.jails)
            self.housekeeping.start()

    async def stop(self) -> None:
        """End everything: logs first, then the bans in the firewall; the ledger keeps them.

        A change that hangs in an action is cut off, and so is an action that does not let go: an end is an end.
        """
        log.info("Shutdown in progress...")
        if self._changing is not None and not (await asyncio.wait({self._changing}, timeout=PATIENCE))[0]:
            log.warning("A change by hand is still under way; it is cut off")
            self._changing.cancel()
        async with self._turn:
            await self.housekeeping.stop()
            await self.readings.stop()
            await self._pipeline.close()
            log.info("Stopping all jails")
            stops = [asyncio.create_task(self._lifecycle.stop(name)) for name in list(self.jails)]
            if stops:
                _, late = await asyncio.wait(stops, timeout=_LAST_PATIENCE)
                for task in late:
                    task.cancel()
                await asyncio.gather(*stops, return_exceptions=True)
            if self.jails:
                log.error("Some bans may have been left in the firewall: %s", ", ".join(self.jails))
            self._parts.ledger.close()
            log.info("Exiting Sekisho")

    @contextlib.asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        async with self._turn:
            if self.ended.is_set():
                raise Refused("The server is stopping")
            self._changing = asyncio.current_task()
            try:
                yield
            finally:
                self._changing = None

    def _report_problems(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            level = logging.ERROR if problem.severity is Severity.ERROR else logging.WARNING
            log.log(level, "%s", problem)

    def _jail(self, name: str) -> Jail:
        jail = self.jails.get(name)
        if jail is None:
            raise UnknownJail(name)
        return jail

    # What people ask

    @property
    def server(self) -> ServerSpec:
        """The server's settings in force."""
        return self._configuration.server

    def status(self) -> EngineStatus:
        """How the whole stands."""
        problems = (*self._configuration.problems, *self._roster.refused.values())
        return EngineStatus(__version__, self._started, tuple(self.jails), problems)

    def jail_status(self, jail: str) -> JailStatus:
        """How one jail stands."""
        return self._jail(jail).status()

    def jail_spec(self, jail: str) -> JailSpec:
        """Return one jail's specification in force."""
        return self._jail(jail).spec

    def expressions(self, jail: str, option: str) -> Sequence[str]:
        """Return a jail's `prefregex`, `failregex` or `ignoreregex` as they are matched."""
        rules = self._jail(jail).compiled
        chosen = {
            "prefregex": () if rules.prefix is None else (rules.prefix,),
            "failregex": rules.rules,
            "ignoreregex": rules.ignores,
        }[option]
        return [rule.pattern.pattern for rule in chosen]

    def bans_of(self, subject: Subject) -> Mapping[str, Ban]:
        """Return the bans that bar `subject` exactly, by jail."""
        found = ((name, jail.standing.get(subject)) for name, jail in self.jails.items())
        return {name: ban for name, ban in found if ban is not None}

    # What people change

    async def ban(
        self, jail: str, subjects: Sequence[Subject], *, duration: Seconds | None = None, reason: str = ""
    ) -> int:
        """Bar subjects by hand; the number newly banned. Waits for the firewall, within reason."""
        target = self._jail(jail)
        length = target.spec.bantime if duration is None else duration
        now = self._parts.clock.now()
        banned = sum(
            self._pipeline.ban_by_hand(
                target,
                Ban(jail, subject, now, length, cause=Cause.BY_HAND, reason=reason),
                is_exact=duration is not None,
            )
            for subject in subjects
        )
        self._pipeline.settle()
        await _patiently([target])
        return banned

    async def unban(self, jail: str | None, subjects: Sequence[Subject] | None) -> Sequence[Ban]:
        """Lift and forget the bans that `subjects` cover (None: all) in one jail (None: in all); those lifted."""
        targets = list(self.jails.values()) if jail is None else [self._jail(jail)]
        wanted = None if subjects is None else [*subjects, *await self._named(subjects)]
        lifted: list[Ban] = []
        for target in targets:
            covered = list(target.standing) if wanted is None else target.standing.covered(wanted)
            async for portion in _portions(covered):
                for ban in portion if self.jails.get(target.name) is target else ():
                    standing = target.standing.get(ban.subject)  # what was prolonged or ended meanwhile
                    if standing is not None:
                        self._pipeline.unban(target, Unban(standing, Release.BY_HAND))
                        lifted.append(standing)
                self._pipeline.settle()
            self._pipeline.forget(target, wanted)
        self._pipeline.settle()
        await _patiently(targets)
        return lifted

    async def _named(self, subjects: Sequence[Subject]) -> list[Subject]:
        """Return the addresses of those subjects that are host names and no jail's identifiers."""
        names = [subject.text for subject in subjects if subject.family is Family.OTHER and not self.bans_of(subject)]
        return [address for name in names for address in await self._parts.resolve(name)]

    def doubtful(self) -> int:
        """Return of how many subjects a jail's ignorecommand is being asked."""
        return self._pipeline.doubtful()

    async def attempt(self, jail: str, subject: Subject, lines: Sequence[str]) -> int:
        """Count a failure by hand (COMPAT 3.1); 1, or 0 when the subject is ignored."""
        now = self._parts.clock.now()
        entry = Entry(FILTER, INFO, (f"[{jail}] Attempt {subject} - {local_time(now)}",))
        target = self._jail(jail)
        self._parts.write([entry])
        failure = Failure(jail, subject, now, tuple(lines))
        return int(await self._pipeline.attempt(target, failure, weight=max(1, len(lines))))

    async def change(self, jail: str, spec: JailSpec) -> None:
        """Replace a jail's specification by hand, until the next reload."""
        async with self._in_turn():
            self._jail(jail)
            await self._roster.change(spec)

    async def reload(self, request: Reload) -> Reloaded:
        """Read the configuration again and apply the difference, unless it is a dry run; what it comes to.

        A jail that runs and whose new specification is wrong goes on as it is (DESIGN section 3, "Where we differ").
        """
        async with self._in_turn():
            fresh = await asyncio.to_thread(self._parts.load)
            running = {name: jail.spec for name, jail in self.jails.items()}
            wanted = wanted_jails(request, fresh, running)
            before = Standing(running, {name: len(jail.standing) for name, jail in self.jails.items()})
            server = preview_server(self._configuration.server, fresh.server) if request.jail is None else ()
            ill = [name for name in fresh.failed if name in running and request.jail in (None, name)]
            if request.dry_run:
                refused = dict.fromkeys(ill, _IN_ERROR) | refusals(running, wanted, now=self._parts.clock.now())
                return Reloaded(preview(before, wanted, request, refused), server, fresh.problems)
            self._report_problems(fresh.problems)
            chosen = [name for name in running if name in wanted and request.jail in (None, name)]
            for name in chosen if request.restart else ():
                await self._roster.stop(name, forget=request.unban)
            for name in chosen if request.unban and not request.restart else ():
                await self.unban(name, None)
            if request.jail is None:
                self._take_over(fresh)
            self._roster.pardon(request.jail)
            refused = dict.fromkeys(ill, _IN_ERROR) | await self._roster.apply(wanted)
            for name in chosen if not request.restart else ():
                for worker in self.jails[name].workers:
                    await worker.reload()
            return Reloaded(preview(before, wanted, request, refused), server, fresh.problems)

    def _take_over(self, fresh: Configuration) -> None:
        """Let log level, ledger's limits and who may use the socket be as `fresh` says; all else needs a restart."""
        level = self._parts.log_control.set_level(fresh.server.loglevel)
        held, limits = self._configuration.server, fresh.server
        known = replace(held, **{name: getattr(limits, name) for name in LIVE_SERVER} | {"loglevel": level})
        self._configuration = replace(fresh, server=known)
        self.housekeeping.server = known
        self._parts.ledger.most_matches = limits.dbmaxmatches

    async def stop_jail(self, jail: str) -> None:
        """Stop a jail and lift its bans in the firewall; the ledger keeps them."""
        async with self._in_turn():
            self._jail(jail)
            await self._roster.stop(jail)

    async def shut_down(self) -> None:
        """Begin to end the daemon; returns at once."""
        self.ended.set()

    async def flush_logs(self) -> str:
        """Reopen the log; raises Refused, and writes on where it wrote, when it cannot be opened."""
        try:
            return self._parts.log_control.flush()
        except OSError as error:
            raise Refused(f"The log cannot be reopened: {error}") from error

    async def set_loglevel(self, level: str) -> str:
        """Change the log level until the daemon ends."""
        try:
            level = self._parts.log_control.set_level(level)
        except ValueError as error:
            raise Refused(str(error)) from error
        self._configuration = replace(self._configuration, server=replace(self.server, loglevel=level))
        return level


async def _portions(bans: Sequence[Ban]) -> AsyncIterator[Sequence[Ban]]:
    """Yield the bans some hundreds at a time; in between, others have their turn."""
    for start in range(0, len(bans), _PORTION):
        yield bans[start : start + _PORTION]
        await asyncio.sleep(0)


async def _patiently(jails: Sequence[Jail]) -> None:
    """Wait until the enforcers have caught up, but not longer than a person should wait."""
    waits = [asyncio.create_task(worker.drained()) for jail in jails for worker in jail.enforcers]
    if waits:
        _, pending = await asyncio.wait(waits, timeout=PATIENCE)
        for task in pending:
            task.cancel()
