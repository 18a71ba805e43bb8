"""Which native firewall carries a jail out: nf_tables, or ipset where that is asked for, or all there is."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import partial

from sekisho.enforce.cutter import Cutter
from sekisho.enforce.disconnect import parse_means
from sekisho.enforce.fence import Fence
from sekisho.enforce.firewall import NftablesAction
from sekisho.enforce.ipset_firewall import IpsetAction
from sekisho.enforce.ipset_rules import parse_ipset_rules
from sekisho.enforce.program import ProgramError
from sekisho.enforce.ruleset import parse_rules
from sekisho.enforce.table import NftTable
from sekisho.lookup.services import parse_ports
from sekisho.model.specs import ActionSpec, JailSpec

log = logging.getLogger("fail2ban.server")

NATIVE = ("nftables", "ipset")
"""What an action file calls them."""


class Firewalls:
    """Both firewalls. One object a process; it knows for the life of the process whether the kernel has nf_tables."""

    def __init__(self, *, table: NftTable, fence: Fence, cutter: Cutter, clock: Callable[[], float]) -> None:
        self._table = table
        self._fence = fence
        self._cutter = cutter
        self._clock = clock
        self._stands_in: bool | None = None  # whether ipset does for nf_tables; None: not asked yet

    def make(self, jail: JailSpec, spec: ActionSpec) -> NftablesAction | IpsetAction:
        """Return the firewall of a jail; raises ValueError when its parameters mean nothing."""
        ports = parse_ports(spec.properties.get("port", ""))
        for warning in ports.warnings:
            log.warning("Jail '%s': %s; the jail protects the rest", jail.name, warning)
        about = jail.name, spec.actname, spec.properties, ports.ports
        cut = partial(self._cutter.cut, jail.name, parse_means(spec.properties.get("disconnect", "")))
        make: Callable[..., NftablesAction | IpsetAction]
        if spec.native == "ipset" or self.ipset_stands_in():
            sought = parse_ipset_rules(*about)
            make, reach = partial(IpsetAction, fence=self._fence, rules=sought), sought.reach
        else:
            rules = parse_rules(*about)
            make, reach = partial(NftablesAction, table=self._table, rules=rules), rules.reach
        return make(jail=jail.name, actname=spec.actname, clock=self._clock, cut=partial(cut, reach))

    def ipset_stands_in(self) -> bool:
        """Return whether the kernel has no nf_tables, but ipset, which then carries out what nftables should.

        The first time the log says so.
        """
        if self._stands_in is None:
            reason = self._table.absence()
            self._stands_in = bool(reason) and self._fence.is_possible()
            if self._stands_in:
                what = "This kernel has no nf_tables (%s): what nftables should bar is barred by ipset and iptables"
                log.warning(what, reason)
        return self._stands_in

    async def settle(self) -> None:
        """Remove what an earlier life left in either firewall and nobody needs; the log tells of it."""
        if os.geteuid() != 0:
            return
        firewalls = (self._fence,) if self._stands_in else (self._table, self._fence)
        for firewall in firewalls:
            try:
                for label in await firewall.settle():
                    log.info("Removed the firewall rules of %s, which an earlier life left and nobody needs", label)
            except (ProgramError, OSError) as error:
                log.warning("Firewall rules of an earlier life may be left: %s", error)

    def close(self) -> None:
        """Let go of the kernel; what stands there goes on standing."""
        self._table.close()
        self._fence.close()
