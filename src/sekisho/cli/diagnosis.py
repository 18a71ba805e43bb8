"""What is wrong with a host, told from what was read of it: pure, so that every illness can be shown to a test.

`vitals` reads, `doctor` asks and prints. Each function here is about one thing that keeps bans from barring, and also
says when that thing is well: a silent doctor might just not have looked.
"""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from sekisho.model.ports import PortRange

TABLE, PRIORITY = "sekisho", -310
"""Our table, and the priority of its base chain on prerouting (see `enforce.ruleset`)."""

_NET_ADMIN = 12  # capabilities(7), linux/capability.h
_SCARCE, _SHORT = 16 << 20, 256 << 20  # bytes: a ledger's transaction is some kilobytes, its log may be megabytes
_COMMAND_CHAIN = re.compile("f2b-|fail2ban-")  # what chains of action.d commands are called


class Level(enum.StrEnum):
    """How bad it is: `ERROR` keeps bans from barring, `WARNING` may, or will one day."""

    OK = "OK"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, where, and how to mend it."""

    level: Level
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Door:
    """What one jail bars: ports of some protocols."""

    jail: str
    protocols: tuple[str, ...]
    ports: tuple[PortRange, ...]


def judge_nft(program: str | None, complaint: str) -> Finding:
    """Judge whether nft is there and the kernel takes rules such as ours; `complaint` is what nft said of them."""
    if program is None:
        return Finding(Level.ERROR, "nft is not installed: no rule can be set up", "install the package nftables")
    if not complaint:
        return Finding(Level.OK, f"{program} and the kernel take rules such as ours")
    if "Operation not permitted" in complaint:
        return Finding(Level.WARNING, f"{program} may not be asked by you", "call the doctor as root")
    remedy = "load nf_tables and what belongs to it (modprobe nf_tables nf_tables_inet nft_reject_inet), or ask the "
    return Finding(
        Level.ERROR, f"the kernel refuses rules such as ours: {complaint}", f"{remedy}host of this container"
    )


def judge_rights(who: str, capabilities: int) -> Finding:
    """Judge whether a process may change the firewall."""
    if capabilities >> _NET_ADMIN & 1:
        return Finding(Level.OK, f"{who} may change the firewall")
    remedy = "run it as root, in a container with --cap-add NET_ADMIN, and see CapabilityBoundingSet= of the unit"
    return Finding(Level.ERROR, f"{who} lacks CAP_NET_ADMIN: it can bar nobody", remedy)


def judge_legacy(saved: Mapping[str, str]) -> Iterator[Finding]:
    """Judge the rules of the older iptables; `saved` is what iptables-legacy-save and its like printed, by program."""
    full = {program: len(re.findall(r"^(?:\[[\d:]+\] )?-A ", text, re.MULTILINE)) for program, text in saved.items()}
    for program, count in full.items():
        if count:
            yield Finding(
                Level.WARNING,
                f"{count} rule(s) of the older iptables stand beside nftables: every packet meets both, and "
                "`nft list ruleset` does not show them",
                f"look at them with {program}, and move to iptables-nft what is still needed",
            )
    if not any(full.values()):
        yield Finding(Level.OK, "no rules of the older iptables stand beside nftables")


def judge_chains(ruleset: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Judge what others do to packets before they come to us; `ruleset` is the list that `nft -j list ruleset` has."""
    found = [*_shortcuts(ruleset), *_early_accepts(ruleset)]
    yield from found
    if not found:
        yield Finding(Level.OK, "no rules of others keep packets from ours")


def _shortcuts(ruleset: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """What is seen before our base chain and can pass it by.

    An `accept` cannot: it ends the chains of its own hook and priority, and ours comes all the same (nft(8)).
    """
    for item in ruleset:
        if table := item.get("flowtable"):
            yield Finding(
                Level.WARNING,
                f"flowtable {_place(table)}: connections that are passed on and offloaded to it go on after a ban",
                "offload only what strangers cannot open, or drop the flowtable",
            )
    early = {
        _place(chain, chain["name"])
        for item in ruleset
        if (chain := item.get("chain"))
        and chain.get("hook") == "prerouting"
        and chain.get("prio", 0) < PRIORITY
        and chain["table"] != TABLE
    }
    for rule in _rules(ruleset):
        place = _place(rule, rule["chain"])
        if place in early and any("queue" in part for part in rule.get("expr", ())):
            early.discard(place)
            yield Finding(
                Level.WARNING,
                f"chain {place} hands packets to a program before they come to us: while that holds them, no ban bars",
                f"let it hook behind priority {PRIORITY}",
            )


def _early_accepts(ruleset: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Accepts in one chain with, and before, the jump to a jail's commands: there the first verdict is the last."""
    accepting: dict[str, Mapping[str, Any]] = {}
    told: set[str] = set()
    for rule in _rules(ruleset):
        place = _place(rule, rule["chain"])
        if rule["table"] == TABLE or place in told:
            continue
        expressions: Sequence[Mapping[str, Any]] = rule.get("expr", ())
        jump = next((part["jump"]["target"] for part in expressions if isinstance(part.get("jump"), dict)), "")
        if any("accept" in part for part in expressions) and not _is_loopback(expressions):
            accepting.setdefault(place, rule)
        elif _COMMAND_CHAIN.match(jump) and place in accepting:
            told.add(place)
            yield Finding(
                Level.WARNING,
                f"chain {place} accepts packets (handle {accepting[place].get('handle')}) before it jumps to {jump}: "
                "whoever is accepted there is not barred",
                "put the jump first, or let the jail use banaction = nftables, which comes before all of them",
            )


def _rules(ruleset: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (item["rule"] for item in ruleset if "rule" in item)


def _place(item: Mapping[str, Any], name: str = "") -> str:
    return f"{item['family']} {item['table']} {name or item['name']}"


def _is_loopback(expressions: Sequence[Mapping[str, Any]]) -> bool:
    matches = (part["match"] for part in expressions if isinstance(part.get("match"), dict))
    return any(match.get("right") == "lo" for match in matches)


def judge_doors(doors: Iterable[Door], listening: Mapping[str, frozenset[int]]) -> Iterator[Finding]:
    """Judge whether anybody listens behind the ports of each jail; `listening` are the ports by protocol."""
    for door in doors:
        kinds = [kind for kind in door.protocols if kind in listening] or list(listening)
        open_ports = sorted(
            {port for kind in kinds for port in listening[kind] if any(r.first <= port <= r.last for r in door.ports)}
        )
        ports = ", ".join(map(str, door.ports))
        if open_ports:
            heard = ", ".join(map(str, open_ports))
            yield Finding(Level.OK, f"jail {door.jail!r} bars port {ports}, and {heard} listen(s)")
        else:
            yield Finding(
                Level.WARNING,
                f"jail {door.jail!r} bars port {ports}, where nobody listens on this host: it protects nothing",
                f"set port = in [{door.jail}] to where the service listens, unless a container behind this host does",
            )


def parse_listening(text: str) -> frozenset[int]:
    """Return the ports on which sockets of /proc/net/tcp, tcp6, udp or udp6 can be reached from outside."""
    ports = set()
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 4 or fields[3] not in {"0A", "07"}:  # TCP_LISTEN; an unconnected UDP socket (TCP_CLOSE)
            continue
        address, _, port = fields[1].partition(":")
        words = (int(address[at : at + 8], 16) for at in range(0, len(address), 8))
        if not ip_address(b"".join(word.to_bytes(4, sys.byteorder) for word in words)).is_loopback:
            ports.add(int(port, 16))
    return frozenset(ports)


def judge_rivals(pids: Sequence[int]) -> Finding:
    """Judge whether Fail2ban runs at the same time; `pids` are its processes, ours left out."""
    if not pids:
        return Finding(Level.OK, "no Fail2ban runs beside us")
    found = ", ".join(map(str, pids))
    what = f"Fail2ban runs beside us (pid {found}): both judge the same logs, and an unban of one leaves the other's"
    return Finding(Level.WARNING, what, "systemctl disable --now fail2ban")


def judge_journal(jails: Sequence[str], complaint: str) -> Finding:
    """Judge whether the journal can be read by the jails that read it; `complaint` is what journalctl said."""
    if not jails:
        return Finding(Level.OK, "no jail reads the journal")
    if not complaint:
        return Finding(Level.OK, f"the journal can be read ({len(jails)} jail(s) do)")
    remedy = "install systemd's journalctl and let the daemon be root or in the group systemd-journal"
    return Finding(Level.ERROR, f"the journal cannot be read, which {', '.join(jails)} need(s): {complaint}", remedy)


def judge_log(target: str, complaint: str) -> Finding:
    """Judge whether the log can be written."""
    if not complaint:
        return Finding(Level.OK, f"the log goes to {target}")
    return Finding(Level.ERROR, f"the log {target} cannot be written: {complaint}", "mend the path, or set logtarget")


def judge_disk(path: str | None, free: int, complaint: str) -> Finding:
    """Judge whether the ledger has a place to grow; `free` is in bytes."""
    if path is None:
        return Finding(Level.WARNING, "dbfile = None: bans are forgotten at a restart", "name a file as dbfile")
    if complaint:
        return Finding(Level.ERROR, f"the ledger {path} cannot be written: {complaint}", "mend the path, or set dbfile")
    left = f"{free >> 20} MiB are left for the ledger {path}"
    if free >= _SHORT:
        return Finding(Level.OK, left)
    level = Level.ERROR if free < _SCARCE else Level.WARNING
    return Finding(level, f"{left}: without room, bans are remembered in memory only", "make room, or move dbfile")


def judge_configuration(mistakes: int) -> Finding:
    """Judge whether the tree holds; `mistakes` are its errors."""
    if not mistakes:
        return Finding(Level.OK, "the configuration holds")
    return Finding(
        Level.ERROR, f"the configuration has {mistakes} error(s)", "sekisho check names file, line and remedy"
    )


def judge_daemon(complaint: str) -> Finding:
    """Judge whether the daemon answers."""
    if not complaint:
        return Finding(Level.OK, "the daemon answers")
    return Finding(Level.ERROR, complaint, "systemctl status sekisho, and sekisho log, say why")
