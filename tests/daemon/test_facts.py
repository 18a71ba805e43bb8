"""What a command's tags may ask of the daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from sekisho.daemon.facts import Facts
from sekisho.engine.api import JailStatus
from sekisho.ledger.ledger import Changes, Ledger
from sekisho.lookup.dns import Resolver
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Ban, Release, Unban

EVE = parse_subject("192.0.2.1")


def ban(jail: str, failures: int, *lines: str, time: float = 1000.0) -> Ban:
    """A ban of Eve."""
    return Ban(jail, EVE, time, 600, failures=failures, matches=lines)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """What was known before: an old ban in one jail, which is over, and a standing one in another."""
    kept = Ledger(str(tmp_path / "ledger.sqlite"), most_matches=3)
    old = ban("sshd", 3, "a", "b", time=10.0)
    kept.commit(Changes(bans=[old]), now=10.0)
    kept.commit(Changes(unbans=[Unban(old, Release.EXPIRED)]), now=700.0)
    kept.commit(Changes(bans=[ban("mail", 5, "c"), ban("sshd", 2, "d")]), now=1000.0)
    return kept


def answers(ledger: Ledger, which: Ban | None, *asked: str) -> Mapping[str, str]:
    """What the daemon answers."""

    async def play() -> Mapping[str, str]:
        resolver = Resolver(getnameinfo=lambda _: "eve.example.", getaddrinfo=lambda *_: ("mx.example.com", ()))
        status = JailStatus("sshd", "auto", 1, 7, 9, (), (), (), ())
        try:
            return await Facts(lambda _: status, ledger, resolver).answers("sshd", which, frozenset(asked))
        finally:
            await resolver.close()

    found = asyncio.run(play())
    ledger.close()
    return {name: found[name] for name in asked if name in found}


def test_evidence_is_that_of_all_jails_or_of_one(ledger: Ledger) -> None:
    """Failures are added up, the newest lines are kept (COMPAT 3.7, 5.3)."""
    asked = ("ipfailures", "ipmatches", "ipjailfailures", "ipjailmatches")
    assert answers(ledger, ban("sshd", 2, "d"), *asked) == {
        "ipfailures": "10",
        "ipmatches": "b\nc\nd",
        "ipjailfailures": "5",
        "ipjailmatches": "a\nb\nd",
    }


def test_who_is_new_to_the_ledger_has_the_evidence_of_the_ban(ledger: Ledger) -> None:
    """As without a ledger."""
    stranger = Ban("sshd", parse_subject("192.0.2.9"), 1000.0, 600, failures=4, matches=("x",))
    assert answers(ledger, stranger, "ipfailures", "ipmatches") == {"ipfailures": "4", "ipmatches": "x"}


def test_names_and_counters(ledger: Ledger) -> None:
    """The address' name, this host's, and what the jail has counted."""
    assert answers(ledger, ban("sshd", 1), "ip-host", "fq-hostname", "jail.found", "jail.found_total") == {
        "ip-host": "eve.example",
        "fq-hostname": "mx.example.com",
        "jail.found": "1",
        "jail.found_total": "7",
    }


def test_nobody_has_no_evidence(ledger: Ledger) -> None:
    """At start and stop there is a jail, and no address."""
    assert answers(ledger, None, "ip-host", "ipmatches", "jail.name") == {"jail.name": "sshd"}
