"""What stands of our table besides its elements: chains and how many rules they hold, sets, and whether it is asleep.

It is asked for after another program has changed the ruleset, so it is counted, not compared rule by rule: whoever
flushes or deletes leaves fewer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sekisho.enforce.ruleset import BASE_CHAIN, CHAIN_PREFIX, JailRules, render_statements
from sekisho.enforce.wire import pack_message, read_attributes
from sekisho.model.address import Family

_SUBSYSTEM = 10 << 8  # NFNL_SUBSYS_NFTABLES
_REQUEST_DUMP = 0x301
TABLES, CHAINS, RULES, SETS = 1, 4, 7, 10  # NFT_MSG_GETTABLE, GETCHAIN, GETRULE, GETSET
_NAME_AT = {TABLES: 1, CHAINS: 3, RULES: 2, SETS: 2}  # NFTA_..._NAME, of a rule the chain that it is in
_FLAGS, _DORMANT = 2, 1  # NFTA_TABLE_FLAGS, NFT_TABLE_F_DORMANT


@dataclass(frozen=True, slots=True)
class Structure:
    """`rules` counts the rules of each chain that stands, `sets` are the names of the sets."""

    rules: Counter[str]
    sets: frozenset[str] = frozenset()
    is_dormant: bool = False

    def holds(self, jail: JailRules) -> bool:
        """Return whether a jail's chain is reached, and does what it was set up to do."""
        jails = sum(1 for chain in self.rules if chain.startswith(CHAIN_PREFIX))
        named = {name(family) for name in (jail.addresses, jail.networks) for family in (Family.INET4, Family.INET6)}
        return (
            not self.is_dormant
            and self.rules.get(BASE_CHAIN) == jails
            and self.rules.get(jail.chain) == len(render_statements(jail))
            and named <= self.sets
        )


def pack_listing(kind: int, sequence: int) -> bytes:
    """Return the request that lists all tables, chains, rules or sets of the inet family."""
    return pack_message(_SUBSYSTEM | kind, _REQUEST_DUMP, sequence, b"")


def parse_structure(table: str, listings: Iterable[tuple[int, Iterable[bytes]]]) -> Structure:
    """Return what the answers to the four listings say of one table."""
    rules: Counter[str] = Counter()
    sets: set[str] = set()
    is_dormant = False
    for kind, bodies in listings:
        for body in bodies:
            fields = {field: body[start:end] for field, start, end in read_attributes(body, 0, len(body))}
            if _text(fields.get(1, b"")) != table:  # NFTA_..._TABLE
                continue
            name = _text(fields.get(_NAME_AT[kind], b""))
            match kind:
                case 1:
                    is_dormant = bool(int.from_bytes(fields.get(_FLAGS, b""), "big") & _DORMANT)
                case 4:
                    rules.setdefault(name, 0)
                case 7:
                    rules[name] += 1
                case _:
                    sets.add(name)
    return Structure(rules, frozenset(sets), is_dormant)


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")
