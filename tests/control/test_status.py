"""Trees and documents of the engine's state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.control.conftest import Say
from tests.support.fake_engine import NOW, FakeEngine, demo_jail, typo_problem

from sekisho.control.protocol import Denied, Granted, Kind
from sekisho.control.status import by_end, document, render_ban_time, tree_of_jail
from sekisho.model.address import parse_subject
from sekisho.model.specs import BackendSpec
from sekisho.model.verdict import Ban


def ban(text: str, duration: float) -> Ban:
    """A ban of the demo jail."""
    return Ban("demo", parse_subject(text), NOW, duration)


def test_a_jail_is_told_as_fail2ban_tells_it(say: Say, engine: FakeEngine) -> None:
    """Filter and actions, in this order, with the files and the banned addresses."""
    say("set", "demo", "banip", "192.0.2.2", "192.0.2.1")
    assert tree_of_jail(engine.jail_status("demo")) == [
        ("Filter", [("Currently failed", 2), ("Total failed", 7), ("File list", ["/var/log/demo.log"])]),
        ("Actions", [("Currently banned", 2), ("Total banned", 2), ("Banned IP list", ["192.0.2.2", "192.0.2.1"])]),
    ]


def test_a_journal_jail_tells_its_matches(engine: FakeEngine) -> None:
    """Where a jail reads the journal there are no files to list."""
    engine.specs["demo"] = demo_jail(backend=BackendSpec("systemd"), journalmatch=("A=1", "B=2 C=3"))
    tree = tree_of_jail(engine.jail_status("demo"), "short")
    assert isinstance(tree, list)
    assert tree[0][1][-1] == ("Journal matches", "A=1 + B=2 C=3")
    assert len(tree[1][1]) == 2


def test_bans_are_ordered_by_their_end() -> None:
    """The ban that ends first stands first, and one that never ends last."""
    bans = (ban("192.0.2.1", -1), ban("192.0.2.2", 600), ban("192.0.2.3", 60))
    assert [entry.subject.text for entry in by_end(bans)] == ["192.0.2.3", "192.0.2.2", "192.0.2.1"]


def test_a_permanent_ban_ends_in_the_year_9999() -> None:
    """The form that scripts parse."""
    assert render_ban_time(ban("192.0.2.1", -1)).endswith(" + -1 = 9999-12-31 23:59:59")
    assert " + 60 = " in render_ban_time(ban("192.0.2.1", 60.0))


def test_the_document_holds_everything(say: Say, engine: FakeEngine) -> None:
    """Bans with their ends and reasons, health, and the configuration's problems with file and line."""
    engine.problems = (typo_problem(), replace(typo_problem(), origin=None))
    assert say("ban", "demo", "192.0.2.1", "--for", "60", "--reason", "why") == Granted({"demo": 1})
    found = document(engine, ("demo",))
    assert found["jails"][0]["bans"] == [  # type: ignore[index,call-overload]
        {"jail": "demo", "address": "192.0.2.1", "time": NOW, "until": NOW + 60, "failures": 0, "count": 1,
         "cause": "by hand", "reason": "why"}
    ]  # fmt: skip
    assert [problem["line"] for problem in found["problems"]] == [7, None]  # type: ignore[index,union-attr,call-overload]
    assert say("overview", "demo") == Granted(found)


def test_the_document_is_cut_to_who_covers_an_address(say: Say) -> None:
    """Whoever asks about one address, or about jails only, is not sent a hundred thousand bans."""
    say("ban", "demo", "192.0.2.1", "192.0.2.0/24", "198.51.100.1", "--for", "60")

    def addresses(*options: str) -> list[str]:
        jail = _only_jail(say("overview", *options, "demo"))
        assert jail["banned"] == 3
        return [ban["address"] for ban in jail["bans"]]

    assert addresses("--of", "192.0.2.1") == ["192.0.2.1", "192.0.2.0/24"]
    assert addresses("--most", "1") == ["192.0.2.1"]
    assert addresses("--of", "198.51.100.1", "--most", "0") == []
    assert say("overview", "--of") == Denied(Kind.UNKNOWN_JAIL, "--of")


def test_the_document_tells_what_a_jail_does(say: Say) -> None:
    """Its filter, its actions, and its limits in seconds."""
    jail = _only_jail(say("overview", "demo"))
    told = ("filter", "actions", "maxretry", "findtime", "bantime", "ipv4_prefix", "ipv6_prefix", "logpath")
    assert {key: jail[key] for key in told} == {
        "filter": "demo", "actions": ["note"], "maxretry": 3, "findtime": 5400, "bantime": 3600,
        "ipv4_prefix": 32, "ipv6_prefix": 128,
        "logpath": ["/var/log/demo.log"],
    }  # fmt: skip


def _only_jail(answer: Any) -> Any:  # noqa: ANN401 - JSON
    (jail,) = answer.value["jails"]
    return jail
