"""Enforces nothing and says so: for a trial, and for a daemon that may not touch the firewall."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sekisho.model.action import Failed, Kind
from sekisho.model.address import Subject
from sekisho.model.verdict import Ban

_LOG = logging.getLogger("fail2ban.actions")


class ObserveAction:
    """Says whom it would have barred."""

    kind = Kind.ENFORCER
    survives_stop = False

    def __init__(self, *, jail: str, actname: str = "observe", reason: str = "") -> None:
        self.name = actname
        self._jail = jail
        self._reason = f" ({reason})" if reason else ""

    async def start(self, standing: Sequence[Ban]) -> Sequence[Failed]:
        """Say that nobody is barred."""
        _LOG.warning(
            "[%s] only observing%s: bans are counted and listed, but nothing is barred; %d stand",
            self._jail,
            self._reason,
            len(standing),
        )
        return []

    async def ban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Say who would be barred."""
        for ban in bans:
            _LOG.info("[%s] observed: %s would be barred now", self._jail, ban.target)
        return []

    async def unban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Say who would be barred no longer."""
        for ban in bans:
            _LOG.info("[%s] observed: %s would be admitted again", self._jail, ban.target)
        return []

    async def listed(self) -> frozenset[Subject] | None:
        """Return None: there is no firewall to ask."""
        return None

    async def stop(self, standing: Sequence[Ban]) -> None:
        """Leave everything as it was."""
