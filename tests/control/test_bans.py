"""The words about who is barred (COMPAT 9, cases 38-41)."""

from __future__ import annotations

import time

import pytest
from tests.control.conftest import Say
from tests.support.fake_engine import NOW, FakeEngine

from sekisho.control.protocol import Denied, Granted, Kind
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Ban


def test_banning_by_hand_counts_what_is_new(say: Say) -> None:
    """Two, then none; ignored ones, networks and what is no address at all are banned too."""
    assert say("set", "demo", "banip", "192.0.2.20", "192.0.2.21") == Granted(2)
    assert say("set", "demo", "banip", "192.0.2.20") == Granted(0)
    for text in ("192.0.2.77", "198.51.100.0/24", "not.an.ip.invalid"):
        assert say("set", "demo", "banip", text) == Granted(1)
    assert say("set", "demo", "banip") == Granted(0)


def test_unbanning_by_hand_counts_what_was_banned(say: Say) -> None:
    """One, then none, then an error where one was asked for; a network lifts its members."""
    say("set", "demo", "banip", "192.0.2.20", "198.51.100.5")
    assert say("set", "demo", "unbanip", "192.0.2.20") == Granted(1)
    assert say("set", "demo", "unbanip", "192.0.2.20") == Granted(0)
    absent = say("set", "demo", "unbanip", "--report-absent", "192.0.2.20")
    assert absent == Denied(Kind.VALUE, "not banned: ['192.0.2.20']")
    assert say("set", "demo", "unbanip", "198.51.100.0/24") == Granted(1)
    assert say("unban", "9.9.9.9") == Granted(0)
    assert isinstance(say("set", "demo", "unbanip", "--report-absent"), Denied)


def test_unban_reaches_every_jail(say: Say) -> None:
    """Named addresses, or all, over all jails."""
    for jail in ("demo", "ddd"):
        say("set", jail, "banip", "192.0.2.1", "192.0.2.2")
    assert say("unban", "192.0.2.1") == Granted(2)
    assert say("unban", "--all") == Granted(2)
    assert say("unban") == Denied(Kind.REFUSED, "Invalid command")


def test_who_is_banned_is_told_three_ways(say: Say) -> None:
    """By jail, by address, and within one jail."""
    say("set", "demo", "banip", "192.0.2.10")
    assert say("banned") == Granted([{"demo": ["192.0.2.10"]}, {"ddd": []}])
    assert say("banned", "192.0.2.10", "192.0.2.11") == Granted([["demo"], []])
    assert say("get", "demo", "banned") == Granted(["192.0.2.10"])
    assert say("get", "demo", "banned", "192.0.2.10") == Granted(1)
    assert say("get", "demo", "banned", "192.0.2.10", "192.0.2.11") == Granted([1, 0])


def test_an_address_in_a_barred_prefix_is_banned_and_unbanned_with_it(say: Say, engine: FakeEngine) -> None:
    """Every word about the address tells so; a network that a person barred is lifted by its name only."""
    prefix = parse_subject("2001:db8:bad::/64")
    engine.bans["demo"] = {prefix.text: Ban("demo", prefix, NOW, 3600, failures=3)}
    say("set", "ddd", "banip", "198.51.100.0/24")
    assert say("banned", "2001:db8:bad::7", "198.51.100.7") == Granted([["demo"], ["ddd"]])
    assert say("get", "demo", "banned", "2001:db8:bad::7", "2001:db8::7") == Granted([1, 0])
    assert say("set", "demo", "unbanip", "--report-absent", "2001:db8:bad::7") == Granted(1)
    assert say("banned", "2001:db8:bad::7") == Granted([[]])
    absent = say("set", "ddd", "unbanip", "--report-absent", "198.51.100.7")
    assert absent == Denied(Kind.VALUE, "not banned: ['198.51.100.7']")


def test_banip_lists_by_end_and_with_times(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends first stands first; the times are local."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    say("ban", "demo", "192.0.2.1", "--for", "1h")
    say("ban", "demo", "192.0.2.2", "--for", "60")
    assert say("get", "demo", "banip") == Granted(["192.0.2.2", "192.0.2.1"])
    assert say("get", "demo", "banip", "--with-time") == Granted(
        [
            "192.0.2.2 \t2026-07-14 12:00:00 + 60 = 2026-07-14 12:01:00",
            "192.0.2.1 \t2026-07-14 12:00:00 + 3600 = 2026-07-14 13:00:00",
        ]
    )


def test_an_attempt_weighs_as_much_as_its_lines(say: Say, engine: FakeEngine) -> None:
    """The lines reach the engine; an ignored address does not count."""
    assert say("set", "demo", "attempt", "192.0.2.1", "line a", "line b") == Granted(1)
    assert engine.calls == [("attempt", "demo", "192.0.2.1", ("line a", "line b"))]
    assert say("set", "demo", "attempt", "192.0.2.77") == Granted(0)


def test_our_own_ban_has_a_time_and_a_reason(say: Say, engine: FakeEngine) -> None:
    """One jail or all; what is new is told by jail."""
    assert say("ban", "--all", "192.0.2.1", "--for", "2h", "--reason", "ticket 1") == Granted({"demo": 1, "ddd": 1})
    assert engine.calls[0] == ("ban", "demo", ("192.0.2.1",), 7200, "ticket 1")
    assert say("ban", "demo", "192.0.2.2", "--for", "-1") == Granted({"demo": 1})
    assert isinstance(say("ban", "demo", "192.0.2.3", "--for", "0"), Denied)
    assert isinstance(say("ban", "demo", "--for", "60"), Denied)
    assert say("ban", "nojail", "192.0.2.2") == Denied(Kind.UNKNOWN_JAIL, "nojail")


def test_who_is_guarded_is_banned_by_force(say: Say) -> None:
    """Fail2ban's word has none; ours takes it from no other option's text."""
    refused = Denied(Kind.REFUSED, "192.0.2.99 is guarded")
    assert say("set", "demo", "banip", "192.0.2.99") == refused
    assert say("ban", "demo", "192.0.2.99", "--reason", "--force") == refused
    assert say("ban", "--force", "demo", "192.0.2.99") == Granted({"demo": 1})


def test_our_own_unban_tells_what_it_lifted(say: Say) -> None:
    """The bans themselves, so that a person sees which jail had one."""
    say("set", "demo", "banip", "192.0.2.1")
    lifted = say("lift", "--all", "192.0.2.0/24")
    assert isinstance(lifted, Granted)
    assert lifted.value == [
        {"jail": "demo", "address": "192.0.2.1", "time": NOW, "until": NOW + 3600, "failures": 0, "count": 1,
         "cause": "by hand", "reason": ""}
    ]  # fmt: skip
