"""Mail about bans, one action a jail: what the stock actions `mail*` and `sendmail*` do.

A ban is never held up: it is put into the outbox, and everything slow (whois, the mail server) happens behind it.
Fail2ban's mail actions also write when a jail starts and stops; here only with `notifystart = true`, since every
restart then means a letter a jail. Bans restored at a start and bans that were merely prolonged are no news.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.utils import make_msgid
from functools import partial

from sekisho.model.action import ActionError, Facts, Failed, Kind
from sekisho.model.address import Subject
from sekisho.model.specs import ActionSpec
from sekisho.model.verdict import Ban, Cause
from sekisho.notify.backoff import Backoff
from sekisho.notify.letter import Envelope, Stamp, write_ban, write_bans, write_note
from sekisho.notify.outbox import Outbox, OutboxStatistics
from sekisho.notify.sendmail import find_sendmail, run_mailer, send_by_sendmail
from sekisho.notify.settings import Mailer, MailSettings, parse_settings
from sekisho.notify.smtp import send_by_smtp

Deliver = Callable[[EmailMessage], Awaitable[None]]
"""Hands a letter over; raises DeliveryError."""

_GRACE = 5.0  # seconds that a stop waits for letters


@dataclass(slots=True)
class _Pending:
    """A letter to be written: about `bans`, or that the jail was `what`. Written once, however often it is tried."""

    bans: tuple[Ban, ...] = ()
    what: str = ""
    message: EmailMessage | None = None


class MailAction:
    """Implements `sekisho.model.action.Action`.

    `clock` gives seconds since the epoch. `whois` returns a report, or a line that says why there is none; `country`
    anything whose text names a country. `host` None is this host's name. `deliver` None is chosen by the settings and
    by what the host has.
    """

    def __init__(
        self,
        spec: ActionSpec,
        *,
        jail: str,
        clock: Callable[[], float],
        whois: Callable[[Subject], Awaitable[str]] | None = None,
        country: Callable[[Subject], object | None] | None = None,
        facts: Facts | None = None,
        host: str | None = None,
        deliver: Deliver | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._spec = spec
        self._jail = jail
        self._clock = clock
        self._whois = whois
        self._country = country
        self._facts = facts
        self._host = host or os.uname().nodename
        self._deliver = deliver
        self._settings: MailSettings | None = None
        self._envelope: Envelope | None = None
        self._collected: list[Ban] = []  # at most one letter's
        self._known: set[Subject] = set()  # whom this jail bars: a ban of one of them is a prolonging
        self._outbox: Outbox[_Pending] = Outbox(self._send, name=f"[{jail}] {spec.actname}", backoff=backoff)

    @property
    def name(self) -> str:
        """The actname."""
        return self._spec.actname

    @property
    def kind(self) -> Kind:
        """A notifier."""
        return Kind.NOTIFIER

    @property
    def survives_stop(self) -> bool:
        """The outbox has to be closed."""
        return False

    async def start(self, standing: Sequence[Ban]) -> Sequence[Failed]:
        """Begin to write; about `standing` nothing is written. Raises ActionError when the settings make no sense."""
        try:
            settings = parse_settings(self._spec.properties, host=self._host)
        except ValueError as error:
            raise ActionError(f"[{self._jail}] action {self.name}: {error}") from None
        self._settings = settings
        self._envelope = Envelope(self._host, settings.sender, settings.sendername, settings.dest)
        self._deliver = self._deliver or choose_delivery(settings, host=self._host, sendmail=find_sendmail())
        self._known = {ban.subject for ban in standing}
        self._outbox.start()
        if settings.notifystart:
            self._outbox.put(_Pending(what="started"))
        return ()

    async def ban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Put a letter about each new ban into the outbox."""
        for ban in bans:
            restored = ban.cause is Cause.RESTORED and (self._settings is None or self._settings.norestored)
            if ban.subject not in self._known and not restored:
                self._collected.append(ban)
                if len(self._collected) >= (self._settings.collected if self._settings else 0):
                    self._put_collected()
            self._known.add(ban.subject)
        return ()

    def _put_collected(self) -> None:
        if self._collected:
            self._outbox.put(_Pending(bans=tuple(self._collected)))
            self._collected.clear()

    async def unban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Write nothing, as Fail2ban does."""
        self._known.difference_update(ban.subject for ban in bans)
        return ()

    async def listed(self) -> frozenset[Subject] | None:
        """Nobody is held here."""
        return None

    async def stop(self, standing: Sequence[Ban]) -> None:
        """Give what waits a few seconds to go out."""
        del standing
        self._put_collected()
        if self._settings is not None and self._settings.notifystart:
            self._outbox.put(_Pending(what="stopped"))
        await self._outbox.close(grace=_GRACE)

    def statistics(self) -> OutboxStatistics:
        """Letters sent, lost, waiting."""
        return self._outbox.statistics()

    async def _send(self, pending: _Pending) -> None:
        assert self._deliver is not None
        if pending.message is None:
            pending.message = await self._write(pending)
        await self._deliver(pending.message)

    async def _write(self, pending: _Pending) -> EmailMessage:
        assert self._settings is not None
        assert self._envelope is not None
        stamp = Stamp(self._clock(), make_msgid(domain=self._host))
        if not pending.bans:
            return write_note(self._jail, what=pending.what, envelope=self._envelope, stamp=stamp)
        if self._settings.collected:
            missed = self._outbox.take_missed()
            return write_bans(pending.bans, envelope=self._envelope, stamp=stamp, missed=missed)
        ban = await self._with_evidence(pending.bans[0], self._settings.evidence)
        report = None
        if self._settings.whois and self._whois is not None:
            report = await self._ask_whois(self._whois(ban.target))
        country = self._country(ban.target) if self._country is not None else None
        return write_ban(
            ban,
            envelope=self._envelope,
            stamp=stamp,
            country=None if country is None else str(country),
            whois=report,
            lines=self._settings.lines,
            missed=self._outbox.take_missed(),
        )

    async def _with_evidence(self, ban: Ban, evidence: str) -> Ban:
        """The ban with the lines that its letter shall show."""
        if evidence == "matches" or self._facts is None:
            return ban
        lines = (await self._facts(ban, frozenset({evidence}))).get(evidence, "")
        return replace(ban, matches=tuple(lines.split("\n"))) if lines else ban

    async def _ask_whois(self, question: Awaitable[str]) -> str:
        """Return the report; when the action is being stopped, the letter goes without it."""
        asking = asyncio.ensure_future(question)
        closing = asyncio.ensure_future(self._outbox.closing.wait())
        try:
            await asyncio.wait({asking, closing}, return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else "no whois: the jail was being stopped"
        finally:
            for task in (asking, closing):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


def choose_delivery(settings: MailSettings, *, host: str, sendmail: str | None) -> Deliver:
    """Return how letters go out (see MailSettings). `sendmail` is the path of the program, None where there is none."""

    async def by_command(message: EmailMessage) -> None:
        if settings.mailer is Mailer.MAIL:
            body = message.get_content().encode("utf-8")
            await run_mailer([*settings.mailcmd, str(message["Subject"]), *settings.dest], body)
        else:
            await run_mailer(settings.mailcmd, message.as_bytes())

    async def by_smtp(message: EmailMessage) -> None:
        server = settings.smtp or ("localhost", 25)
        await send_by_smtp(message, server=server, sender=settings.sender, dest=settings.dest, hostname=host)

    if settings.mailcmd:
        return by_command
    if settings.smtp or sendmail is None:
        return by_smtp
    return partial(send_by_sendmail, program=sendmail, sender=settings.sender, dest=settings.dest)
