"""The settings of a jail, shown and changed."""

from __future__ import annotations

import pytest
from tests.control.conftest import Say
from tests.support.fake_engine import FakeEngine, demo_jail

from sekisho.control.protocol import Denied, Granted, Kind
from sekisho.model.specs import BackendSpec

FAILREGEX = r"^ fail user=<F-USER>\S+</F-USER> from <HOST>$"


@pytest.mark.parametrize(
    ("line", "value"),
    [  # observed from Fail2ban 1.0.2, whose expressions are shown expanded
        ("get demo bantime", 3600),
        ("set demo bantime 1h", 3600),
        ("set demo bantime 2.5", 2),
        ("set demo bantime 1mo", 2629800),
        ("set demo bantime -1", -1),
        ("set demo findtime 10m", 600),
        ("set demo maxretry 4", 4),
        ("set demo maxmatches 2", 2),
        ("get demo ipv4_prefix", 32),
        ("get demo ipv6_prefix", 128),
        ("set demo ipv4_prefix 24", 24),
        ("set demo ipv6_prefix 64", 64),
        ("set demo maxlines 2", 2),
        ("get demo usedns", "no"),
        ("set demo usedns warn", "warn"),
        ("set demo usedns bogus", "no"),
        ("set demo usedns true", "yes"),
        ("get demo ignoreself", True),
        ("set demo ignoreself false", False),
        ("set demo ignoreself maybe", False),
        ("get demo ignorecommand", False),
        ("get demo ignoreip", ["127.0.0.0/8", "::1", "192.0.2.77"]),
        ("set demo addignoreip 10.0.0.0/8 a.example 10.0.0.1/8",
         ["127.0.0.0/8", "10.0.0.0/8", "a.example", "::1", "192.0.2.77"]),
        ("set demo delignoreip 127.0.0.0/8", ["::1", "192.0.2.77"]),
        ("get demo logpath", ["/var/log/demo.log"]),
        ("set demo addlogpath /dev/null tail", ["/var/log/demo.log", "/dev/null"]),
        ("set demo addlogpath /nosuch/*.log", ["/var/log/demo.log", "/nosuch/*.log"]),
        ("set demo addjournalmatch A=1", []),
        ("set demo deljournalmatch A=1", []),
        ("set demo idle on", True),
        ("set demo idle off", False),
        ("set demo dellogpath /var/log/demo.log", []),
        ("set demo dellogpath /nowhere", ["/var/log/demo.log"]),
        ("set demo logencoding ascii", "ascii"),
        ("get demo logtimezone", None),
        ("set demo logtimezone UTC+0200", "UTC+0200"),
        ("get demo journalmatch", []),
        ("get demo failregex", [FAILREGEX]),
        ("set demo delfailregex 0", []),
        ("set demo delfailregex 9", [FAILREGEX]),
        ("set demo addignoreregex foo", [r"user=good\b", "foo"]),
        ("get demo prefregex", ""),
        ("get demo datepattern", (None, "Default Detectors")),
        ("set demo datepattern %Y-%m-%d", ("%Y-%m-%d", "Year-Month-Day")),
        ("set demo datepattern epoch", (None, "Epoch")),
    ],
)  # fmt: skip
def test_values(say: Say, line: str, value: object) -> None:
    """Each setting is shown and changed as with Fail2ban's server."""
    assert say(*line.split()) == Granted(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "denied"),
    [
        ("set demo delignoreip 9.9.9.9", Denied(Kind.VALUE, "list.remove(x): x not in list")),
        ("set demo maxlines 0", Denied(Kind.VALUE, "maxlines must be integer greater than zero")),
        ("set demo ipv4_prefix 33", Denied(Kind.VALUE, "a prefix of IPv4 has 1 to 32 bits, not '33'")),
        ("set demo ipv6_prefix 0", Denied(Kind.VALUE, "a prefix of IPv6 has 1 to 128 bits, not '0'")),
        ("set demo logencoding nosuch", Denied(Kind.VALUE, "unknown encoding: nosuch")),
        ("set demo addfailregex bad", Denied(Kind.REFUSED, "No failure-id group in 'bad'")),
        ("set demo delfailregex x", Denied(Kind.VALUE, "invalid literal for int() with base 10: 'x'")),
        (
            "set demo addlogpath /a sideways",
            Denied(Kind.VALUE, "File option must be 'head' or 'tail', found 'sideways'"),
        ),
        (
            "set demo addlogpath /nosuch/b.log",
            Denied(Kind.VALUE, "[Errno 2] No such file or directory: '/nosuch/b.log'"),
        ),
        ("set demo idle maybe", Denied(Kind.REFUSED, "Invalid idle option, must be 'on' or 'off'")),
    ],
)
def test_what_does_not_hold_changes_nothing(say: Say, engine: FakeEngine, line: str, denied: Denied) -> None:
    """A change that is refused leaves the jail as it was."""
    assert say(*line.split()) == denied
    assert engine.specs["demo"] == demo_jail()


def test_journal_matches_go_as_they_came(say: Say, engine: FakeEngine) -> None:
    """A match that was added can be removed by the same words, once."""
    engine.specs["demo"] = demo_jail(backend=BackendSpec("systemd"))
    assert say("set", "demo", "addjournalmatch", "A=1", "+", "B=2") == Granted([["A=1", "+", "B=2"]])
    assert say("set", "demo", "deljournalmatch", "A=1", "+", "B=2") == Granted([])
    assert say("set", "demo", "deljournalmatch", "A=1") == Denied(Kind.VALUE, "Match 'A=1' not found")
    say("set", "demo", "addjournalmatch", "A=1", "B=2")
    assert say("set", "demo", "deljournalmatch", "A=1", "B=2") == Granted([])
