"""Tests of enforce.commands: what runs when, with a runner that only notes, and with real shells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pytest

from sekisho.enforce.commands import CommandAction
from sekisho.enforce.render import Script
from sekisho.enforce.runner import Outcome, Runner
from sekisho.model.action import ActionError, Kind
from sekisho.model.address import parse_subject
from sekisho.model.specs import ActionSpec
from sekisho.model.verdict import Ban, Cause

T = TypeVar("T")
PLAIN = {
    "actionstart": "start",
    "actionstop": "stop",
    "actioncheck": "check",
    "actionban": "ban <ip>",
    "actionunban": "unban <ip>",
}
FAMILIES = {
    **{name: f"<fw> {command}" for name, command in PLAIN.items()},
    "fw": "v4",
    "fw?family=inet6": "v6",
}


@dataclass
class Notes(Runner):
    """A runner that runs nothing: it notes each script, and answers with failure where it was told to."""

    ran: list[str] = field(default_factory=list)
    failing: dict[str, int] = field(default_factory=dict)  # script: how often it still fails

    async def run(self, script: Script, *, limit: float) -> Outcome:
        """Note the script."""
        if not script.text.strip():
            return Outcome(0)
        self.ran.append(script.text)
        left = self.failing.get(script.text, 0)
        self.failing[script.text] = left - 1
        return Outcome(1, stderr=f"{script.text} is broken") if left > 0 else Outcome(0)

    def take(self) -> list[str]:
        """What ran since the last time."""
        ran, self.ran = self.ran, []
        return ran


def make(properties: Mapping[str, str], runner: Runner | None = None, *, allow_ipv6: bool = True) -> CommandAction:
    """An action of jail sshd."""
    spec = ActionSpec("fw", "fw", properties)
    return CommandAction(
        spec, jail="sshd", runner=runner or Notes(), clock=lambda: 1_800_000_000.0, allow_ipv6=allow_ipv6
    )


def ban(who: str, cause: Cause = Cause.FAILURES) -> Ban:
    """A ban of jail sshd."""
    return Ban("sshd", parse_subject(who), 1_800_000_000.0, 600, cause=cause)


def do(play: Coroutine[object, object, T]) -> T:
    """Run one call to its end."""
    return asyncio.run(play)


A, B, SIX = ban("192.0.2.1"), ban("192.0.2.2"), ban("2001:db8::1")


def test_a_plain_action_lives_from_start_to_stop() -> None:
    """Start at once, ban, unban, lift the rest, stop; check is not run while nothing fails."""
    notes = Notes()
    action = make(PLAIN, notes)
    do(action.start([]))
    do(action.ban([A, B, SIX]))
    do(action.unban([B]))
    do(action.stop([]))
    assert notes.take() == [
        *("start", "ban 192.0.2.1", "ban 192.0.2.2", "ban 2001:db8::1"),
        *("unban 192.0.2.2", "unban 192.0.2.1", "unban 2001:db8::1", "stop"),
    ]


def test_each_family_starts_with_its_first_ban_and_stops_by_itself() -> None:
    """With conditional parameters nothing runs before it is needed, and a family that was never needed never does."""
    notes = Notes()
    action = make(FAMILIES, notes)
    do(action.start([]))
    assert notes.take() == []
    do(action.ban([SIX]))
    assert notes.take() == ["v6 start", "v6 ban 2001:db8::1"]
    do(action.stop([]))
    assert notes.take() == ["v6 unban 2001:db8::1", "v6 stop"]
    do(action.start([]))
    do(action.ban([A, SIX]))
    assert notes.take() == ["v4 start", "v4 ban 192.0.2.1", "v6 start", "v6 ban 2001:db8::1"]


def test_demand_can_be_configured() -> None:
    """`actionstart_on_demand` decides where it is set."""
    notes = Notes()
    do(make({**FAMILIES, "actionstart_on_demand": "false"}, notes).start([]))
    assert notes.take() == ["v4 start", "v6 start"]
    do(make({**PLAIN, "actionstart_on_demand": "true"}, notes).start([]))
    assert notes.take() == []


def test_one_text_for_both_families_runs_once() -> None:
    """A start or stop that does not depend on the family is not repeated."""
    notes = Notes()
    action = make({**FAMILIES, "actionstart": "start", "actionstop": "stop", "actionflush": "flush"}, notes)
    do(action.ban([A, SIX]))
    do(action.stop([]))
    assert notes.take() == ["start", "v4 ban 192.0.2.1", "v6 ban 2001:db8::1", "flush", "stop"]


def test_families_may_be_forced_or_forbidden() -> None:
    """`families` names them; without IPv6 on the host its bans come back as failed."""
    notes = Notes()
    do(make({**PLAIN, "families": "inet6"}, notes).ban([SIX]))
    assert notes.take() == ["start", "ban 2001:db8::1"]
    failed = do(make(FAMILIES, notes, allow_ipv6=False).ban([A, SIX]))
    assert [each.reason for each in failed] == ["action 'fw' does not serve inet6"]
    assert notes.take() == ["v4 start", "v4 ban 192.0.2.1"]


def test_who_stands_is_banned_again_at_start() -> None:
    """Commands keep nothing across a restart, so start bans whoever stands, marked as restored."""
    notes = Notes()
    do(make({**PLAIN, "actionban": "ban <ip> <restored>"}, notes).start([A, B]))
    assert notes.take() == ["start", "ban 192.0.2.1 1", "ban 192.0.2.2 1"]


def test_a_notice_is_not_sent_twice() -> None:
    """With `norestored` neither who stands at start nor who is restored later is told again, or recalled."""
    notes = Notes()
    action = make({**PLAIN, "norestored": "1"}, notes)
    assert action.kind is Kind.NOTIFIER
    do(action.start([A]))
    do(action.ban([ban("192.0.2.2", Cause.RESTORED), ban("192.0.2.3")]))
    do(action.unban([A, B]))
    assert notes.take() == ["start", "ban 192.0.2.3"]


def test_a_flush_replaces_many_unbans() -> None:
    """Lifting everybody, and stopping, is one command where the action has one; when it fails, one unban each."""
    notes = Notes()
    action = make({**PLAIN, "actionflush": "flush"}, notes)
    do(action.start([A, B]))
    notes.take()
    do(action.unban([A, B]))
    assert notes.take() == ["flush"]
    do(action.ban([A, B]))
    notes.failing["flush"] = 1
    do(action.stop([]))
    assert notes.take() == ["ban 192.0.2.1", "ban 192.0.2.2", "flush", "unban 192.0.2.1", "unban 192.0.2.2", "stop"]


def test_only_what_was_done_is_undone() -> None:
    """No unban for a stranger, nor for a ban that failed."""
    notes = Notes(failing={"ban 192.0.2.1": 9})
    action = make({**PLAIN, "actioncheck": ""}, notes)
    do(action.start([]))
    assert [each.reason for each in do(action.ban([A, B]))] == ["actionban returned 1: 'ban 192.0.2.1 is broken'"]
    do(action.unban([A, SIX]))
    do(action.stop([]))
    assert notes.take() == ["start", "ban 192.0.2.1", "ban 192.0.2.2", "unban 192.0.2.2", "stop"]


def test_prolonging_runs_its_own_command() -> None:
    """Who is banned already is prolonged; where the action cannot, nothing runs."""
    notes = Notes()
    action = make({**PLAIN, "actionprolong": "prolong <ip> <bantime>"}, notes)
    do(action.ban([A]))
    do(action.ban([A]))
    assert notes.take() == ["start", "ban 192.0.2.1", "prolong 192.0.2.1 600"]
    silent = make(PLAIN, notes)
    do(silent.ban([A]))
    do(silent.ban([A]))
    assert notes.take() == ["start", "ban 192.0.2.1"]


def test_a_broken_environment_is_repaired_and_filled_again(caplog: pytest.LogCaptureFixture) -> None:
    """A ban fails, the check fails: stop, start, everybody who was barred again, and the ban once more."""
    notes = Notes()
    action = make(PLAIN, notes)
    do(action.start([A]))
    notes.take()
    notes.failing = {"ban 192.0.2.2": 1, "check": 1}
    assert do(action.ban([B])) == []
    assert notes.take() == [
        *("ban 192.0.2.2", "check", "stop", "start", "check", "ban 192.0.2.1", "ban 192.0.2.2"),
    ]
    assert "Invariant check failed. Trying to restore a sane environment" in caplog.messages


def test_a_repair_has_its_own_commands_where_there_are_some() -> None:
    """`actionrepair` instead of stop and start, `actionreban` instead of actionban."""
    notes = Notes()
    action = make({**PLAIN, "actionrepair": "repair", "actionreban": "reban <ip>"}, notes)
    do(action.start([A]))
    notes.take()
    notes.failing = {"ban 192.0.2.2": 1, "check": 1}
    do(action.ban([B]))
    assert notes.take() == ["ban 192.0.2.2", "check", "repair", "check", "reban 192.0.2.1", "ban 192.0.2.2"]


def test_what_cannot_be_repaired_is_critical(caplog: pytest.LogCaptureFixture) -> None:
    """The check goes on failing: the ban has failed, and the log says so loudly."""
    notes = Notes(failing={"ban 192.0.2.1": 9, "check": 9})
    action = make(PLAIN, notes)
    do(action.start([]))
    assert len(do(action.ban([A]))) == 1
    assert "Unable to restore environment" in [r.getMessage() for r in caplog.records if r.levelno == logging.CRITICAL]


def test_an_unban_that_fails_in_a_broken_environment_repairs_only_if_told(caplog: pytest.LogCaptureFixture) -> None:
    """By default there is a line in the log; with actionrepair_on_unban the environment comes back without that one."""
    notes = Notes()
    action = make(PLAIN, notes)
    do(action.start([A, B]))
    notes.failing = {"unban 192.0.2.1": 1, "check": 1}
    notes.take()
    assert len(do(action.unban([A]))) == 1
    assert notes.take() == ["unban 192.0.2.1", "check"]
    assert "Invariant check failed. Unban is impossible." in caplog.messages
    action = make({**PLAIN, "actionrepair_on_unban": "yes"}, notes)
    do(action.start([A, B]))
    notes.failing = {"unban 192.0.2.1": 1, "check": 1}
    notes.take()
    assert do(action.unban([A])) == []
    assert notes.take() == ["unban 192.0.2.1", "check", "stop", "start", "check", "ban 192.0.2.2"]


def test_what_a_dead_daemon_left_is_cleared_away() -> None:
    """Start fails over the remains of an earlier life: stop, and start again; if that fails, it is an error."""
    notes = Notes(failing={"start": 1})
    do(make(PLAIN, notes).start([]))
    assert notes.take() == ["start", "stop", "start"]
    notes.failing = {"start": 9}
    with pytest.raises(ActionError, match=r"jail 'sshd' action 'fw': actionstart returned 1: 'start is broken'"):
        do(make(PLAIN, notes).start([]))
    failed = do(make(FAMILIES, Notes(failing={"v4 start": 9})).ban([A, SIX]))
    assert [each.ban for each in failed] == [A]


def test_a_stop_that_fails_says_what_is_left() -> None:
    """The error holds what the command said."""
    action = make(PLAIN, Notes(failing={"stop": 1}))
    do(action.start([]))
    with pytest.raises(ActionError, match=r"stop jail 'sshd' action 'fw': actionstop returned 1: 'stop is broken'"):
        do(action.stop([]))


def test_a_reload_is_told_to_what_was_started() -> None:
    """Each life hears of it once; one that fails is an error."""
    notes = Notes()
    action = make({**FAMILIES, "actionreload": "<fw> reload"}, notes)
    do(action.ban([A]))
    notes.take()
    do(action.reload())
    assert notes.take() == ["v4 reload"]
    notes.failing = {"v4 reload": 1}
    with pytest.raises(ActionError, match="reload"):
        do(action.reload())


def test_an_identifier_that_is_no_address_is_served_too() -> None:
    """An action may bar names; its script finds the name in the environment."""
    notes = Notes()
    assert do(make(PLAIN, notes).ban([ban("alice; id")])) == []
    assert notes.take() == ["start", "ban $f2bV_ip"]


def test_properties_without_end_fail_the_ban_not_the_daemon() -> None:
    """The reason names the option."""
    failed = do(make({**PLAIN, "actionban": "<x>", "x": "<x> y"}).ban([A]))
    assert "actionban: properties refer to each other without end" in failed[0].reason


def test_commands_cannot_be_asked() -> None:
    """There is no list to read back."""
    assert do(make(PLAIN).listed()) is None


def test_the_time_limit_is_a_duration(tmp_path: Path) -> None:
    """`timeout = 1m` is a minute; nonsense is refused when the action is made; a slow ban fails."""
    assert make({**PLAIN, "timeout": "1m"})._limit == 60
    with pytest.raises(ValueError, match="soon"):
        make({**PLAIN, "timeout": "soon"})

    async def play() -> str:
        action = make({"actionban": "sleep 30", "timeout": "0.1"}, Runner())
        return (await action.ban([A]))[0].reason

    assert do(play()) == "actionban timed out"


def test_errors_are_logged_in_full_and_quoted(caplog: pytest.LogCaptureFixture) -> None:
    """A failing command shows itself, what it said and how it ended; what it said cannot forge a line."""

    async def play() -> None:
        ban_ = Ban("sshd", parse_subject("192.0.2.1"), 1.0, 600, captured={"user": "x\rNOTICE [sshd] Ban 192.0.2.9"})
        action = make({"actionban": 'echo "<F-USER>" >&2; exit 3'}, Runner())
        await action.ban([ban_])

    with caplog.at_level(logging.INFO, "fail2ban.utils"):
        do(play())
    messages = [message.partition(" -- ")[2] for message in caplog.messages]
    assert messages == [
        'exec: echo "$f2bV_F_USER" >&2; exit 3',
        "stderr: 'x'",
        "stderr: 'NOTICE [sshd] Ban 192.0.2.9'",
        "returned 3",
    ]
    assert {record.levelname for record in caplog.records} == {"ERROR"}


def test_success_is_silent_except_for_who_debugs(caplog: pytest.LogCaptureFixture) -> None:
    """At INFO a command that succeeds writes nothing, at DEBUG everything."""

    async def play() -> None:
        await make({"actionban": "echo fine"}, Runner()).ban([A])

    with caplog.at_level(logging.INFO, "fail2ban.utils"):
        do(play())
    assert caplog.messages == []
    with caplog.at_level(logging.DEBUG, "fail2ban.utils"):
        do(play())
    assert [message.partition(" -- ")[2] for message in caplog.messages] == [
        "exec: echo fine",
        "stdout: 'fine'",
        "returned 0",
    ]


def test_the_daemon_is_asked_only_for_what_a_command_needs(tmp_path: Path) -> None:
    """The answers come by the environment; an action that asks nothing bothers nobody."""
    asked: list[tuple[str, frozenset[str]]] = []

    async def facts(who: Ban | None, tags: frozenset[str]) -> Mapping[str, str]:
        asked.append((who.subject.text if who else "", tags))
        return {"ip-host": "$(id).example", "jail.found": "7"}

    def play(command: str) -> None:
        spec = ActionSpec("fw", "fw", {"actionban": command})
        action = CommandAction(spec, jail="sshd", runner=Runner(), clock=lambda: 0.0, facts=facts)
        assert do(action.ban([A])) == []

    play("true <ip>")
    assert asked == []
    play(f'echo "<ip-host>" <jail.found> >> {tmp_path}/names')
    assert asked == [("192.0.2.1", frozenset({"ip-host", "jail.found"}))]
    assert (tmp_path / "names").read_text() == "$(id).example 7\n"


def test_case_44_hostile_names_and_lines_are_printed_never_obeyed(tmp_path: Path) -> None:
    """COMPAT 9, case 44: shell in a user's name and in a line, both in double quotes, arrives as it was written."""
    hostile = replace(A, captured={"user": "a;id"}, matches=(f"$(touch {tmp_path}/pwn)", "`id`"))
    command = f'printf "%s|" "<F-USER>" "<matches>" > {tmp_path}/told'
    assert do(make({"actionban": command}, Runner()).ban([hostile])) == []
    assert (tmp_path / "told").read_text() == f"a;id|$(touch {tmp_path}/pwn)\n`id`|"
    assert not (tmp_path / "pwn").exists()


def test_case_45_a_restored_ban_says_so_and_counts_one_more() -> None:
    """COMPAT 9, case 45: `<restored>` is 1 and `<bancount>` the stored one plus 1; a new ban has its own count."""
    notes = Notes()
    action = make({"actionban": "<ip> <restored> <bancount>"}, notes)
    do(action.start([replace(A, count=2, cause=Cause.RESTORED)]))
    do(action.ban([replace(B, count=2)]))
    assert notes.take() == ["192.0.2.1 1 3", "192.0.2.2 0 2"]


def test_case_64_families_live_and_are_repaired_by_themselves() -> None:
    """COMPAT 9, case 64: demand, conditional values, a repair of one family only, and the stop of both in order."""
    notes = Notes()
    action = make(FAMILIES, notes)
    do(action.start([]))
    do(action.unban([ban("198.51.100.9")]))
    assert notes.take() == []
    for who in (A, SIX, B):
        assert do(action.ban([who])) == []
    assert notes.take() == [
        *("v4 start", "v4 ban 192.0.2.1", "v6 start", "v6 ban 2001:db8::1", "v4 ban 192.0.2.2"),
    ]
    notes.failing = {"v4 ban 192.0.2.3": 1, "v4 check": 1}
    assert do(action.ban([ban("192.0.2.3")])) == []
    again = ["v4 ban 192.0.2.1", "v4 ban 192.0.2.2", "v4 ban 192.0.2.3"]  # who was barred is at once barred again
    assert notes.take() == ["v4 ban 192.0.2.3", "v4 check", "v4 stop", "v4 start", "v4 check", *again]
    do(action.unban([A, SIX, B, ban("192.0.2.3")]))
    notes.take()
    do(action.stop([]))
    assert notes.take() == ["v4 stop", "v6 stop"]
