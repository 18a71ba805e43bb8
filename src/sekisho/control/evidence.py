"""The words by which `sekisho status --counters` and `sekisho verify` ask what the firewall itself says."""

from __future__ import annotations

from collections.abc import Mapping

from sekisho.control.protocol import Kind, Mapped, Value
from sekisho.control.table import BASIC, Unmet, Word
from sekisho.engine.api import ActionProof, EngineApi, JailCounts
from sekisho.model.address import Family, parse_subject
from sekisho.model.proof import Count, Holding
from sekisho.model.verdict import Ban


async def counters(engine: EngineApi, *jails: str) -> Value:
    """Return what every jail has stopped, or what each ban of the jails that are named has."""
    if not jails:
        return [_counts_document(await engine.counts(jail)) for jail in sorted(engine.status().jails)]
    return [_bans_document(await engine.counts(jail)) for jail in jails]


def _counts_document(counts: JailCounts) -> Mapping[str, Value]:
    return {
        "jail": counts.jail,
        "banned": len(counts.bans),
        **_count_document(counts.total),
        "silent": counts.silent,
    }


def _bans_document(counts: JailCounts) -> Mapping[str, Value]:
    def told(ban: Ban) -> Value:
        return {"address": ban.subject.text, "since": ban.time, "until": ban.until, **_count_document(counts.of(ban))}

    return {**_counts_document(counts), "bans": Mapped(counts.bans, told)}


def _count_document(count: Count) -> Mapping[str, Value]:
    return {"packets": count.packets, "bytes": count.octets}


async def proofs(engine: EngineApi, *words: str) -> Value:
    """Return how each jail's enforcers stand against an address; without one, against the newest bans."""
    subject = parse_subject(words[0]) if words else None
    if subject is not None and subject.family is Family.OTHER:
        raise Unmet(Kind.VALUE, f"{words[0]!r} is no address or network")
    names = sorted(engine.status().jails)
    return [_proof_document(proof) for name in names for proof in await engine.proofs(name, subject)]


def _proof_document(proof: ActionProof) -> Mapping[str, Value]:
    about = {"jail": proof.jail, "action": proof.action}
    barrier = proof.barrier
    if isinstance(barrier, str):
        return {**about, "silent": barrier}
    return {
        **about,
        "chain": barrier.chain,
        "fault": barrier.fault,
        "protocols": barrier.protocols,
        "ports": None if barrier.ports is None else [str(ports) for ports in barrier.ports],
        "match": barrier.match,
        "witness": barrier.witness.value,
        "holdings": [_holding_document(holding) for holding in barrier.holdings],
    }


def _holding_document(holding: Holding) -> Mapping[str, Value]:
    return {"address": holding.subject.text, "held": holding.is_held, "until": holding.until}


WORDS = (
    Word("counters", "[<JAIL>...]", BASIC, "how many packets the bans have stopped", counters, internal=True),
    Word("proofs", "[<ADDRESS>]", BASIC, "how the firewall stands against an address", proofs, internal=True),
)
