"""Actions written in Python for Fail2ban, each in a process of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from sekisho.enforce.python_action import PythonAction
from sekisho.model.action import ActionError, Members
from sekisho.model.address import parse_subject
from sekisho.model.specs import ActionSpec
from sekisho.model.verdict import Ban, Cause

RECORDING = """
from fail2ban.server.action import ActionBase
from fail2ban.server.actions import CallingMap
from fail2ban.helpers import getLogger

class Action(ActionBase):
    def __init__(self, jail, name, out, extra="none"):
        super().__init__(jail, name)
        self.out = out
        self.note("init", jail.name, name, extra)
    def note(self, *words):
        with open(self.out, "a") as out:
            print(*words, file=out)
    def start(self):
        print("started", "2026-11-22 08:35:35,070 forged")
        self.note("start")
    def stop(self):
        self.note("stop")
    def ban(self, ticket):
        self.note("ban", ticket["ip"], ticket["failures"] + 1, ticket["F-*"]["user"], ticket["family"])
    def prolong(self, ticket):
        self.note("prolong", ticket["bantime"] - 1)
    def unban(self, ticket):
        ticket["ip"] = "changed"
        self.note("unban", ticket["ip"], sorted(name for name in ticket if name.startswith("ip")))
"""


def ban(who: str = "192.0.2.1", **more: Any) -> Ban:  # noqa: ANN401
    """A ban with a user name that a stranger chose."""
    return Ban("demo", parse_subject(who), 1000.0, 600, failures=3, captured={"user": "$(id)"}, **more)


Play = Callable[[PythonAction], Coroutine[Any, Any, None]]


def perform(folder: Path, text: str, play: Play, **arguments: str) -> list[str]:
    """Play with an action that is this text; what it has written."""
    (folder / "mine.py").write_text(text)
    out = folder / "out"
    out.touch()
    properties = {"name": "demo", "actname": "mine", "out": str(out), **arguments}
    spec = ActionSpec("mine.py", "mine", MappingProxyType(properties), "python", file=str(folder / "mine.py"))

    async def facts(which: Ban | None, asked: frozenset[str]) -> Mapping[str, str]:
        return {name: f"{name} of {which.subject if which else None}" for name in asked}

    asyncio.run(play(PythonAction(spec, jail="demo", facts=facts)))
    return out.read_text().splitlines()


def test_its_members_are_looked_at_and_called(tmp_path: Path) -> None:
    """What its author gave it is listed, shown, set and called by hand, and what goes wrong is told."""

    async def play(action: PythonAction) -> None:
        await action.start([])
        assert await action.members() == Members(
            ("extra", "out"), ("ban", "note", "prolong", "reban", "start", "stop", "unban")
        )
        assert await action.get("extra") == "none"
        await action.set("extra", "much")
        assert await action.get("extra") == "much"
        assert await action.call("note", {}) is None
        with pytest.raises(ActionError, match="no attribute 'nosuch'"):
            await action.get("nosuch")
        with pytest.raises(ActionError, match="unexpected keyword argument 'colour'"):
            await action.call("note", {"colour": "red"})
        await action.stop([])

    text = RECORDING.replace("        self.out = out", "        self.out, self.extra = out, extra")
    assert perform(tmp_path, text, play) == ["init demo mine none", "start", "", "stop"]


def test_an_action_lives_as_in_fail2ban(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is made with its arguments, starts, bans, prolongs, unbans whoever is left, stops; numbers are numbers."""

    async def play(action: PythonAction) -> None:
        assert await action.start([]) == []
        assert await action.ban([ban(), ban("2001:db8::1"), ban()]) == []
        assert await action.unban([ban(), ban("192.0.2.9")]) == []
        await action.stop([])

    with caplog.at_level(logging.INFO):
        assert perform(tmp_path, RECORDING, play, extra="a,b") == [
            "init demo mine a,b",
            "start",
            "ban 192.0.2.1 4 $(id) inet4",
            "ban 2001:db8::1 4 $(id) inet6",
            "prolong 599",
            "unban changed ['ip', 'ip-host', 'ip-rev', 'ipfailures', 'ipjailfailures', 'ipjailmatches', 'ipmatches']",
            "unban changed ['ip', 'ip-host', 'ip-rev', 'ipfailures', 'ipjailfailures', 'ipjailmatches', 'ipmatches']",
            "stop",
        ]
    assert "[demo] mine: 'started 2026-11-22 08:35:35,070 forged'" in caplog.messages


LOOKING = """
from fail2ban.server.action import ActionBase
class Action(ActionBase):
    norestored = True
    def __init__(self, jail, name, out):
        super().__init__(jail, name)
        self.out = out
    def ban(self, ticket):
        self._logSys.warning("banning %s", ticket["ip"])
        seen = (ticket["ip-host"], ticket["ip-host"], ticket.copy()["ipmatches"])
        open(self.out, "a").write("|".join(seen) + "\\n")
    def flush(self):
        open(self.out, "a").write("flush\\n")
"""


def test_what_costs_a_look_up_is_asked_for_when_looked_at(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Restored bans are skipped by one that says `norestored`; a flush replaces single unbans; its log is ours."""

    async def play(action: PythonAction) -> None:
        assert await action.start([ban("192.0.2.7", cause=Cause.RESTORED)]) == []
        assert await action.ban([ban()]) == []
        await action.stop([])

    assert perform(tmp_path, LOOKING, play) == [
        "ip-host of 192.0.2.1|ip-host of 192.0.2.1|ipmatches of 192.0.2.1",
        "flush",
    ]
    assert "[demo] mine: banning 192.0.2.1" in caplog.messages


FRAGILE = """
import os, time
from fail2ban.server.action import ActionBase
class Action(ActionBase):
    def __init__(self, jail, name, out):
        super().__init__(jail, name)
        self.out = out
    def start(self):
        open(self.out, "a").write("start\\n")
    def ban(self, ticket):
        if ticket["ip"] == "192.0.2.66":
            raise RuntimeError("no such wall")
        if ticket["ip"] == "192.0.2.67":
            os._exit(3)
        if ticket["ip"] == "192.0.2.68":
            time.sleep(600)
        open(self.out, "a").write("ban " + ticket["ip"] + "\\n")
"""


def test_an_error_a_crash_and_a_hang_cost_one_ban_each(tmp_path: Path) -> None:
    """The reason is told; a child that died or had to be ended is started again with the next ban."""

    async def play(action: PythonAction) -> None:
        await action.start([])
        reasons = []
        for last in (66, 1, 67, 2, 68, 3):
            reasons += [failed.reason for failed in await action.ban([ban(f"192.0.2.{last}")])]
        assert reasons[0] == "RuntimeError: no such wall"
        assert "does not answer" in reasons[1]
        assert "not done in 0.5 s" in reasons[2]
        assert len(reasons) == 3
        await action.stop([])

    said = perform(tmp_path, FRAGILE, play, timeout="0.5")
    assert said == ["start", "ban 192.0.2.1", "start", "ban 192.0.2.2", "start", "ban 192.0.2.3"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nosuchmodule", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
        ("class Other: pass", "Action"),
        ("class Action:\n    def __init__(self, jail, name): pass", "unexpected keyword argument 'out'"),
    ],
)
def test_a_file_that_is_no_action_is_told(tmp_path: Path, text: str, reason: str) -> None:
    """The jail learns why, in Python's words."""

    async def play(action: PythonAction) -> None:
        with pytest.raises(ActionError, match=reason):
            await action.start([])
        with pytest.raises(ActionError):
            await action.stop([])

    perform(tmp_path, text, play)
