"""What keeps ipset from barring, told from what was tried and read (see `diagnosis`): pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sekisho.cli.diagnosis import Finding, Level


@dataclass(frozen=True, slots=True)
class Trial:
    """What `enforce.ipset_trial` found; `absent` is what the kernel answers where it has no nf_tables."""

    fault: str
    absent: str = ""
    places: Mapping[str, str] = field(default_factory=dict)
    lame: Mapping[str, str] = field(default_factory=dict)

    @property
    def stands_in(self) -> bool:
        """Whether the daemon bars by ipset what nftables should."""
        return bool(self.absent and not self.fault)


def parse_trial(said: str, complaint: str) -> Trial:
    """Return what a trial found; where it could not be made, that is its fault."""
    return Trial(**json.loads(said)) if said else Trial(complaint)


def judge_ipset(trial: Trial) -> Iterator[Finding]:
    """Judge whether ipset and iptables take sets and rules such as ours."""
    if "Operation not permitted" in trial.fault:
        yield Finding(Level.WARNING, "ipset may not be tried by you", "call the doctor as root")
    elif trial.fault:
        remedy = "install iptables, load what belongs to ipset (modprobe ip_set_hash_net xt_set), or ask the "
        what = f"the kernel or iptables refuses sets and rules such as ours: {trial.fault}"
        yield Finding(Level.ERROR, what, f"{remedy}host of this container")
    else:
        instead = f"the kernel has no nf_tables ({trial.absent}), ipset stands in: " if trial.absent else ""
        where = " and ".join(dict.fromkeys(trial.places.values()))
        yield Finding(Level.OK, f"{instead}ipset and iptables (table {where}) take sets and rules such as ours")
    for family, why in trial.lame.items():
        what = f"no {family} address can be barred by iptables here: {why}"
        yield Finding(Level.WARNING, what, f"install what is missing, unless the host has no {family}")


def judge_front(saved: Mapping[str, str]) -> Iterator[Finding]:
    """Judge rules of others in front of ours; `saved` is what iptables-save printed of the table raw, by program."""
    found = [
        (program, line)
        for program, text in saved.items()
        for line in text.partition("--match-set sekisho")[0].splitlines()
        if line.startswith("-A PREROUTING ") and line.endswith(" -j ACCEPT") and "--match-set sekisho" in text
    ]
    for program, line in found:
        what = f"`{line}` accepts packets before ours are asked ({program} -t raw): whoever is accepted is not barred"
        yield Finding(Level.WARNING, what, "delete that rule and append it again: ours will be in front")
    if not found:
        yield Finding(Level.OK, "no rules of others stand in front of ours in iptables' table raw")
