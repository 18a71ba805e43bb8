"""The words by which our own programs ask what the firewall says."""

from __future__ import annotations

import json
from typing import Any

from tests.control.conftest import Say
from tests.support.fake_engine import NOW, FakeEngine

from sekisho.control.protocol import Answer, Denied, Granted, Kind, render_answer


def told(answer: Answer) -> Any:  # noqa: ANN401 - JSON
    """Return what a program reads of an answer."""
    assert isinstance(answer, Granted)
    return json.loads(b"".join(render_answer(answer)))["ok"]


def test_every_jail_tells_what_it_has_stopped(say: Say) -> None:
    """One sum a jail, without the bans, of which there may be a hundred thousand."""
    say("set", "demo", "banip", "192.0.2.1")
    silent = {"note": "it counts no packets"}
    assert told(say("counters")) == [
        {"jail": "ddd", "banned": 0, "packets": 0, "bytes": 0, "silent": silent},
        {"jail": "demo", "banned": 1, "packets": 4312, "bytes": 317440, "silent": silent},
    ]


def test_a_jail_tells_what_each_of_its_bans_has_stopped(say: Say) -> None:
    """With the span of each ban, since a counter begins with it."""
    say("set", "demo", "banip", "192.0.2.1", "192.0.2.2")
    (jail,) = told(say("counters", "demo"))
    assert jail["bans"] == [
        {"address": "192.0.2.1", "since": NOW, "until": NOW + 3600, "packets": 7, "bytes": 420},
        {"address": "192.0.2.2", "since": NOW, "until": NOW + 3600, "packets": 0, "bytes": 0},
    ]
    assert say("counters", "no-such") == Denied(Kind.UNKNOWN_JAIL, "no-such")


def test_proofs_of_an_address_come_from_the_jails_that_bar_it(say: Say, engine: FakeEngine) -> None:
    """Each enforcer says how it stands, or why it does not tell."""
    say("set", "demo", "banip", "192.0.2.1", "192.0.2.2")
    assert told(say("proofs", "192.0.2.1")) == [
        {
            "jail": "demo",
            "action": "nftables",
            "chain": "jail-demo",
            "fault": "",
            "protocols": ["tcp"],
            "ports": ["22"],
            "match": "",
            "witness": "trace",
            "holdings": [{"address": "192.0.2.1", "held": True, "until": NOW + 3600}],
        },
        {"jail": "demo", "action": "note", "silent": "it cannot be asked whom it bars"},
    ]
    assert {proof["jail"] for proof in told(say("proofs"))} == {"ddd", "demo"}
    assert say("proofs", "host.example") == Denied(Kind.VALUE, "'host.example' is no address or network")
