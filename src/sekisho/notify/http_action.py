"""Bans told to, or carried out by, a service that speaks HTTP: what `native = http` in an action file stands for.

A service that is only told (abuseipdb ...) is told beside the bans, from an outbox of bounded size that tries again.
One that bars (cloudflare ...) is an enforcer: a ban that it does not take is reported as failed, and offered again by
whoever gives the action its work. Its answers' ids are kept in memory; an id that is not known is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from sekisho.model.action import ActionError, Failed, Kind
from sekisho.model.address import Subject
from sekisho.model.specs import ActionSpec
from sekisho.model.switch import parse_switch
from sekisho.model.verdict import Ban, Cause
from sekisho.notify.access import Access
from sekisho.notify.backoff import Backoff
from sekisho.notify.outbox import DeliveryError, Outbox, OutboxStatistics
from sekisho.notify.services import SERVICES

_GRACE = 5.0  # seconds that a stop waits for what is still to be told
_AT_ONCE = 4  # requests under way to one service


class HttpAction:
    """Implements `sekisho.model.action.Action`. `clock` gives seconds since the epoch."""

    survives_stop = False

    def __init__(
        self,
        spec: ActionSpec,
        *,
        jail: str,
        clock: Callable[[], float],
        backoff: Backoff | None = None,
    ) -> None:
        """Raises ValueError: the action file names no service that is known."""
        which = spec.properties.get("api", "")
        if which not in SERVICES:
            raise ValueError(f"{which!r} is no known service; known are {', '.join(SERVICES)}")
        self.name = spec.actname
        self._service = SERVICES[which]
        self.kind = Kind.ENFORCER if self._service.bars else Kind.NOTIFIER
        self._jail = jail
        self._access = Access(
            spec,
            jail=jail,
            clock=clock,
            url=self._service.url,
            needs=self._service.needs,
            secrets=self._service.secrets,
            harmless=self._service.harmless,
        )
        self._skips_restored = parse_switch(spec.properties.get("norestored", ""))
        self._ids: dict[Subject, str] = {}
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._outbox: Outbox[Ban] = Outbox(self._tell, name=f"[{jail}] {spec.actname}", what="report", backoff=backoff)

    def __repr__(self) -> str:
        return f"<HttpAction {self.name} of jail {self._jail}>"

    async def start(self, standing: Sequence[Ban]) -> Sequence[Failed]:
        """Begin; a service that bars is told again of whoever stands. Raises ActionError: a parameter is missing."""
        self._access.require()
        if self._service.bars:
            return await self.ban(standing)
        self._outbox.start()
        return ()

    async def ban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Tell of each ban: at once where the service bars, else by the outbox."""
        if self._service.bars:
            return await self._each(self._bar, [ban for ban in bans if ban.subject not in self._ids])
        for ban in bans:
            if ban.target.network is not None and not (self._skips_restored and ban.cause is Cause.RESTORED):
                self._outbox.put(ban)
        return ()

    async def unban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Tell a service that bars of each end."""
        return await self._each(self._lift, bans) if self._service.bars else ()

    async def listed(self) -> frozenset[Subject] | None:
        """Return None: a service is not asked for all that it holds."""
        return None

    async def stop(self, standing: Sequence[Ban]) -> None:
        """Lift what is barred, or send what still waits. Raises ActionError."""
        failed = await self.unban(standing)
        await self._outbox.close(grace=_GRACE)
        if failed:
            raise ActionError(f"{len(failed)} ban(s) are still in force there: {failed[0].reason}")

    def statistics(self) -> OutboxStatistics:
        """How many reports were sent and lost."""
        return self._outbox.statistics()

    # -- one ban

    async def _each(self, act: Callable[[Ban], object], bans: Sequence[Ban]) -> list[Failed]:
        async def attempt(ban: Ban) -> Failed | None:
            if ban.target.network is None:
                return Failed(ban, "it is no address", is_final=True)
            try:
                async with self._turn:
                    await act(ban)  # type: ignore[misc]
            except DeliveryError as error:
                return Failed(ban, str(error))
            return None

        return [failed for failed in await asyncio.gather(*map(attempt, bans)) if failed is not None]

    async def _tell(self, ban: Ban) -> None:
        await self._access.ask(self._service.ban(self._access.parameters, ban))

    async def _bar(self, ban: Ban) -> None:
        answer = await self._access.ask(self._service.ban(self._access.parameters, ban))
        self._ids[ban.subject] = answer.identifier()

    async def _lift(self, ban: Ban) -> None:
        known = self._ids.pop(ban.subject, "")
        if not known and self._service.find is not None:
            known = (await self._access.ask(self._service.find(self._access.parameters, ban))).identifier()
            if not known:
                return  # it is not there
        assert self._service.unban is not None
        await self._access.ask(self._service.unban(self._access.parameters, ban, known))
