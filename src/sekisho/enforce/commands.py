"""Carries bans out by the commands of an action file, as Fail2ban does (COMPAT 5.1), one ticket a command.

An action with parameters that differ by family (`x?family=inet6`) lives once a family: each is started before its
first ban, checked, repaired, flushed and stopped by itself. Any other action has one unnamed life.

The action remembers the bans that it has carried out and not lifted. So an unban runs only where there is something to
undo, a repair puts everybody back, and stopping needs no list.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from sekisho.enforce.render import (
    RenderError,
    Script,
    Ticket,
    empty_ticket,
    has_families,
    parse_ticket,
    questions,
    render,
)
from sekisho.enforce.report import report
from sekisho.enforce.runner import Outcome, Runner
from sekisho.model.action import ActionError, Facts, Failed, Kind
from sekisho.model.address import Family, Subject
from sekisho.model.duration import parse_duration
from sekisho.model.loglevel import LEVELS
from sekisho.model.specs import ActionSpec
from sekisho.model.switch import parse_switch
from sekisho.model.verdict import Ban, Cause

_ACTION = logging.getLogger("fail2ban.action")
_ACTIONS = logging.getLogger("fail2ban.actions")
NOTICE = LEVELS["NOTICE"]
_TIMEOUT = 60.0  # seconds (COMPAT 5.1)
_EVERY = ""  # the one life of an action that knows no families
_BOTH = (Family.INET4.value, Family.INET6.value)


async def know_nothing(_: Ban | None, __: frozenset[str]) -> Mapping[str, str]:
    """Return no answer."""
    return {}


class CommandAction:
    """Bars, or tells, by the commands of one action of one jail."""

    survives_stop = False

    def __init__(
        self,
        spec: ActionSpec,
        *,
        jail: str,
        runner: Runner,
        clock: Callable[[], float],
        facts: Facts = know_nothing,
        allow_ipv6: bool = True,
    ) -> None:
        """Read what the properties say about the action itself.

        Raises:
            ValueError: `timeout` is no duration.

        """
        self.name = spec.actname
        self._jail = jail
        self._properties = spec.properties
        self._runner = runner
        self._clock = clock
        self._facts = facts
        self._limit = float(parse_duration(spec.properties["timeout"])) if self._has("timeout") else _TIMEOUT
        self._skips_restored = self._is_true("norestored")
        self.kind = Kind.NOTIFIER if self._skips_restored else Kind.ENFORCER
        self._families = self._parse_families(allow_ipv6=allow_ipv6)
        self._on_demand = self._is_true("actionstart_on_demand", unset=has_families(spec.properties))
        self._started: dict[str, str] = {}  # family: its actionstart as it was run
        self._held: dict[Subject, Ban] = {}

    def __repr__(self) -> str:
        return f"<CommandAction {self.name} of jail {self._jail}>"

    async def start(self, standing: Sequence[Ban]) -> Sequence[Failed]:
        """Run the start commands (or leave them until they are needed) and ban again whoever stands."""
        self._held = {}
        self._started = {}
        if not self._on_demand:
            for family in self._families:
                await self._start(family)
        if self._skips_restored:
            return []
        return await self._ban(standing, restored=True)

    async def ban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Run the ban command for each ban, or the one that prolongs for who is banned already."""
        return await self._ban(bans, restored=None)

    async def unban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Run the unban command for each ban that is in force, or flush where that is all of them."""
        held = [ban for ban in bans if ban.subject in self._held]
        if len(held) > 1 and len(held) == len(self._held) and self._has("actionflush"):
            if await self._flush():
                return []
            held = [ban for ban in held if ban.subject in self._held]
        return await self._lift(held)

    async def listed(self) -> frozenset[Subject] | None:
        """Return None: commands can bar, but cannot be asked."""
        return None

    async def lift(self) -> None:
        """Lift every ban, by the flush command where there is one. Raises ActionError."""
        left: list[Failed] = []
        if self._held and not (self._has("actionflush") and await self._flush()):
            left = await self._lift(list(self._held.values()))
        self._held = {}
        if left:
            raise self._unstopped([failed.reason for failed in left])

    async def stop(self, standing: Sequence[Ban]) -> None:
        """Lift every ban and run the stop command of each life that was started."""
        del standing  # only what was carried out has to be undone
        left: list[str] = []
        try:
            await self.lift()
        except ActionError as error:
            left.append(str(error))
        done: set[str] = set()
        for family in self._lives():
            outcome = await self._run_once("actionstop", family, done)
            if not outcome.is_success:
                left.append(f"actionstop {outcome}")
        self._started = {}
        if left:
            raise self._unstopped(left)

    def _unstopped(self, left: Sequence[str]) -> ActionError:
        return ActionError(f"Failed to stop jail {self._jail!r} action {self.name!r}: {'; '.join(left[:3])}")

    async def reload(self) -> None:
        """Run actionreload for each life (COMPAT 5.1). Raises ActionError when it fails."""
        done: set[str] = set()
        for family in self._lives():
            outcome = await self._run_once("actionreload", family, done)
            if not outcome.is_success:
                raise ActionError(f"Failed to reload jail {self._jail!r} action {self.name!r}: {outcome}")

    async def _ban(self, bans: Sequence[Ban], *, restored: bool | None) -> list[Failed]:
        failed: list[Failed] = []
        for ban in bans:
            if self._skips_restored and ban.cause is Cause.RESTORED:
                continue
            reason = await self._ban_one(ban, parse_ticket(ban, restored=restored))
            if reason:
                failed.append(Failed(ban, reason))
            else:
                self._held[ban.subject] = ban
        return failed

    async def _ban_one(self, ban: Ban, ticket: Ticket) -> str:
        """Carry one ban out; the reason why not, or nothing."""
        family = self._life_of(ban)
        if family not in self._families:
            return f"action {self.name!r} does not serve {ticket.family or 'what is no address'}"
        try:
            await self._start(family)
        except ActionError as error:
            return str(error)
        option = "actionprolong" if ban.subject in self._held else "actionban"
        outcome = await self._run(option, ticket, ban)
        if not outcome.is_success and not await self._is_sane(family):
            await self._repair(family)
            outcome = await self._run("actionban", ticket, ban)
        return "" if outcome.is_success else f"{option} {outcome}"

    async def _lift(self, bans: Iterable[Ban]) -> list[Failed]:
        failed: list[Failed] = []
        for ban in bans:
            family, ticket = self._life_of(ban), parse_ticket(ban)
            outcome = await self._run("actionunban", ticket, ban)
            if not outcome.is_success and not await self._is_sane(family):
                if not self._is_true("actionrepair_on_unban"):
                    _ACTION.error("Invariant check failed. Unban is impossible.")
                else:
                    self._held.pop(ban.subject, None)
                    await self._repair(family)
                    outcome = Outcome(0)  # the repaired environment was filled without this one
            self._held.pop(ban.subject, None)
            if not outcome.is_success:
                failed.append(Failed(ban, f"actionunban {outcome}"))
        return failed

    async def _flush(self) -> bool:
        """Run actionflush for each life; whether every one is empty now."""
        _ACTIONS.log(NOTICE, "[%s] Flush ticket(s) with %s", self._jail, self.name)
        done: set[str] = set()
        empty = True
        for family in self._lives():
            outcome = await self._run_once("actionflush", family, done)
            empty &= outcome.is_success
        if empty:
            self._held = {}
        return empty

    async def _start(self, family: str) -> None:
        """Run actionstart for a life that has not begun, after clearing away what a dead daemon left in its way.

        Raises:
            ActionError: it failed twice.

        """
        if family in self._started:
            return
        script = await self._render("actionstart", empty_ticket(family, self._clock()))
        if script.text not in self._started.values():
            outcome = await self._execute(script)
            if not outcome.is_success:
                await self._run("actionstop", empty_ticket(family, self._clock()))
                outcome = await self._execute(script)
            if not outcome.is_success:
                raise ActionError(f"Failed to start jail {self._jail!r} action {self.name!r}: actionstart {outcome}")
        self._started[family] = script.text

    def _lives(self) -> list[str]:
        """Return what was started, always in the same order: a repair starts a life anew (COMPAT 9, case 64)."""
        return [family for family in self._families if family in self._started]

    async def _is_sane(self, family: str) -> bool:
        return (await self._run("actioncheck", empty_ticket(family, self._clock()))).is_success

    async def _repair(self, family: str) -> None:
        """Bring a life back whose check has failed, and everybody whom it barred."""
        _ACTION.error("Invariant check failed. Trying to restore a sane environment")
        nobody = empty_ticket(family, self._clock())
        if self._has("actionrepair"):
            await self._run("actionrepair", nobody)
        else:
            await self._run("actionstop", nobody)
            self._started.pop(family, None)
            try:
                await self._start(family)
            except ActionError as error:
                _ACTION.error("%s", error)
        if not await self._is_sane(family):
            _ACTION.critical("Unable to restore environment")
            return
        again = "actionreban" if self._has("actionreban") else "actionban"
        for ban in [ban for ban in self._held.values() if self._life_of(ban) == family]:
            _ACTIONS.log(NOTICE, "[%s] Reban %s, action %r", self._jail, ban.subject, self.name)
            if not (await self._run(again, parse_ticket(ban), ban)).is_success:
                _ACTION.error(
                    "[%s] %s is not barred any more: %s failed after the repair", self._jail, ban.target, again
                )

    async def _run(self, option: str, ticket: Ticket, ban: Ban | None = None) -> Outcome:
        try:
            script = await self._render(option, ticket, ban)
        except ActionError as error:
            return Outcome(1, stderr=str(error))
        return await self._execute(script)

    async def _run_once(self, option: str, family: str, done: set[str]) -> Outcome:
        """Run a command for a life unless another life had the same text (COMPAT 5.1)."""
        script = await self._render(option, empty_ticket(family, self._clock()))
        if script.text in done:
            return Outcome(0)
        done.add(script.text)
        return await self._execute(script)

    async def _render(self, option: str, ticket: Ticket, ban: Ban | None = None) -> Script:
        text = self._properties.get(option, "")
        if ticket.family:
            text = self._properties.get(f"{option}?family={ticket.family}", text)
        try:
            asked = questions(text, self._properties, ticket)
            return render(text, self._properties, ticket, await self._facts(ban, asked) if asked else {})
        except RenderError as error:
            raise ActionError(f"jail {self._jail!r} action {self.name!r}: {option}: {error}") from error

    async def _execute(self, script: Script) -> Outcome:
        outcome = await self._runner.run(script, limit=self._limit)
        report(script, outcome, self._limit)
        return outcome

    def _life_of(self, ban: Ban) -> str:
        if self._families == (_EVERY,):
            return _EVERY
        return Family.INET4.value if ban.target.family is Family.OTHER else ban.target.family.value

    def _parse_families(self, *, allow_ipv6: bool) -> tuple[str, ...]:
        if self._has("families"):
            named = self._properties["families"].replace(",", " ").split()
            return tuple(family for family in _BOTH if family in named) or (_EVERY,)
        if not has_families(self._properties):
            return (_EVERY,)
        return _BOTH if allow_ipv6 else _BOTH[:1]

    def _has(self, option: str) -> bool:
        return bool(self._properties.get(option, "").strip())

    def _is_true(self, option: str, *, unset: bool = False) -> bool:
        return parse_switch(self._properties[option].strip()) if self._has(option) else unset
