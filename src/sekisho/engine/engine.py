"""The one owner of live state, and what it answers to people (`EngineApi`)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from sekisho import __version__
from sekisho.engine import evidence, members
from sekisho.engine.account import Account
from sekisho.engine.adoption import Adoption
from sekisho.engine.api import (
    ActionProof,
    Adopted,
    DuplicateJail,
    EngineStatus,
    JailCounts,
    JailStatus,
    Refused,
    Reload,
    Reloaded,
    TrialStatus,
    UnknownJail,
)
from sekisho.engine.configured import Configured
from sekisho.engine.guard import Guard
from sekisho.engine.housekeeping import Housekeeping
from sekisho.engine.jail import Jail
from sekisho.engine.lifecycle import Lifecycle
from sekisho.engine.parts import Parts
from sekisho.engine.pipeline import Pipeline
from sekisho.engine.readings import Readings
from sekisho.engine.report import FILTER, INFO, Entry, local_time
from sekisho.engine.roster import Roster
from sekisho.engine.settings import ServerSettings
from sekisho.engine.trial import Trial
from sekisho.model.action import Members
from sekisho.model.address import Family, Subject
from sekisho.model.duration import Seconds
from sekisho.model.origin import Origin
from sekisho.model.specs import ActionSpec, Configuration, JailSpec, ServerSpec
from sekisho.model.verdict import Ban, Cause, Failure, Release, Unban

log = logging.getLogger("fail2ban.server")

PATIENCE = 2.0
"""Seconds that a ban by hand waits for the firewall before it answers; it goes on all the same."""

_PORTION = 500  # bans lifted in one go, which takes some milliseconds

_LAST_PATIENCE = 22.0
"""Seconds for all actions of all jails at the end; sekisho.service has us killed after 30 s."""


class Engine:
    """A running Sekisho. Everything happens on one loop; changes by people take turns."""

    def __init__(self, configuration: Configuration, parts: Parts) -> None:
        self._parts = parts
        self.jails: dict[str, Jail] = {}
        self._started = parts.clock.now()
        self._turn = asyncio.Lock()
        self._changing: asyncio.Task[object] | None = None  # whose turn it is
        self._settings = ServerSettings(
            configuration.server,
            log_control=parts.log_control,
            ledger=parts.ledger,
            jails=self.jails,
            allow_ipv6=parts.allow_ipv6,
        )
        self.ended = asyncio.Event()
        self._keeps_bans = False
        self._pipeline = Pipeline(
            jails=self.jails,
            account=Account(parts.ledger, parts.clock),
            clock=parts.clock,
            resolve=parts.resolve,
            write=parts.write,
            chance=parts.chance,
            ignores=parts.ignores,
            guard=Guard(parts.guarded, parts.clock, lambda: self._settings.spec.guard != "off"),
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
        self._adoption = Adoption(self.jails, parts.ledger, self._pipeline, self._lifecycle, parts.clock)
        self.housekeeping = Housekeeping(
            jails=self.jails,
            pipeline=self._pipeline,
            readings=self.readings,
            ledger=parts.ledger,
            clock=parts.clock,
            settings=self._settings,
            resolve=parts.resolve,
            own_addresses=parts.own_addresses,
        )
        self._roster = Roster(self.jails, self._lifecycle, self.housekeeping, self.readings)
        self._configured = Configured(
            configuration,
            self.jails,
            self._settings,
            self._roster,
            load=parts.load,
            lift=lambda jail: self.unban(jail, None),
            now=parts.clock.now,
        )
        self._trial = Trial(self._configured, self._pipeline, self._in_turn)

    async def start(self) -> None:
        """Start every jail, then read the logs."""
        async with self._turn:
            log.info("Starting Sekisho v%s", __version__)
            found = self._configured.configuration
            self._configured.report(found.problems)
            await self._roster.begin(found.jails)
            self.housekeeping.start()

    async def stop(self) -> None:
        """End everything: logs first, then the bans in the firewall; the ledger keeps them.

        A firewall that can hold them by itself does so where `onstop` says it, and where a next life begins at once: no
        packet of a banned address passes because the daemon restarts. A change that hangs in an action is cut off, and
        so is an action that does not let go: an end is an end.
        """
        log.info("Shutdown in progress...")
        if self._changing is not None and not (await asyncio.wait({self._changing}, timeout=PATIENCE))[0]:
            log.warning("A change by hand is still under way; it is cut off")
            self._changing.cancel()
        async with self._turn:
            await self._trial.stop()
            await self.housekeeping.stop()
            await self.readings.stop()
            await self._pipeline.close()
            log.info("Stopping all jails")
            keeps = self._keeps_bans or self.server.onstop == "keep" or await self._parts.is_restarting()
            stops = [asyncio.create_task(self._lifecycle.stop(name, keeps_bans=keeps)) for name in list(self.jails)]
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

    def _jail(self, name: str) -> Jail:
        jail = self.jails.get(name)
        if jail is None:
            raise UnknownJail(name)
        return jail

    # What people ask

    @property
    def server(self) -> ServerSpec:
        """The server's settings in force."""
        return self._settings.spec

    def status(self) -> EngineStatus:
        """How the whole stands."""
        of_files = self._configured.configuration.problems
        problems = (*self._trial.problems(), *of_files, *self._roster.refused.values())
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

    async def origins(self, subjects: Sequence[Subject]) -> Sequence[Origin]:
        """Return whose network each of the subjects is in."""
        return await self._parts.origins(subjects)

    async def action_members(self, jail: str, action: str) -> Members:
        """Return what an action has to be looked at and called."""
        return await members.members_of(self._jail(jail), action)

    async def get_property(self, jail: str, action: str, name: str) -> object:
        """Return one property of an action."""
        return await members.property_of(self._jail(jail), action, name)

    async def counts(self, jail: str) -> JailCounts:
        """Return how many packets a jail's bans have stopped."""
        return await evidence.counts_of(self._jail(jail))

    async def proofs(self, jail: str, subject: Subject | None) -> Sequence[ActionProof]:
        """Return how a jail's enforcers stand against `subject`, or against those whom the jail has barred last."""
        return await evidence.proofs_of(self._jail(jail), subject)

    # What people change

    async def ban(
        self,
        jail: str,
        subjects: Sequence[Subject],
        *,
        duration: Seconds | None = None,
        reason: str = "",
        force: bool = False,
    ) -> int:
        """Bar subjects by hand; the number newly banned. Waits for the firewall, within reason."""
        target = self._jail(jail)
        for subject in () if force else subjects:
            if (why := self._pipeline.forbids(target, subject)) is not None:
                way = f"sekisho ban --force {jail} {subject}"
                raise Refused(f"{subject} is guarded ({why}), so nobody is banned; to ban it all the same: {way}")
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

    async def adopt(self, database: str) -> Adopted:
        """Take over a Fail2ban's bans and history. Waits for the firewall, within reason."""
        async with self._in_turn():
            adopted = await self._adoption.run(database)
        await _patiently(list(self.jails.values()))
        return adopted

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
        """Read the configuration again and apply the difference, unless it is a dry run; what it comes to."""
        async with self._in_turn():
            outcome = await self._configured.reload(request)
            if request.jail is None and not request.dry_run:
                self._trial.files_are_in_force()
            return outcome

    async def apply(self, seconds: Seconds) -> Reloaded:
        """Reload, and take everything back after some seconds unless `confirm` is said."""
        async with self._in_turn():
            return await self._trial.begin(seconds)

    async def confirm(self) -> None:
        """Let the configuration on trial stay."""
        self._trial.confirm()

    def trial(self) -> TrialStatus:
        """Whether a configuration is on trial."""
        return self._trial.status

    async def add_action(self, jail: str, spec: ActionSpec) -> None:
        """Give a jail one more action, until the next reload."""
        target = self._jail(jail)
        old = target.spec
        if any(action.actname == spec.actname for action in old.actions):
            raise Refused(f"Action {spec.actname} already exists")
        await self._change_action(target, spec.actname, replace(old, actions=(*old.actions, spec)))

    async def set_property(self, jail: str, action: str, name: str, text: str) -> None:
        """Give one property of an action a value; any name may be made up."""
        if not await members.set_scripted(self._jail(jail), action, name, text):
            target = self._jail(jail)
            await self._change_action(target, action, members.with_property(target, action, name, text))

    async def _change_action(self, jail: Jail, actname: str, spec: JailSpec) -> None:
        """Replace a jail's specification for the sake of one action; one that cannot be changes nothing."""
        old = jail.spec
        await self.change(jail.name, spec)
        if trouble := jail.trouble_with(actname):
            await self.change(jail.name, old)
            raise Refused(trouble)

    async def call_action(self, jail: str, action: str, method: str, arguments: Mapping[str, object]) -> object:
        """Call a method of an action by hand; what it returns."""
        return await members.call(self._jail(jail), action, method, arguments, clock=self._parts.clock)

    async def add_jail(self, spec: JailSpec) -> None:
        """Let there be a jail that does nothing before `start_jail`, until the next reload."""
        async with self._in_turn():
            if spec.name in self.jails:
                raise DuplicateJail(spec.name)
            self._roster.add(spec)

    async def start_jail(self, jail: str) -> None:
        """Let a jail that was added begin, or one that was stopped begin anew as it is configured."""
        if jail not in self.jails:
            await self.reload(Reload(jail, if_exists=True))
            self._jail(jail)
            return
        async with self._in_turn():
            if not self._jail(jail).has_begun:
                await self._roster.begin_added(jail)

    async def set_idle(self, jail: str, *, is_idle: bool) -> None:
        """Let what the jail's logs say wait while it is idle; it is judged when the jail is so no more."""
        self._jail(jail).is_idle = is_idle
        if not is_idle:
            self._pipeline.judge_held(self._jail(jail))

    async def stop_jail(self, jail: str) -> None:
        """Stop a jail and lift its bans in the firewall; the ledger keeps them."""
        async with self._in_turn():
            self._jail(jail)
            await self._roster.stop(jail)

    async def shut_down(self, *, keeps_bans: bool = False) -> None:
        """Begin to end the daemon; returns at once."""
        self._keeps_bans = keeps_bans
        self.ended.set()

    async def flush_logs(self) -> str:
        """Reopen the log."""
        return self._settings.flush_log()

    async def set_server(self, option: str, text: str) -> None:
        """Change one of the server's settings until the daemon ends."""
        self._settings.change(option, text)


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
