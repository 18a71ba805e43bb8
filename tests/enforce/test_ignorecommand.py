"""What a command says about somebody, and how long that is believed."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from sekisho.enforce.ignorecommand import IgnoreCommands
from sekisho.enforce.runner import Runner
from sekisho.model.address import parse_subject
from sekisho.model.specs import IgnoreCacheSpec, IgnoreCommandSpec
from sekisho.model.verdict import Failure


def failure(who: str = "192.0.2.1", user: str = "root", jail: str = "demo") -> Failure:
    """A failure now."""
    return Failure(jail, parse_subject(who), 1000.0, (f"fail of {user}",), {"user": user})


def ask(spec: IgnoreCommandSpec, *failures: Failure, clock: list[float] | None = None) -> list[bool]:
    """What the command says of each, one after the other; `clock` is read at each look."""
    times = iter(clock or [])

    async def play() -> list[bool]:
        commands = IgnoreCommands(Runner(), clock=lambda: next(times, 0.0), limit=10)
        return [await commands.ignores(spec, each) for each in failures]

    return asyncio.run(play())


@pytest.mark.parametrize(("status", "expected"), [(0, True), (1, False), (3, False)])
def test_only_status_0_exempts(status: int, expected: bool, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001
    """Anything but 0 and 1 is an error in the log, as Fail2ban writes it (COMPAT 9, case 58)."""
    with caplog.at_level(logging.INFO):
        assert ask(IgnoreCommandSpec(f"exit {status}"), failure()) == [expected]
    assert any(record.message.endswith(" -- returned 3") for record in caplog.records) is (status == 3)


def test_the_command_sees_the_tags_of_a_failure(tmp_path: Path) -> None:
    """Address and names; what a stranger wrote cannot become a command."""
    evil = f"$(touch {tmp_path}/owned);'\"`id`"
    spec = IgnoreCommandSpec(f'printf "%s|" <ip> "<F-USER>" "<matches>" > {tmp_path}/said; test "<ip>" = 192.0.2.1')
    assert ask(spec, failure(user=evil)) == [True]
    assert (tmp_path / "said").read_text() == f"192.0.2.1|{evil}|fail of {evil}|"
    assert not (tmp_path / "owned").exists()


def test_a_command_that_overstays_exempts_nobody() -> None:
    """It is ended, and the failure counts."""

    async def play() -> bool:
        commands = IgnoreCommands(Runner(), clock=lambda: 0.0, limit=0.05)
        return await commands.ignores(IgnoreCommandSpec("exec sleep 60"), failure())

    assert asyncio.run(play()) is False


COUNTING = "echo x >> {}; test <ip> = 192.0.2.1"


def runs(path: Path) -> int:
    """How often the command was run."""
    return len(path.read_text().split())


def test_an_answer_is_kept_for_its_time(tmp_path: Path) -> None:
    """Yes and no alike; another key, or a later time, asks again."""
    log = tmp_path / "runs"
    spec = IgnoreCommandSpec(COUNTING.format(log), IgnoreCacheSpec("<ip>", 100, 300))
    assert ask(spec, failure(), failure(user="other"), failure("192.0.2.2"), failure("192.0.2.2")) == [
        *(True, True, False, False)
    ]
    assert runs(log) == 2
    assert ask(spec, failure(), failure(), clock=[0.0, 301.0, 301.0]) == [True, True]
    assert runs(log) == 4


def test_the_oldest_answer_makes_room(tmp_path: Path) -> None:
    """No more than max-count are kept; jails do not share theirs."""
    log = tmp_path / "runs"
    spec = IgnoreCommandSpec(COUNTING.format(log), IgnoreCacheSpec("<ip>", 1, 300))
    ask(spec, failure(), failure("192.0.2.2"), failure(), failure(jail="other"), failure())
    assert runs(log) == 4


def test_many_who_ask_the_same_at_once_are_answered_by_one_run(tmp_path: Path) -> None:
    """The command is a process; a burst of lines must not be a burst of processes."""
    log = tmp_path / "runs"
    spec = IgnoreCommandSpec(COUNTING.format(log), IgnoreCacheSpec("<ip>"))

    async def play() -> list[bool]:
        commands = IgnoreCommands(Runner(), clock=lambda: 0.0)
        return await asyncio.gather(*(commands.ignores(spec, failure()) for _ in range(20)))

    assert asyncio.run(play()) == [True] * 20
    assert runs(log) == 1
