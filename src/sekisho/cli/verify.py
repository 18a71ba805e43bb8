"""Prove that who is banned is barred: in the kernel's sets, by rules that are reached, with a real packet.

Asks the kernel of each jail that bars ADDRESS, or of every jail and its newest bans, and sends a probe with the banned
source through this host's own firewall. Nobody outside hears of it, and no service sees it. Needs root; without, or
where no packet can be sent, the rules are only read, which is said.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sekisho.cli.addresses import parse_address
from sekisho.cli.beautify import printable
from sekisho.cli.diagnosis import TABLE
from sekisho.cli.moment import moment
from sekisho.cli.reach import DONE, FAILED, MISUSED, add_reach_arguments, complain, reach
from sekisho.cli.tables import Table, print_json, print_table
from sekisho.control.client import ControlError
from sekisho.model.address import parse_subject

EXAMPLES = """\
sekisho verify                   every jail, and the bans that it made last
sekisho verify 192.0.2.1         each jail that bars this address
sekisho verify --json            one JSON document, for a program
"""

_TRACE = ("-P", "-m", "sekisho.enforce.trace")
_NOBODY = "192.0.2.254"  # no host has it (RFC 5737)
_PROBED = ("tcp", "udp", "icmp", "icmpv6", "ipv6-icmp")
_OF_FAMILY = {"icmp": 4, "icmpv6": 6, "ipv6-icmp": 6}


@dataclass(frozen=True, slots=True)
class Row:
    """One action of a jail, and one address that it should bar; empty: the chain as a whole.

    `proof` is what the daemon said of the action, `end` where a probe ended, with `note` in its place where none was
    sent.
    """

    proof: Mapping[str, Any]
    address: str = ""
    held: bool = False
    until: float | None = None
    end: Mapping[str, Any] | None = None
    note: str = ""

    @property
    def is_silent(self) -> bool:
        """Whether the action cannot be asked."""
        return "silent" in self.proof

    @property
    def stands(self) -> bool:
        """Whether nothing speaks against it: what cannot be asked, or was not tried, does not."""
        if self.is_silent:
            return True
        if self.proof["fault"]:
            return False
        if not self.address:
            return self.end is None or self.comes_by
        return self.held and (self.end is None or self.end["end"] == "dropped")

    @property
    def comes_by(self) -> bool:
        """Whether the probe came to the jail's chain."""
        return self.end is not None and f"{TABLE} {self.proof['chain']}" in self.end["way"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("address", nargs="?", metavar="ADDRESS", help="this address or network")
    parser.add_argument("--json", action="store_true", help="one JSON document; times in seconds since the epoch")
    add_reach_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print how each bar stands; 0 when all do, 1 when one does not, or nobody bars the address."""
    try:
        asked = [parse_address(args.address).text] if args.address else []
        proofs = reach(args, ["proofs", *asked])
    except ControlError as error:
        return complain(str(error))
    except ValueError as error:
        complain(str(error))
        return MISUSED
    rows, fault = traced([row for proof in proofs for row in rows_of(proof)])
    stands = bool(rows or not args.address) and all(row.stands for row in rows)
    if args.json:
        print_json({"barred": stands, "fault": fault, "rows": [_document(row) for row in rows]})
    elif rows:
        _print(rows, fault)
    else:
        print(f"no jail bars {args.address}" if args.address else "no jail runs")
    return DONE if stands else FAILED


def rows_of(proof: Mapping[str, Any]) -> list[Row]:
    """Return a row for each address that the daemon spoke of, one for the chain where there is none."""
    if "silent" in proof:
        return [Row(proof, note=proof["silent"])]
    if not proof["holdings"]:
        return [Row(proof)]
    return [Row(proof, each["address"], each["held"], each["until"]) for each in proof["holdings"]]


def probe_for(row: Row) -> Mapping[str, object] | str:
    """Return the packet that this bar must stop, or look at where nobody is banned; else why there is none."""
    if reason := row.note or _reason_against(row.proof, row.address):
        return reason
    network = parse_subject(row.address or _NOBODY).network
    if network is None:
        return "no firewall can bar what is no address"
    source = network.network_address
    protocols = row.proof["protocols"] or ("tcp",)
    for protocol in protocols:
        if protocol in _PROBED and _OF_FAMILY.get(protocol, source.version) == source.version:
            port = int(row.proof["ports"][0].partition("-")[0]) if row.proof["ports"] else 1
            probe = {"source": str(source), "protocol": protocol, "port": port}
            witness = row.proof["witness"]
            return probe if witness == "trace" else {**probe, "witness": witness}
    return f"no probe is made for {', '.join(protocols)}"


def _reason_against(proof: Mapping[str, Any], address: str) -> str:
    """Return why a probe would prove nothing, empty where it would."""
    if proof["witness"] == "none":
        return "read only: no packet is told of in iptables' table filter"
    if proof["witness"] == "counter" and not address:
        return "read only: there is nobody whose packets would be counted"
    return "rule_match is the administrator's own" if proof["match"] else ""


def traced(rows: Sequence[Row]) -> tuple[list[Row], str]:
    """Return the rows with what became of their probes, and why there was no trace at all."""
    wanted = [probe_for(row) for row in rows]
    probes = [probe for probe in wanted if not isinstance(probe, str)]
    answer = _trace(probes) if probes else {"ends": []}
    fault = str(answer.get("fault", ""))
    ends = iter(answer.get("ends", ()))
    told: list[Row] = []
    for row, probe in zip(rows, wanted, strict=True):
        if isinstance(probe, str):
            told.append(replace(row, note=probe))
        else:
            end = next(ends, None)
            told.append(replace(row, end=end, note="" if end else "not traced"))
    return told, fault


def _trace(probes: Sequence[Mapping[str, object]]) -> Mapping[str, Any]:
    """Let the tracing program send the probes; it ends, with all that it set up, also when we are interrupted."""
    with subprocess.Popen(
        [sys.executable, *_TRACE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # the terminal's interrupt is ours to pass on
    ) as tracer:
        try:
            said, complaint = tracer.communicate(json.dumps(probes))
        except KeyboardInterrupt:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
            raise
    if tracer.returncode:
        return {"fault": complaint.strip().rpartition("\n")[2] or f"the trace ended with {tracer.returncode}"}
    answer: Mapping[str, Any] = json.loads(said)
    return answer


def _print(rows: Sequence[Row], fault: str) -> None:
    cells = [
        [
            row.proof["jail"],
            row.proof["action"],
            row.address or "-",
            "-" if not row.address else ("yes" if row.held else "NO"),
            "-" if not row.held else ("for ever" if row.until is None else moment(row.until)),
            "-" if row.is_silent else row.proof["fault"] or "reached",
            "-" if row.is_silent else _reach(row.proof),
            _verdict(row),
        ]
        for row in rows
    ]
    columns = ("JAIL", "ACTION", "ADDRESS", "IN SET", "UNTIL", "CHAIN", "PORTS", "TRACED")
    print_table(Table(_heading([row for row in rows if not row.is_silent]), columns, cells))
    if fault:
        print(printable(f"The rules were only read, no packet was sent: {fault}"))


def _heading(asked: Sequence[Row]) -> str:
    bad = sum(not row.stands for row in asked)
    if not asked:
        return "No action could be asked"
    return f"{bad} of {len(asked)} NOT as it should be" if bad else f"{len(asked)} of {len(asked)} as it should be"


def _reach(proof: Mapping[str, Any]) -> str:
    """Return what the jail's chain looks at: `tcp 22`, `everything`."""
    protocols, ports = ", ".join(proof["protocols"]), proof["ports"]
    return " ".join(filter(None, (protocols, ", ".join(ports or ()), proof["match"]))) or "everything"


def _verdict(row: Row) -> str:
    if row.end is None:
        return row.note
    if not row.address:
        return f"comes to {row.proof['chain']}" if row.comes_by else "DOES NOT COME to the chain"
    if row.end["end"] == "let through":
        return "LET THROUGH"
    return f"{row.end['end']} by {row.end['table']} {row.end['chain']}"


def _document(row: Row) -> Mapping[str, object]:
    proof = {key: value for key, value in row.proof.items() if key != "holdings"}
    return {
        **proof,
        "address": row.address or None,
        "held": row.held,
        "until": row.until,
        "traced": row.end,
        "note": row.note,
        "stands": row.stands,
    }
