"""Tries whether this host takes sets and rules such as ours; a program of its own, which needs CAP_NET_ADMIN.

`python -m sekisho.enforce.ipset_trial`, started in a network of its own (`unshare --net`), so that nothing on the host
changes but that the kernel may load modules, sets two jails up, one that drops and one that rejects, bars two networks
and takes all of it down again. It writes one JSON object: `absent`, what the kernel answers where it has no nf_tables;
`fault`, what went wrong, empty when nothing did; `places`, the table in which packets are dropped, by family; `lame`,
why a family cannot be barred.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping

from sekisho.enforce.fence import FAMILY_NAMES, Fence, explain
from sekisho.enforce.ipset_elements import entry_of
from sekisho.enforce.ipset_rules import IpsetRules, parse_ipset_rules
from sekisho.enforce.program import ProgramError
from sekisho.enforce.table import NftTable
from sekisho.enforce.targets import WIDTH
from sekisho.model.address import Family, parse_subject
from sekisho.model.ports import PortRange

_NETWORKS = {Family.INET4: parse_subject("192.0.2.0/24"), Family.INET6: parse_subject("2001:db8::/32")}


async def try_out(fence: Fence, table: NftTable) -> object:
    """Return what the kernel and iptables make of rules of each kind; afterwards none is left."""
    properties: tuple[Mapping[str, str], ...] = ({}, {"blocktype": "reject with tcp reset", "protocol": "tcp,udp"})
    fault = ""
    places: Mapping[str, str] = {}
    for number, each in enumerate(properties):
        rules = parse_ipset_rules(f"trial{number}", "ipset", each, (PortRange(22, 22), PortRange(80, 81)))
        try:
            fault = await _play(fence, rules)
        except (ProgramError, OSError) as error:
            fault = str(error)
        if fault:
            break
        places = places or {FAMILY_NAMES[family]: place for family, place in fence.places(rules).items()}
    lame = {FAMILY_NAMES[family]: why for family, why in fence.lame.items()}
    return {"absent": table.absence(), "fault": fault, "places": places, "lame": lame}


async def _play(fence: Fence, rules: IpsetRules) -> str:
    await fence.set_up(rules, rules)
    try:
        for family in WIDTH:
            if refused := fence.sets.add(rules.set_name(family), [entry_of(_NETWORKS[family], 60)]):
                return str(refused[0])
        return explain(fence.sets, rules, fence.places(rules))
    finally:
        await fence.take_down(rules, rules)


def main() -> int:
    """Try it; the exit status."""
    print(json.dumps(asyncio.run(try_out(Fence(), NftTable()))))  # noqa: T201 - the answer
    return 0


if __name__ == "__main__":
    sys.exit(main())
