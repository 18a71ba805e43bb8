"""The rules of a jail as iptables text, for hosts whose rules are iptables: where they stand, and what they say.

Bans lie in two sets a jail, one a family, `sekisho4-LABEL` and `sekisho6-LABEL` (`hash:net`: addresses and networks
together; networks may overlap, and the narrowest counts). A rule names the packets, then asks the set for their source,
so that an element counts only what it stopped. The rules stand directly in a chain of iptables' own, in front of
everything there, and are known by the set that they name: the kernel counts the rules that refer to a set, and so
tells for nothing whether they still stand. A chain in between could be cut off unseen.

To drop, they stand in `PREROUTING` of the table `raw`: before connection tracking and destination NAT, as the rules of
nftables do (see `ruleset`); on a host without that table in `mangle`, which comes before destination NAT too. To reject
is allowed in the table `filter` only: there they stand in `INPUT` and `FORWARD`, in front of whatever accepts what is
established. A port that was forwarded is another by then, so those packets are known by the port that the client
dialled, which connection tracking remembers.

Names of sets end at 31 bytes (IPSET_MAXNAMELEN). A jail of up to 22 plain characters is its own label, with `/ACTION`
where the action is not called `ipset`; of any other the label is its beginning, `+`, and 50 bits of a digest.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from sekisho.enforce.ruleset import Block, Reach, parse_rules
from sekisho.model.address import Family
from sekisho.model.ports import ALL_PORTS, PortRange

DEFAULT_ACTNAME = "ipset"
MOST = 1 << 20
"""Elements that a set may hold: ten times what was ever seen to be needed, at 60 bytes each of the kernel's memory,
which cannot be swapped out. An empty set takes none of it."""

HOOKS: Mapping[str, tuple[str, ...]] = {
    "raw": ("PREROUTING",),
    "mangle": ("PREROUTING",),
    "filter": ("INPUT", "FORWARD"),
}
"""The tables of iptables in which a packet can be dropped, the earliest first, and the chains that all packets meet."""

_DIGIT = {Family.INET4: "4", Family.INET6: "6"}
_NAME = re.compile(r"sekisho[46]([-+])(.+)")
_LONGEST = 22  # what is left of 31 bytes behind `sekisho4-`
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
_SLOTS = 15  # ports in one rule, a range counting for two (XT_MULTI_PORTS)
_ONLY_OF = {"icmp": Family.INET4, "igmp": Family.INET4, "icmpv6": Family.INET6, "ipv6-icmp": Family.INET6}
_NUMBERS = {"dccp": "33", "gre": "47", "igmp": "2", "ospf": "89", "vrrp": "112", "ipip": "4"}  # not all know the names
_REASONS = {
    "icmp net-unreachable": "icmp-net-unreachable",
    "icmp host-unreachable": "icmp-host-unreachable",
    "icmp prot-unreachable": "icmp-proto-unreachable",
    "icmp port-unreachable": "icmp-port-unreachable",
    "icmp net-prohibited": "icmp-net-prohibited",
    "icmp host-prohibited": "icmp-host-prohibited",
    "icmp admin-prohibited": "icmp-admin-prohibited",
    "icmpv6 no-route": "icmp6-no-route",
    "icmpv6 admin-prohibited": "icmp6-adm-prohibited",
    "icmpv6 addr-unreachable": "icmp6-addr-unreachable",
    "icmpv6 port-unreachable": "icmp6-port-unreachable",
    "icmpv6 policy-fail": "icmp6-policy-fail",
    "icmpv6 reject-route": "icmp6-reject-route",
}
_COMMON = {  # icmpx in each family, as nft(8) has it
    "port-unreachable": ("icmp-port-unreachable", "icmp6-port-unreachable"),
    "admin-prohibited": ("icmp-admin-prohibited", "icmp6-adm-prohibited"),
    "no-route": ("icmp-net-unreachable", "icmp6-no-route"),
    "host-unreachable": ("icmp-host-unreachable", "icmp6-addr-unreachable"),
}


@dataclass(frozen=True, slots=True)
class IpsetRules:
    """All that is to be said about one action of one jail; `most` is what a set may hold."""

    label: str
    reach: Reach
    block: Block = field(default_factory=Block)
    most: int = MOST

    def table(self, earliest: str) -> str:
        """Return the table of iptables in which the rules stand, where `earliest` is the first that there is."""
        return earliest if self.block == Block() else "filter"

    def set_name(self, family: Family) -> str:
        """Return the name of the set."""
        return f"sekisho{_DIGIT[family]}-{self.label}"

    def fresh_name(self, family: Family) -> str:
        """Return the name of a set that is about to take the other's place."""
        return f"sekisho{_DIGIT[family]}+{self.label}"


def render_label(jail: str, actname: str = DEFAULT_ACTNAME) -> str:
    """Return the part of the names that tells this action from every other."""
    whole = jail if actname == DEFAULT_ACTNAME else f"{jail}/{actname}"
    if len(whole) <= _LONGEST and _PLAIN.fullmatch(jail) and _PLAIN.fullmatch(actname):
        return whole
    digest = base64.b32encode(hashlib.sha256(f"{jail}\0{actname}".encode()).digest())[:10].decode().lower()
    return f"{re.sub('[^A-Za-z0-9_.-]', '_', jail)[: _LONGEST - 11]}+{digest}"


def parse_label(set_name: str) -> str | None:
    """Return the label in the name of a set of ours; None for another's."""
    found = _NAME.fullmatch(set_name)
    return found[2] if found else None


def parse_ipset_rules(
    jail: str, actname: str, properties: Mapping[str, str], ports: tuple[PortRange, ...] = ALL_PORTS
) -> IpsetRules:
    """Return the rules that an action's properties ask for; they are those of nftables, and `maxelem`.

    Raises:
        ValueError: a property means nothing here; the message names it and what was expected.

    """
    if properties.get("type") == "custom":
        raise ValueError("type 'custom': rule_match is nft's language; with ipset expected multiport or allports")
    found = parse_rules(jail, actname, properties, ports)
    most = properties.get("maxelem") or str(MOST)
    if not most.isdecimal() or not 0 < int(most) < 1 << 32:
        raise ValueError(f"maxelem {most!r}: expected a number of elements")
    return IpsetRules(render_label(jail, actname), found.reach, found.block, int(most))


def render_rules(rules: IpsetRules, family: Family, table: str) -> list[tuple[str, str]]:
    """Return chain and specification of each rule of a family that stands in a table, in their order."""
    asked = f"-m set --match-set {rules.set_name(family)} src"
    return [
        (hook, " ".join(filter(None, (packets, asked, f"-j {target}"))))
        for hook in HOOKS[table]
        for protocol, packets in _packets(rules.reach, family, table)
        for packets, target in _targets(rules.block, family, protocol, packets)
    ]


def render_change(table: str, stale: Sequence[str], fresh: Sequence[tuple[str, str]]) -> str:
    """Return the transaction that takes `stale` rules (see `find_rules`) out of a table and puts `fresh` in front."""
    lines = [f"-D {rule}" for rule in stale]
    seen: dict[str, int] = {}
    for hook, specification in fresh:
        seen[hook] = seen.get(hook, 0) + 1
        lines.append(f"-I {hook} {seen[hook]} {specification}")
    return "\n".join([f"*{table}", *lines, "COMMIT", ""])


def find_rules(saved: str, set_names: AbstractSet[str]) -> list[str]:
    """Return the rules in what iptables-save printed that name one of the sets."""
    named = ((line.removeprefix("-A "), line.split()) for line in saved.splitlines() if line.startswith("-A "))
    return [rule for rule, words in named if any(word in set_names for word in words)]


def _packets(reach: Reach, family: Family, table: str) -> Iterator[tuple[str, str]]:
    """Yield each protocol (empty: every one), with a condition for its packets of the jail's ports."""
    for protocol in reach.protocols or ("",):
        if _ONLY_OF.get(protocol, family) is not family:
            continue
        known = f"-p {_NUMBERS.get(protocol, protocol)}" if protocol else ""
        if reach.ports is None:
            yield protocol, known
            continue
        for ports in _chunks(reach.ports):
            yield protocol, f"{known} -m multiport --dports {','.join(map(_port, ports))}"
        if table == "filter":
            for each in reach.ports:
                yield protocol, f"{known} -m conntrack --ctorigdstport {_port(each)} --ctdir ORIGINAL"


def _targets(block: Block, family: Family, protocol: str, packets: str) -> Iterator[tuple[str, str]]:
    """Yield what is done with these packets, TCP's first where it is answered in its own way."""
    if block.reset and protocol in {"", "tcp"}:
        yield packets or "-p tcp", "REJECT --reject-with tcp-reset"
    if not block.reset or protocol != "tcp":
        yield packets, _target(block.inet4 if family is Family.INET4 else block.inet6, family)


def _target(verdict: str, family: Family) -> str:
    if verdict == "drop":
        return "DROP"
    reason = verdict.removeprefix("reject").removeprefix(" with ")
    if not reason:
        return "REJECT"
    kind, _, code = reason.partition(" ")
    told = _COMMON[code][family is Family.INET6] if kind == "icmpx" else _REASONS[reason]
    return f"REJECT --reject-with {told}"


def _chunks(ports: Sequence[PortRange]) -> Iterator[Sequence[PortRange]]:
    chunk: list[PortRange] = []
    slots = 0
    for each in ports:
        needed = 1 if each.first == each.last else 2
        if slots + needed > _SLOTS:
            yield chunk
            chunk, slots = [], 0
        chunk.append(each)
        slots += needed
    yield chunk


def _port(ports: PortRange) -> str:
    return str(ports.first) if ports.first == ports.last else f"{ports.first}:{ports.last}"
