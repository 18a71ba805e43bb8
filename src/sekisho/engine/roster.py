"""Which jails run: begun, changed and ended as the configuration and people want, and why those that cannot are not.

A jail whose rules do not hold costs itself only; one that runs and whose new rules do not hold goes on as it was
(DESIGN section 3, "Where we differ"). Whoever calls sees to it that changes take turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sekisho.engine.api import Refused
from sekisho.engine.difference import Aspect, aspects, difference
from sekisho.engine.housekeeping import Housekeeping
from sekisho.engine.jail import Jail
from sekisho.engine.lifecycle import Lifecycle
from sekisho.engine.readings import Readings
from sekisho.judge.formula import FormulaError
from sekisho.match.rule import RuleError
from sekisho.model.problem import Problem, Severity
from sekisho.model.specs import JailSpec

log = logging.getLogger("fail2ban.server")

_FORESIGHT = 2.0
"""Seconds that restoring waits to learn who is exempt."""


@dataclass(slots=True)
class Roster:
    """Lets jails run. `refused` holds, by jail, what is wrong with rules that do not hold."""

    jails: Mapping[str, Jail]
    lifecycle: Lifecycle
    housekeeping: Housekeeping
    readings: Readings
    refused: dict[str, Problem] = field(default_factory=dict)

    async def begin(self, specs: Sequence[JailSpec]) -> None:
        """Start the first jails, all at once, and read for them."""
        await self._look_ahead(specs)
        await asyncio.gather(*(self._start(spec) for spec in specs))
        await self._look_around()

    async def change(self, spec: JailSpec) -> None:
        """Let a running jail be as `spec` says; raises Refused, and changes nothing, when its rules do not hold."""
        await self._change(spec, aspects(self.jails[spec.name].spec, spec))

    def pardon(self, jail: str | None) -> None:
        """Forget why a jail (None: any) was refused: it is tried again, unless it is as it was before that."""
        for name in [name for name in self.refused if jail in (None, name)]:
            del self.refused[name]

    async def apply(self, wanted: Mapping[str, JailSpec]) -> dict[str, str]:
        """Let exactly the wanted jails run; those whose rules do not hold, and why."""
        plan = difference({name: jail.spec for name, jail in self.jails.items()}, wanted)
        for name in plan.stop:
            await self.stop(name)
        if plan.start:
            await self._look_ahead(plan.start)
        refused = {spec.name: why for spec in plan.start if (why := await self._start(spec))}
        for spec, touched in plan.change:
            self.refused.pop(spec.name, None)
            try:
                await self._change(spec, touched)
            except Refused as error:
                self._refuse(spec, str(error), "goes on as it was")
                refused[spec.name] = str(error)
        for name in [name for name, jail in self.jails.items() if not jail.has_begun]:
            await self.lifecycle.begin(name)
        await self._look_around()
        return refused

    def add(self, spec: JailSpec) -> None:
        """Let there be a jail that does nothing before it is begun; raises Refused when its rules do not hold."""
        try:
            self.lifecycle.add(spec)
        except (RuleError, FormulaError) as error:
            raise Refused(str(error)) from error

    async def begin_added(self, name: str) -> None:
        """Let a jail that was added begin, and read for it."""
        await self._look_ahead([self.jails[name].spec])
        await self.lifecycle.begin(name)
        await self._look_around()

    async def stop(self, name: str, *, forget: bool = False) -> None:
        """Stop a jail and lift its bans in the firewall; the ledger keeps them unless they are to be forgotten."""
        self.jails[name].is_ending = True
        await self.readings.assign()
        await self.lifecycle.stop(name, forget=forget)

    async def _look_ahead(self, coming: Sequence[JailSpec]) -> None:
        """Learn whom the jails that are coming never ban, before their bans are restored.

        A name server that is down must not leave the host open meanwhile: names that it has not told are learned later.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.housekeeping.look_around(coming), _FORESIGHT)

    async def _look_around(self) -> None:
        await self.housekeeping.look_around()
        await self.readings.assign()

    async def _start(self, spec: JailSpec) -> str:
        """Start a jail; why it cannot be, empty when it runs."""
        self.refused.pop(spec.name, None)
        try:
            await self.lifecycle.start(spec)
        except (RuleError, FormulaError) as error:
            self._refuse(spec, str(error), "skipped")
            return str(error)
        return ""

    async def _change(self, spec: JailSpec, touched: Aspect) -> None:
        try:
            await self.lifecycle.change(spec, touched)
        except (RuleError, FormulaError) as error:
            raise Refused(str(error)) from error
        if Aspect.MATCHING in touched:
            self.readings.rebuild(self.jails[spec.name])
        if touched & (Aspect.SOURCES | Aspect.EXEMPTIONS):
            await self._look_around()

    def _refuse(self, spec: JailSpec, why: str, what_then: str) -> None:
        """Let log and status say that a jail's rules do not hold, and where they were set."""
        setting = spec.settings.get("failregex") or spec.settings.get("filter")
        origin = None if setting is None else setting.origin
        self.refused[spec.name] = Problem(Severity.ERROR, f"{what_then}: {why}", origin, spec.name)
        log.error("Jail '%s' %s, because of wrong configuration: %s", spec.name, what_then, why)
