"""What a command's tags may ask of the daemon: counters, the ledger's evidence, names (COMPAT 5.3)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from sekisho.engine.api import JailStatus
from sekisho.ledger.ledger import Ledger, LedgerError
from sekisho.lookup.dns import Resolver
from sekisho.model.verdict import Ban

_UNKNOWN = "None"  # as Fail2ban says it


@dataclass(frozen=True, slots=True)
class Facts:
    """Answers for all jails. Nothing is looked up that is not asked for."""

    status: Callable[[str], JailStatus]
    ledger: Ledger
    resolver: Resolver

    async def answers(self, jail: str, ban: Ban | None, asked: frozenset[str]) -> Mapping[str, str]:
        """Return what is asked about a jail and (where there is one) a ban; what nobody knows is left out."""
        host = os.uname().nodename
        found = {"jail.name": jail, "fq-hostname": host, "sh-hostname": host.partition(".")[0]}
        if "fq-hostname" in asked:
            found["fq-hostname"] = await self.resolver.canonical(host) or host
        if any(name.startswith("jail.") for name in asked):
            found |= self._counters(jail)
        if ban is not None and "ip-host" in asked:
            found["ip-host"] = await self.resolver.reverse(ban.target) or _UNKNOWN
        if ban is not None:
            found |= self._evidence(ban, "ip", None) if {"ipmatches", "ipfailures"} & asked else {}
            found |= self._evidence(ban, "ipjail", jail) if {"ipjailmatches", "ipjailfailures"} & asked else {}
        return found

    def _counters(self, jail: str) -> dict[str, str]:
        status = self.status(jail)
        return {
            "jail.banned": str(len(status.bans)),
            "jail.banned_total": str(status.banned_total),
            "jail.found": str(status.failed),
            "jail.found_total": str(status.failed_total),
        }

    def _evidence(self, ban: Ban, prefix: str, jail: str | None) -> dict[str, str]:
        """The ledger's account, else the ban's own."""
        failures, matches = ban.failures, ban.matches
        with suppress(LedgerError):
            known, lines = self.ledger.evidence(jail, ban.subject)
            if known:
                failures, matches = known, lines
        return {f"{prefix}failures": str(failures), f"{prefix}matches": "\n".join(matches)}
