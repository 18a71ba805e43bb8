"""The rules of a jail as nft text: which sets and chains there are, and what is said in them.

One table, `inet sekisho`. Its base chain hangs on `prerouting` at priority -310: after reassembly of fragments (-400),
so that ports can be read, and before `raw` (-300), connection tracking (-200) and destination NAT (-100). There a
packet still bears the port that the client dialled, whether this host serves it or passes it on to a container, and
nothing has yet been accepted because its connection is established: a banned address is cut off in mid-sentence.

The base chain jumps to one chain a jail. That chain first lets go what is not for the jail's ports, then looks the
source up in four sets: addresses and networks, IPv4 and IPv6. Addresses lie in hash sets, where a ban costs the same
however many there are; networks in interval sets. An element ends by its own kernel timeout and counts the packets
that it stopped (so ports are tested before the sets are asked).

Names: `addr-set-JAIL`, `addr6-set-JAIL`, `net-set-JAIL`, `net6-set-JAIL`, chain `jail-JAIL`. nft's identifiers know
letters, digits and `/ _ . -`; anything else in a jail's name is written `//HEX/`, and a second action of one jail
follows after `/`, so two actions never share a set.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sekisho.model.address import Family
from sekisho.model.ports import ALL_PORTS, PortRange, merge_ports

TABLE = "sekisho"
BASE_CHAIN = "prerouting"
PRIORITY = -310
CHAIN_PREFIX = "jail-"
DEFAULT_ACTNAME = "nftables"

_LONGEST = 200  # the kernel's names end at 255 bytes (NFT_NAME_MAXLEN), ours bear a prefix
_WITH_PORTS = ("tcp", "udp", "udplite", "sctp", "dccp")
_WITHOUT_PORTS = frozenset({"icmp", "icmpv6", "ipv6-icmp", "esp", "ah", "gre", "igmp", "ospf", "vrrp", "ipip"})
_EVERY = frozenset({"all", "any", "0", "ip"})
_PORTED_TYPES = frozenset({"multiport", "oneport", "new"})
_CODES = {
    "icmp": "net-unreachable host-unreachable prot-unreachable port-unreachable net-prohibited host-prohibited "
    "admin-prohibited",
    "icmpv6": "no-route admin-prohibited addr-unreachable port-unreachable policy-fail reject-route",
    "icmpx": "port-unreachable admin-prohibited no-route host-unreachable",
}
_REJECT_BY_NFT = re.compile(r"reject\s+with\s+(icmp|icmpv6|icmpx)\s+(?:type\s+)?([a-z-]+)")
_REJECT_BY_IPTABLES = re.compile(r"reject\s+--reject-with\s+(icmp6?)-([a-z-]+)")
_IPTABLES_CODES = {"proto-unreachable": "prot-unreachable", "adm-prohibited": "admin-prohibited"}
_RESET = frozenset({"reject with tcp reset", "reject --reject-with tcp-reset"})


@dataclass(frozen=True, slots=True)
class Block:
    """What happens to a packet of a banned address, for each family; `reset` answers TCP with a reset instead."""

    inet4: str = "drop"
    inet6: str = "drop"
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """Which packets a jail bars: `protocols` empty means every one, `ports` None too; `match` is the admin's own."""

    protocols: tuple[str, ...] = ("tcp",)
    ports: tuple[PortRange, ...] | None = None
    match: str = ""


@dataclass(frozen=True, slots=True)
class JailRules:
    """All that is to be said about one action of one jail."""

    label: str
    reach: Reach
    block: Block = Block()

    @property
    def chain(self) -> str:
        """The jail's chain."""
        return CHAIN_PREFIX + self.label

    def addresses(self, family: Family) -> str:
        """Return the name of the hash set."""
        return ("addr6-set-" if family is Family.INET6 else "addr-set-") + self.label

    def networks(self, family: Family) -> str:
        """Return the name of the interval set."""
        return ("net6-set-" if family is Family.INET6 else "net-set-") + self.label


def render_label(jail: str, actname: str = DEFAULT_ACTNAME) -> str:
    """Return the part of the names that tells this action from every other, in nft's alphabet."""
    label = _escape(jail) if actname == DEFAULT_ACTNAME else f"{_escape(jail)}/{_escape(actname)}"
    if len(label) <= _LONGEST:
        return label
    digest = hashlib.sha256(label.encode()).hexdigest()[:32]
    return f"{label[:100]}////{digest}"


def parse_rules(
    jail: str, actname: str, properties: Mapping[str, str], ports: tuple[PortRange, ...] = ALL_PORTS
) -> JailRules:
    """Return the rules that an nftables action's properties ask for; `ports` are those of its `port`, as numbers.

    Raises:
        ValueError: a property means nothing here; the message names it and what was expected.

    """
    block = parse_block(properties.get("blocktype") or "drop")
    kind = properties.get("type") or "multiport"
    if kind == "custom":
        match = properties.get("rule_match", "").strip()
        if not match or "\n" in match:
            raise ValueError(f"rule_match {match!r}: type custom expects one line of nft's match expressions")
        return JailRules(render_label(jail, actname), Reach((), None, match), block)
    if kind not in _PORTED_TYPES and kind != "allports":
        raise ValueError(f"type {kind!r}: expected multiport, oneport, allports or custom")
    wanted = None if kind == "allports" else ports
    return JailRules(render_label(jail, actname), parse_reach(properties.get("protocol") or "tcp", wanted), block)


def parse_reach(protocol: str, ports: tuple[PortRange, ...] | None) -> Reach:
    """Return what `protocol` (a list) and `ports` (None: not asked for) bar. Raises ValueError."""
    names = tuple(dict.fromkeys(word.lower() for word in re.split(r"[,\s]+", protocol.strip("{} ")) if word))
    if bad := [name for name in names if name not in {*_WITH_PORTS, *_WITHOUT_PORTS, *_EVERY}]:
        raise ValueError(f"protocol {bad[0]!r}: expected some of {', '.join(_WITH_PORTS)}, icmp, icmpv6 ... or all")
    every = not names or not _EVERY.isdisjoint(names)
    if ports is None or merge_ports(ports) == ALL_PORTS:
        return Reach(() if every else names, None)
    if not ports:
        raise ValueError("port: no port is left to protect")
    if portless := [name for name in names if name in _WITHOUT_PORTS]:
        raise ValueError(f"protocol {portless[0]!r} has no ports: type=allports bars it whole")
    return Reach(_WITH_PORTS if every else names, merge_ports(ports))


def parse_block(blocktype: str) -> Block:
    """Return what `blocktype` means, in nft's words or in those of iptables. Raises ValueError."""
    words = " ".join(blocktype.lower().split())
    if words in {"drop", "blackhole", "deny"}:
        return Block()
    if words == "reject":
        return Block("reject", "reject")
    if words in _RESET:
        return Block("reject", "reject", reset=True)
    kind, code = "", ""
    if by_nft := _REJECT_BY_NFT.fullmatch(words):
        kind, code = by_nft.groups()
    elif by_iptables := _REJECT_BY_IPTABLES.fullmatch(words):
        kind = "icmpv6" if by_iptables[1] == "icmp6" else "icmp"
        code = _IPTABLES_CODES.get(by_iptables[2], by_iptables[2])
    if not kind or code not in _CODES[kind].split():
        raise ValueError(f"blocktype {blocktype!r}: expected drop, reject, or reject with a reason that nft knows")
    text = f"reject with {kind} {code}"
    return Block("reject" if kind == "icmpv6" else text, "reject" if kind == "icmp" else text)


def render_set_up(rules: JailRules, others: Iterable[str]) -> str:
    """Return the transaction that puts a jail's chain and sets in place, elements that are there staying as they are.

    `others` are the jails' chains that stand and must go on being jumped to.
    """
    lines = [f"add table inet {TABLE}"]
    for family, kind in ((Family.INET4, "ipv4_addr"), (Family.INET6, "ipv6_addr")):
        lines += [
            f"add set inet {TABLE} {rules.addresses(family)} {{ type {kind}; flags timeout; counter; }}",
            f"add set inet {TABLE} {rules.networks(family)} {{ type {kind}; flags interval, timeout; counter; }}",
        ]
    chain = f"inet {TABLE} {rules.chain}"
    lines += [f"add chain {chain}", f"flush chain {chain}"]
    lines += [f"add rule {chain} {statement}" for statement in render_statements(rules)]
    return "\n".join(lines + _render_base({*others, rules.chain})) + "\n"


def render_take_down(labels: Iterable[str], others: Iterable[str]) -> str:
    """Return the transaction that removes the chains and sets of `labels` while `others` stand.

    Where none stands, the table itself goes.
    """
    standing = set(others)
    if not standing:
        return f"add table inet {TABLE}\ndelete table inet {TABLE}\n"
    lines = _render_base(standing)
    for label in sorted(labels):
        rules = JailRules(label, Reach())
        lines += [f"flush chain inet {TABLE} {rules.chain}", f"delete chain inet {TABLE} {rules.chain}"]
        for family in (Family.INET4, Family.INET6):
            lines += [f"delete set inet {TABLE} {name}" for name in (rules.addresses(family), rules.networks(family))]
    return "\n".join(lines) + "\n"


def render_statements(rules: JailRules) -> list[str]:
    """Return the rules of a jail's chain."""
    statements: list[str] = []
    reach = rules.reach
    if reach.protocols:
        statements.append(f"meta l4proto != {{ {', '.join(reach.protocols)} }} return")
    if reach.ports:
        statements.append(f"th dport != {{ {', '.join(map(str, reach.ports))} }} return")
    custom = f"{reach.match} " if reach.match else ""
    for family, word, verdict in (
        (Family.INET4, "ip", rules.block.inet4),
        (Family.INET6, "ip6", rules.block.inet6),
    ):
        for name in (rules.addresses(family), rules.networks(family)):
            source = f"{custom}{word} saddr @{name}"
            if rules.block.reset:
                statements.append(f"meta l4proto tcp {source} reject with tcp reset")
            if not rules.block.reset or reach.protocols != ("tcp",):
                statements.append(f"{source} {verdict}")
    return statements


def _render_base(chains: set[str]) -> list[str]:
    base = f"inet {TABLE} {BASE_CHAIN}"
    lines = [
        f"add chain {base} {{ type filter hook prerouting priority {PRIORITY}; policy accept; }}",
        f"flush chain {base}",
    ]
    return lines + [f"add rule {base} jump {chain}" for chain in sorted(chains)]


def _escape(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", lambda found: f"//{ord(found[0]):x}/", text)
