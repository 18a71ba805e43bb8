"""The one owner of live state, and what it answers to people (`EngineApi`)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence

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
from sekisho.engine.byhand import PATIENCE, ByHand, wait_enforced
from sekisho.engine.configured import Configured
from sekisho.engine.guard import Guard
from sekisho.engine.housekeeping import Housekeeping
from sekisho.engine.jail import Jail
from sekisho.engine.lifecycle import Lifecycle
from sekisho.engine.parts import Parts
from sekisho.engine.pipeline import Pipeline
from sekisho.engine.readings import Readings
from sekisho.engine.roster import Roster
from sekisho.engine.settings import ServerSettings
from sekisho.engine.trial import Trial
from sekisho.model.action import Members
from sekisho.model.address import Subject
from sekisho.model.duration import Seconds
from sekisho.model.origin import Origin
from sekisho.model.specs import ActionSpec, Configuration, JailSpec, ServerSpec
from sekisho.model.verdict import Ban

log = logging.getLogger("fail2ban.server")

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
        self._by_hand = ByHand(self.jails, self._pipeline, parts.clock, parts.resolve, parts.write)
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
        """Return the bans that bar `subject`, its own or else that of the narrowest network around it, by jail."""
        found = ((name, jail.standing.barring(subject)) for name, jail in self.jails.items())
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
        return await self._by_hand.ban(self._jail(jail), subjects, duration=duration, reason=reason, force=force)

    async def unban(self, jail: str | None, subjects: Sequence[Subject] | None) -> Sequence[Ban]:
        """Lift and forget the bans that `subjects` cover (None: all) in one jail (None: in all); those lifted."""
        targets = list(self.jails.values()) if jail is None else [self._jail(jail)]
        return await self._by_hand.unban(targets, subjects)

    async def adopt(self, database: str) -> Adopted:
        """Take over a Fail2ban's bans and history. Waits for the firewall, within reason."""
        async with self._in_turn():
            adopted = await self._adoption.run(database)
        await wait_enforced(list(self.jails.values()))
        return adopted

    def doubtful(self) -> int:
        """Return of how many subjects a jail's ignorecommand is being asked."""
        return self._pipeline.doubtful()

    async def attempt(self, jail: str, subject: Subject, lines: Sequence[str]) -> int:
        """Count a failure by hand (COMPAT 3.1); 1, or 0 when the subject is ignored."""
        return int(await self._by_hand.attempt(self._jail(jail), subject, lines))

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
        await members.add(self._jail(jail), spec, change=self.change)

    async def set_property(self, jail: str, action: str, name: str, text: str) -> None:
        """Give one property of an action a value; any name may be made up."""
        await members.set_property(self._jail(jail), action, name, text, change=self.change)

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
