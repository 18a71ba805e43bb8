"""The words about the server as a whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.control.conftest import Say
from tests.support.fake_engine import FakeEngine, typo_problem

from sekisho.control.protocol import Denied, Granted, Kind
from sekisho.engine.api import Fate, JailChange, OptionChange, Reload


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("ping", "pong"),
        ("ping 5", "pong"),
        ("echo a b", ["a", "b"]),
        ("version", "0.1.0"),
        ("server-status", "Server ready"),
        ("status", [("Number of jail", 2), ("Jail list", "ddd, demo")]),
        ("flushlogs", "rolled over"),
        ("get loglevel", "INFO"),
        ("set loglevel debug", "DEBUG"),
        ("get logtarget", "/var/log/fail2ban.log"),
        ("get syslogsocket", "auto"),
        ("get dbfile", "/var/lib/sekisho/ledger.sqlite"),
        ("get dbmaxmatches", 10),
        ("get dbpurgeage", 86400),
        ("sleep 0", None),
        ("sleep nan", None),
        ("start demo", None),
        ("stop --all", None),
        ("stats", {"ddd": ["polling", (2, 7), (0, 0)], "demo": ["polling", (2, 7), (0, 0)]}),
    ],
)
def test_values(say: Say, line: str, value: object) -> None:
    """Each word answers what Fail2ban's server answers."""
    answer = say(*line.split())
    assert isinstance(answer, Granted)
    assert answer.value == value


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("reload", Reload()),
        ("reload --all", Reload()),
        ("reload --restart --unban demo", Reload(jail="demo", restart=True, unban=True)),
        ("reload --if-exists demo", Reload(jail="demo", if_exists=True)),
    ],
)
def test_reload_passes_its_options_on(say: Say, engine: FakeEngine, line: str, request_: Reload) -> None:
    """What is asked of a reload reaches the engine."""
    assert say(*line.split()) == Granted("OK")
    assert engine.calls == [("reload", request_)]


def test_a_dry_run_and_a_report_tell_the_difference(say: Say, engine: FakeEngine) -> None:
    """Both answer with a document in place of OK; only the dry run is one for the engine."""
    change = OptionChange("maxretry", "5", "3", "counters stay")
    engine.reload_changes = (JailChange("demo", Fate.CHANGED, options=(change,)),)
    document: dict[str, Any] = {
        "jails": [
            {
                "jail": "demo",
                "fate": "changed",
                "note": "",
                "options": [{"option": "maxretry", "old": "5", "new": "3", "effect": "counters stay"}],
            }
        ],
        "server": [],
        "problems": [],
    }
    assert say("reload", "--dry-run", "demo") == Granted(document)
    assert say("reload", "--report") == Granted(document)
    assert engine.calls == [("reload", Reload(jail="demo", dry_run=True)), ("reload", Reload())]


def test_reload_tells_the_problems_it_found(say: Say, engine: FakeEngine) -> None:
    """A reload that works in part says OK, and beside it what does not work."""
    engine.reload_problems = (typo_problem(),)
    answer = say("reload")
    assert isinstance(answer, Granted)
    assert answer.notes == ("ERROR jail.local:7: jail 'web': filter 'sshdd' not found (did you mean sshd?)",)


def test_reload_of_a_broken_tree_is_refused(say: Say) -> None:
    """The engine's reason is the answer."""
    denied = say("reload", "broken")
    assert isinstance(denied, Denied)
    assert denied.text.startswith("jail.local:3")
    assert say("reload", "demo", "x") == Denied(Kind.REFUSED, "Unexpected argument(s) for reload: ['demo', 'x']")


def test_a_jail_is_added_filled_and_started(say: Say, engine: FakeEngine) -> None:
    """It has Fail2ban's defaults until it is told otherwise, and its name is taken once."""
    assert say("add", "web", "systemd[journalflags=1]") == Granted("web")
    spec = engine.specs["web"]
    assert (spec.backend.name, spec.backend.options["journalflags"]) == ("systemd", "1")
    assert (spec.maxretry, spec.findtime, spec.bantime, spec.filter.failregex) == (3, 600, 600, ())
    assert say("start", "web") == Granted(None)
    assert engine.calls == [("start", "web")]
    assert say("add", "web") == Denied(Kind.DUPLICATE_JAIL, "web")
    assert say("add", "--all") == Denied(Kind.VALUE, "Reserved name '--all'")
    denied = say("add", "other", "carrier-pigeon")
    assert isinstance(denied, Denied)
    assert denied.text.startswith("Unknown backend carrier-pigeon. Must be among ['pyinotify', ")


def test_the_flavor_cymru_tells_whose_networks_the_banned_are_in(say: Say) -> None:
    """Three rows more, beside the addresses and in their order."""
    say("set", "demo", "banip", "192.0.2.1", "192.0.2.2")
    told = say("status", "demo", "cymru")
    assert isinstance(told, Granted)
    assert json.loads(json.dumps(told.value, default=list))[1][1][2:] == [
        ["Banned IP list", ["192.0.2.1", "192.0.2.2"]],
        ["Banned ASN list", ["AS of 192.0.2.1", "AS of 192.0.2.2"]],
        ["Banned Country list", ["JP", "JP"]],
        ["Banned RIR list", ["apnic", "apnic"]],
    ]


def test_the_servers_settings_are_shown_and_changed(say: Say) -> None:
    """What `set` answers is what `get` answers then; without a database its limits mean nothing."""
    for words, value in (
        ("logtarget STDOUT", "STDOUT"),
        ("syslogsocket /run/log", "/run/log"),
        ("dbmaxmatches 5", 5),
        ("dbpurgeage 3600", 3600),
        ("allowipv6 no", "no"),
        ("thread 64", {"stacksize": 64}),
    ):
        name, text = words.split()
        assert say("set", name, text) == Granted(value)
        assert say("get", name) == Granted(value)
    assert say("set", "dbfile", "None") == Granted(None)
    assert say("get", "dbmaxmatches") == say("get", "dbpurgeage") == Granted(None)


def test_stop_ends_the_engine(say: Say, engine: FakeEngine) -> None:
    """The word that ends the server."""
    assert say("stop") == Granted(None)
    assert engine.ended.is_set()
    assert say("stop", "--keep") == Granted(None)
    assert [call for call in engine.calls if call[0] == "shut down"] == [("shut down", False), ("shut down", True)]


def test_status_tells_ill_health_beside_the_tree(say: Say, engine: FakeEngine) -> None:
    """What is wrong with a jail is said without changing the layout that scripts read."""
    engine.health["demo"] = ("/var/log/demo.log does not exist",)
    answer = say("status", "demo")
    assert isinstance(answer, Granted)
    assert answer.notes == ("WARNING jail 'demo': /var/log/demo.log does not exist",)


def test_status_of_all_holds_each_jail(say: Say) -> None:
    """Every jail's tree under the server's."""
    answer = say("status", "--all", "short")
    assert isinstance(answer, Granted)
    assert isinstance(answer.value, list)
    label, jails = answer.value[-1]
    assert (label, [name for name, _ in jails]) == ("Status for the jails", ["ddd", "demo"])


def test_an_unknown_flavor_is_the_basic_one(say: Say, caplog: pytest.LogCaptureFixture) -> None:
    """A flavor that nobody knows is worth a line in the log, and no error."""
    assert say("status", "demo", "cherry") == say("status", "demo")
    assert "Unsupported extended jail status type 'cherry'" in caplog.text
