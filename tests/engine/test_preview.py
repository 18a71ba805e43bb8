"""What a reload comes to, told beforehand; and that it does come to it, for every option of a jail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.house import ACTION, DEMO, MemoryHouse

from sekisho.engine.api import Fate, JailChange, OptionChange, Reload
from sekisho.engine.difference import ASPECT_OF
from sekisho.engine.engine import Engine
from sekisho.engine.preview import Standing, preview, preview_server
from sekisho.model.specs import ActionSpec, BackendSpec, FilterSpec, JailSpec, LogPath, RecordSpec, ServerSpec

EVE, BOB = "192.0.2.66", "192.0.2.7"
SSHD = JailSpec(
    "sshd", FilterSpec("sshd", ("x <HOST>", "y <HOST>")), actions=(ActionSpec("nft", "nft", {"port": "ssh"}),)
)
NOW = Standing({"sshd": SSHD, "old": replace(SSHD, name="old")}, {"sshd": 1, "old": 2})


@pytest.fixture
def house(tmp_path: Path) -> MemoryHouse:
    """Return a daemon that is not started yet."""
    return MemoryHouse(str(tmp_path / "ledger.sqlite"))


def test_jails_come_go_restart_and_stay() -> None:
    """Each with what that means for its bans; one that does not change is not mentioned."""
    wanted = {"sshd": SSHD, "new": replace(SSHD, name="new")}
    assert preview(NOW, wanted, Reload(), {}) == (
        JailChange("old", Fate.REMOVED, "2 bans are lifted in the firewall; the ledger keeps them"),
        JailChange("new", Fate.ADDED, "it begins with the bans that the ledger holds"),
    )
    kept = {"sshd": SSHD, "old": NOW.jails["old"]}
    assert preview(NOW, kept, Reload("sshd", restart=True), {}) == (
        JailChange("sshd", Fate.RESTARTED, "1 ban is restored from the ledger"),
    )
    assert preview(NOW, kept, Reload("sshd", unban=True), {}) == (JailChange("sshd", Fate.CHANGED, "1 ban is lifted"),)
    assert preview(NOW, kept, Reload(), {}) == ()


def test_what_is_asked_of_records_is_told() -> None:
    """Each option that differs, of many rules those that do; a format that comes is one, too."""
    record = RecordSpec("json", when=("a = 1", "b = 2"), host=("ip",))
    old = replace(SSHD, filter=replace(SSHD.filter, record=record))
    new = replace(SSHD, filter=replace(SSHD.filter, record=replace(record, when=("a = 1", "c = 3"), user=("name",))))
    for before, after, expected in (
        (old, new, {"when": ("b = 2", "c = 3"), "user": ("", "name")}),
        (SSHD, old, {"logformat": ("", "json"), "when": ("", "a = 1 | b = 2"), "host": ("", "ip")}),
    ):
        (change,) = preview(Standing({"sshd": before}, {"sshd": 0}), {"sshd": after}, Reload(), {})
        assert {option.option: (option.old, option.new) for option in change.options} == expected


def test_options_are_told_as_they_are_written() -> None:
    """From what to what, and what the change does."""
    wider = (ActionSpec("nft", "nft", {"port": "ssh,2222"}), ActionSpec("mail", "mail"))
    fresh = replace(SSHD, maxretry=3, bantime=60, logpaths=(LogPath("/a b", tail=True), LogPath("/c")), actions=wider)
    fresh = replace(
        fresh, filter=FilterSpec("sshd", ("x <HOST>", "z <HOST>"), options={"mode": "more"}), ignoreself=False
    )
    (change,) = preview(NOW, {"sshd": fresh, "old": NOW.jails["old"]}, Reload(), {})
    found = {option.option: (option.old, option.new, option.effect.split(";")[0]) for option in change.options}
    assert found == {
        "maxretry": ("5", "3", "holds from the next failure on"),
        "bantime": ("600", "60", "holds from the next ban on"),
        "ignoreself": ("true", "false", "holds from the next failure on"),
        "failregex": ("y <HOST>", "z <HOST>", "the rules are recompiled"),
        "filter sshd: mode": ("", "more", "the rules are recompiled"),
        "logpath": ("", "/a b tail | /c", "what is read changes"),
        "action nft: port": ("ssh", "ssh,2222", "the action is exchanged"),
        "action mail": ("", "mail", "the action begins with the bans that stand"),
    }
    (change,) = preview(NOW, {"sshd": replace(SSHD, actions=()), "old": NOW.jails["old"]}, Reload(), {})
    assert change.options == (OptionChange("action nft", "nft", "", "the action ends, and lifts what it barred"),)


def test_every_field_of_a_jail_is_told() -> None:
    """Whatever can differ between two specifications shows: a change that nobody sees would be no preview."""
    for field in fields(JailSpec):
        if field.name in ("name", "settings"):
            continue
        other = {"filter": FilterSpec("z", ("q <HOST>",)), "backend": BackendSpec("polling"), "actions": ()}
        value = other.get(field.name, ("z",) if field.name.endswith(("ip", "match")) else "z")
        changed: dict[str, Any] = {field.name: (LogPath("z"),) if field.name == "logpaths" else value}
        fresh = replace(SSHD, **changed)
        (change,) = preview(Standing({"sshd": SSHD}, {"sshd": 0}), {"sshd": fresh}, Reload(), {})
        assert change.options, field.name
        assert all(option.old != option.new and option.effect for option in change.options)


def test_what_cannot_run_is_told_with_the_reason() -> None:
    """A jail that runs goes on; a new one does not start."""
    wanted = {"sshd": SSHD, "old": NOW.jails["old"], "new": SSHD}
    changes = preview(NOW, wanted, Reload(), {"sshd": "bad rule", "new": "bad rule"})
    assert [(change.jail, change.fate, change.note) for change in changes] == [
        ("sshd", Fate.KEPT, "bad rule; it goes on as it was"),
        ("new", Fate.KEPT, "bad rule; it does not start"),
    ]


def test_the_servers_options_say_when_they_hold() -> None:
    """The log level and who may use the socket at once, most others from the next start on."""
    changes = preview_server(ServerSpec(), replace(ServerSpec(), loglevel="DEBUG", socketgroup="ops", dbfile=None))
    assert [(change.option, change.new, change.effect) for change in changes] == [
        ("loglevel", "DEBUG", "holds at once"),
        ("socketgroup", "ops", "holds at once"),
        ("dbfile", "", "holds from the next start of the daemon on"),
    ]


def test_a_dry_run_changes_nothing_and_knows_what_was_set_by_hand(house: MemoryHouse) -> None:
    """Its old values are those in force; rules that do not compile are found before they matter."""

    async def play() -> None:
        engine = await house.start()
        await engine.change("demo", replace(DEMO, maxretry=7))
        await engine.set_server("loglevel", "DEBUG")
        house.jails = (replace(DEMO, bantime=60), replace(DEMO, name="new", filter=FilterSpec("f", ("no identifier",))))
        outcome = await engine.reload(Reload(dry_run=True))
        assert [(option.option, option.old, option.new) for option in outcome.server] == [("loglevel", "DEBUG", "INFO")]
        options = {option.option: (option.old, option.new) for option in outcome.jails[0].options}
        assert options == {"maxretry": ("7", "3"), "bantime": ("3600", "60")}
        assert (outcome.jails[1].jail, outcome.jails[1].fate) == ("new", Fate.KEPT)
        assert "No failure-id group" in outcome.jails[1].note
        assert engine.jail_spec("demo").maxretry == 7
        assert engine.status().jails == ("demo",)
        assert (await engine.reload(Reload())).jails == outcome.jails
        assert engine.jail_spec("demo").bantime == 60
        await engine.stop()

    asyncio.run(play())


def test_a_refusal_is_forgotten_when_the_mistake_is_taken_back(house: MemoryHouse) -> None:
    """Status tells of rules that do not hold only as long as the configuration has them."""

    async def play() -> None:
        engine = await house.start()
        house.jails = (replace(DEMO, filter=FilterSpec("demo", ("no identifier",))),)
        (change,) = (await engine.reload(Reload())).jails
        assert (change.fate, change.note) == (
            Fate.KEPT,
            "No failure-id group in 'no identifier'; it goes on as it was",
        )
        assert len(engine.status().problems) == 1
        await engine.reload(Reload(jail="nosuch", if_exists=True))
        assert len(engine.status().problems) == 1
        house.jails = (DEMO,)
        assert (await engine.reload(Reload())).jails == ()
        assert engine.status().problems == ()
        await engine.stop()

    asyncio.run(play())


Seen = Callable[[Engine, MemoryHouse], bool]


def bars(*hosts: str) -> Seen:
    """Return whether the firewall holds exactly these."""
    return lambda _, house: house.held() == set(hosts)


def ban_of(engine: Engine, host: str) -> object:
    """Return the length of a host's ban and how many lines it keeps."""
    return next(
        ((ban.duration, len(ban.matches)) for ban in engine.jail_status("demo").bans if ban.subject.text == host), None
    )


@pytest.mark.parametrize(
    ("changes", "failing", "seen"),
    [
        ({"maxretry": 1}, (BOB,), bars(EVE, BOB)),
        ({"maxretry": 9}, (BOB, BOB, BOB), bars(EVE)),
        ({"findtime": 1}, (BOB,), bars(EVE)),
        (
            {"bantime": 60},
            (BOB,),
            lambda engine, _: ban_of(engine, BOB) == (60, 3) and ban_of(engine, EVE) == (3600, 3),
        ),
        ({"maxmatches": 1}, (BOB,), lambda engine, _: ban_of(engine, BOB) == (3600, 1)),
        ({"ignoreip": (BOB,)}, (BOB, BOB, BOB), bars(EVE)),
        ({"ignoreself": False}, ("203.0.113.1",) * 3, bars(EVE, "203.0.113.1")),
        ({"filter": replace(DEMO.filter, failregex=("^ no such <HOST>$",))}, (BOB,), bars(EVE)),
        ({"filter": replace(DEMO.filter, ignoreregex=("user=x",))}, (BOB,), bars(EVE)),
        ({"filter": replace(DEMO.filter, datepattern=("^never$",))}, (BOB,), bars(EVE)),
        (
            {"logpaths": (LogPath("/other.log"),)},
            (),
            lambda engine, _: engine.jail_status("demo").files == ("/other.log",),
        ),
        ({"backend": BackendSpec("auto")}, (BOB,), bars(EVE, BOB)),
        ({"logencoding": "latin-1"}, (BOB,), bars(EVE, BOB)),
        ({"logtimezone": "UTC+0200"}, (BOB,), bars(EVE, BOB)),
        ({"actions": (replace(ACTION, properties={"port": "1"}),)}, (BOB,), bars(EVE, BOB)),
    ],
    ids=str,
)
def test_a_reload_applies_the_option_to_the_running_jail(
    house: MemoryHouse, changes: dict[str, object], failing: tuple[str, ...], seen: Seen
) -> None:
    """Two failures of BOB stand when it comes; the jail is not restarted, its counters and EVE's ban go on."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVE, EVE, EVE, BOB, BOB, ago=2)
        jail = engine.jails["demo"]
        house.jails = (replace(DEMO, **changes),)  # type: ignore[arg-type]
        (change,) = (await engine.reload(Reload())).jails
        assert change.fate is Fate.CHANGED
        assert engine.jails["demo"] is jail, "it runs on"
        if "logpaths" not in changes:
            await house.fails(*failing)
        assert seen(engine, house)
        assert engine.jail_status("demo").bans[0].subject.text == EVE
        await engine.stop()

    asyncio.run(play())


def test_no_field_is_without_an_aspect() -> None:
    """A new option must say which part of a running jail it touches."""
    assert ASPECT_OF.keys() == {field.name for field in fields(JailSpec)} - {"name", "settings"}
