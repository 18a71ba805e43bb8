"""What a verdict looks like in the log."""

from __future__ import annotations

import pytest

from sekisho.engine.report import Entry, entry, lengthened, local_time, repealed, restored
from sekisho.model.address import parse_subject
from sekisho.model.verdict import (
    AlreadyBanned,
    Ban,
    Counted,
    Expired,
    Failure,
    History,
    Ignored,
    KnownBad,
    Release,
    Unban,
    Verdict,
)

HOST = parse_subject("192.0.2.10")
FAILURE = Failure("demo", HOST, 1000.5)
BAN = Ban("demo", HOST, 1000, 600)


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Counted(FAILURE, 1), Entry("fail2ban.filter", 20, (f"[demo] Found 192.0.2.10 - {local_time(1000)}",))),
        (Ignored(FAILURE, "ip"), Entry("fail2ban.filter", 20, ("[demo] Ignore 192.0.2.10 by ip",))),
        (BAN, Entry("fail2ban.actions", 25, ("[demo] Ban 192.0.2.10",))),
        (
            KnownBad(FAILURE, 1, 2.0, bans=False),
            Entry("fail2ban.observer", 20, (f"[demo] Found 192.0.2.10, bad - {local_time(1000)}, 1 # -> 2.0",)),
        ),
        (
            KnownBad(FAILURE, 2, 3, bans=True),
            Entry("fail2ban.observer", 20, (f"[demo] Found 192.0.2.10, bad - {local_time(1000)}, 2 # -> 3, Ban",)),
        ),
        (Expired(BAN), Entry("fail2ban.actions", 20, ("[demo] Ignore 192.0.2.10, expired bantime",))),
        (Unban(BAN, Release.EXPIRED), Entry("fail2ban.actions", 25, ("[demo] Unban 192.0.2.10",))),
    ],
)
def test_each_verdict_is_a_line_that_others_parse(verdict: Verdict, expected: Entry) -> None:
    """Logger, level and text are those of COMPAT 3.6."""
    assert entry(verdict) == expected


def test_a_start_and_a_stop_tell_of_each_ban() -> None:
    """One entry holds the lines of them all, in the words of COMPAT 3.6."""
    bans = [BAN, Ban("demo", parse_subject("2001:db8::1"), 1000, 600)]
    lines = ["[demo] Restore Ban 192.0.2.10", "[demo] Restore Ban 2001:db8::1"]
    assert restored("demo", bans) == Entry("fail2ban.actions", 25, lines)
    assert repealed("demo", bans[:1]) == Entry("fail2ban.actions", 25, ["[demo] Repeal Ban 192.0.2.10"])


@pytest.mark.parametrize(("later", "level"), [(2, 10), (3, 25), (59, 25), (60, 30)])
def test_an_address_that_goes_on_talking_is_reported_louder(later: int, level: int) -> None:
    """Already banned is a debug line at first, and a warning when the ban seems to have no effect (COMPAT 3.2)."""
    verdict = AlreadyBanned(Ban("demo", HOST, 1000 + later, 600), BAN, None)
    assert entry(verdict) == Entry("fail2ban.actions", level, ("[demo] 192.0.2.10 already banned",))


def test_a_longer_ban_says_why_and_until_when() -> None:
    """Tools that watch escalation parse the second of these lines (COMPAT 3.5, 3.6)."""
    ban = Ban("demo", HOST, 1000, 1200, count=2)
    assert lengthened(ban, History(1, 100), 600) == (
        Entry("fail2ban.observer", 20, (f"[demo] IP 192.0.2.10 is bad: 1 # last {local_time(100)} - incr 10m to 20m",)),
        Entry("fail2ban.observer", 25, (f"[demo] Increase Ban 192.0.2.10 (2 # 20m -> {local_time(2200)})",)),
    )
