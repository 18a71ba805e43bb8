"""One action of one jail, at work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tests.support.actions import MemoryAction

from sekisho.engine.worker import Worker
from sekisho.model.action import ActionError, Failed
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Ban


class Perishing(MemoryAction):
    """An action that another program can take down, until it is started again."""

    whole = True

    async def is_whole(self) -> bool:
        """Tell."""
        return self.whole

    async def start(self, standing: Sequence[Ban]) -> Sequence[Failed]:
        """Be whole again."""
        self.whole = True
        return await super().start(standing)


def ban(number: int) -> Ban:
    """Return a ban of 192.0.2.`number`."""
    return Ban("demo", parse_subject(f"192.0.2.{number}"), 1000, 600)


def worker_of(action: MemoryAction) -> tuple[Worker, list[Ban]]:
    """Return a worker, and the list of what it says is enforced."""
    enforced: list[Ban] = []

    def note(bans: Sequence[Ban]) -> None:
        enforced.extend(bans)

    return Worker("demo", action, enforced=note), enforced


def test_what_waits_is_carried_out_in_runs_and_in_order() -> None:
    """While the first call is slow, three bans, an unban and a ban queue up: they become three calls."""

    async def play() -> None:
        action = MemoryAction()
        worker, enforced = worker_of(action)
        await worker.start([])
        action.gate.clear()
        worker.ban([ban(1)])
        await asyncio.sleep(0)
        worker.ban([ban(2), ban(3)])
        worker.ban([ban(4)])
        worker.unban([ban(2)])
        worker.ban([ban(5)])
        await asyncio.sleep(0)
        action.gate.set()
        await worker.drained()
        assert [name for name, _ in action.calls] == ["start", "ban", "ban", "unban", "ban"]
        assert action.calls[2] == ("ban", ["192.0.2.2", "192.0.2.3", "192.0.2.4"])
        assert {subject.text for subject in action.held} == {"192.0.2.1", "192.0.2.3", "192.0.2.4", "192.0.2.5"}
        assert enforced == [ban(1), ban(2), ban(3), ban(4), ban(5)]
        await worker.stop([])

    asyncio.run(play())


def test_a_ban_that_failed_is_offered_again_and_not_called_enforced() -> None:
    """One refused ban loses no other, and is in force once the trouble is over."""

    async def play() -> None:
        action = MemoryAction()
        action.broken = {ban(2).subject}
        worker, enforced = worker_of(action)
        await worker.start([])
        worker.ban([ban(1), ban(2), ban(3)])
        await worker.drained()
        assert enforced == [ban(1), ban(3)]
        action.broken.clear()
        await worker.retry([ban(1), ban(2), ban(3)])
        await worker.drained()
        assert enforced == [ban(1), ban(3), ban(2)]
        assert len(action.held) == 3
        await worker.stop([])

    asyncio.run(play())


def test_what_vanished_from_the_firewall_is_put_back() -> None:
    """Another program flushed the set: the next look restores it."""

    async def play() -> None:
        action = MemoryAction()
        worker, _ = worker_of(action)
        await worker.start([ban(1), ban(2)])
        action.held.clear()
        await worker.retry([ban(1), ban(2)])
        await worker.drained()
        assert len(action.held) == 2
        await worker.stop([])

    asyncio.run(play())


def test_a_trouble_is_told_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand bans fail, and fail again when they are offered again: one line, and one when all are in force."""

    async def play() -> None:
        action = MemoryAction()
        bans = [Ban("demo", parse_subject(f"10.0.{n // 256}.{n % 256}"), 1000, 600) for n in range(1000)]
        action.broken = {ban.subject for ban in bans}
        worker, enforced = worker_of(action)
        await worker.start([])
        for each in bans:
            worker.ban([each])
            await worker.drained()
        await worker.retry(bans)
        await worker.drained()
        action.broken = {ban.subject for ban in bans[500:]}
        worker.ban([ban(1)])  # which nothing is wrong with, while the others wait
        await worker.retry(bans)
        await worker.drained()
        action.broken.clear()
        await worker.retry(bans)
        await worker.drained()
        assert len(enforced) == 1001
        await worker.stop([])

    asyncio.run(play())
    assert [record.getMessage() for record in caplog.records] == [
        "Failed to execute ban jail 'demo' action 'memory': Error banning 10.0.0.0: refused",
        "Jail 'demo' action 'memory': banning works again; it had failed 2000 time(s)",
    ]


def test_whom_an_action_could_not_let_go_is_let_go_later() -> None:
    """The lifting failed: it is done again once the action can tell that it still holds him, unless he is banned."""

    async def play() -> None:
        action = Perishing()
        worker, _ = worker_of(action)
        await worker.start([ban(1), ban(2)])
        action.stuck = {ban(1).subject, ban(2).subject}
        worker.unban([ban(1), ban(2)])
        await worker.drained()
        worker.ban([ban(2)])
        await worker.drained()
        action.stuck.clear()
        await worker.retry([ban(2)])
        await worker.drained()
        assert set(action.held) == {ban(2).target}
        await worker.stop([])

    asyncio.run(play())


def test_an_action_that_cannot_tell_whom_it_holds_is_not_asked_twice(caplog: pytest.LogCaptureFixture) -> None:
    """A command that lifts a ban may fail for good: it is not run again, and the next that works ends its trouble."""

    async def play() -> None:
        action = MemoryAction()
        worker, _ = worker_of(action)
        await worker.start([ban(1), ban(2), ban(3)])
        action.stuck = {ban(1).subject, ban(2).subject}
        for number in (1, 2, 3):
            worker.unban([ban(number)])
            await worker.drained()
        await worker.retry([])
        await worker.drained()
        assert [name for name, _ in action.calls] == ["start", "unban", "unban", "unban"]
        await worker.stop([])

    asyncio.run(play())
    assert [record.getMessage() for record in caplog.records] == [
        "Failed to execute unban jail 'demo' action 'memory': Error unbanning 192.0.2.1: refused",
        "Jail 'demo' action 'memory': unbanning works again; it had failed 2 time(s)",
    ]


def test_a_start_that_fails_again_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    """The reason is told once, whatever bans fail meanwhile; another reason is told; the start at last is told."""

    async def play() -> None:
        action = MemoryAction()
        action.down = True
        worker, _ = worker_of(action)
        await worker.start([])
        action.broken = {ban(1).subject}
        for _ in range(3):
            worker.ban([ban(1)])
            await worker.drained()
            await worker.retry([ban(1)])
        action.down = False
        action.broken.clear()
        await worker.retry([ban(1)])
        await worker.stop([])

    asyncio.run(play())
    assert [record.getMessage() for record in caplog.records] == [
        "Failed to start jail 'demo' action 'memory': the kernel is away",
        "Jail 'demo' action 'memory': started at last",
    ]


def test_an_action_that_cannot_start_says_so_and_is_brought_up_later() -> None:
    """Its health names the reason; when it comes up, it holds all that stands."""

    async def play() -> None:
        action = MemoryAction()
        action.down = True
        worker, _ = worker_of(action)
        await worker.start([ban(1)])
        assert "the kernel is away" in worker.health
        action.down = False
        await worker.retry([ban(1), ban(2)])
        assert worker.health == ""
        assert len(action.held) == 2
        await worker.stop([])
        assert not action.held

    asyncio.run(play())


def test_an_action_that_hangs_is_cut_off_at_the_end() -> None:
    """Neither a ban nor a stop that never returns keeps a worker from its end."""

    async def play() -> None:
        action = MemoryAction()
        worker, enforced = worker_of(action)
        await worker.start([])
        action.gate.clear()
        worker.ban([ban(1)])
        worker.unban([ban(2)])
        await worker.stop([], patience=0.01)
        assert enforced == []
        assert action.calls[-1] == ("stop", [])
        await worker.drained()

    asyncio.run(play())


def test_whatever_an_action_raises_at_its_start_is_its_own_trouble() -> None:
    """It is down, says why, and is brought up by the next repair."""

    async def play() -> None:
        action = MemoryAction()
        worker, _ = worker_of(action)
        start = action.start

        async def broken(standing: Sequence[Ban]) -> Sequence[Failed]:
            del standing
            raise RuntimeError("a mistake of ours")

        action.start = broken  # type: ignore[method-assign]
        await worker.start([ban(1)])
        assert "a mistake of ours" in worker.health
        action.start = start  # type: ignore[method-assign]
        await worker.retry([ban(1)])
        assert worker.health == ""
        await worker.stop([])

    asyncio.run(play())


def test_what_another_program_has_taken_down_is_brought_up_again() -> None:
    """The bans are still listed, and bar nobody: a repair begins the action anew with all that stands."""

    async def play() -> None:
        action = Perishing()
        worker = Worker("demo", action, enforced=lambda _: None)
        await worker.start([ban(1)])
        await worker.retry([ban(1)])
        action.whole = False
        await worker.retry([ban(1)])
        assert [name for name, _ in action.calls] == ["start", "start"]
        await worker.stop([])

    asyncio.run(play())


def test_a_repair_and_a_ban_never_overlap() -> None:
    """While the action is being brought up again, a ban waits; afterwards both are in force."""

    async def play() -> None:
        action = MemoryAction()
        action.down = True
        worker, _ = worker_of(action)
        await worker.start([])
        action.down = False
        action.gate.clear()
        repair = asyncio.create_task(worker.retry([ban(1)]))
        await asyncio.sleep(0)
        worker.ban([ban(2)])
        for _ in range(5):
            await asyncio.sleep(0)
        assert [name for name, _ in action.calls] == ["start"]
        action.gate.set()
        await repair
        await worker.drained()
        assert {subject.text for subject in action.held} == {"192.0.2.1", "192.0.2.2"}
        await worker.stop([])

    asyncio.run(play())


def test_a_ban_that_can_never_be_carried_out_is_refused_once() -> None:
    """The firewall says that an identifier is no address; no repair offers it again, and its lifting is forgotten."""

    async def play() -> None:
        action = MemoryAction()
        worker, _ = worker_of(action)
        eve = Ban("demo", parse_subject("eve"), 1000, 600)

        async def refuse(bans: Sequence[Ban]) -> Sequence[Failed]:
            action.calls.append(("ban", [each.subject.text for each in bans]))
            return [Failed(each, "no address", is_final=True) for each in bans]

        action.ban = refuse  # type: ignore[method-assign]
        await worker.start([])
        worker.ban([eve])
        await worker.drained()
        for _ in range(3):
            await worker.retry([eve])
            await worker.drained()
        assert [name for name, _ in action.calls] == ["start", "ban"]
        worker.unban([eve])
        worker.ban([eve])
        await worker.drained()
        assert [name for name, _ in action.calls] == ["start", "ban", "unban", "ban"]
        await worker.stop([])

    asyncio.run(play())


def test_a_start_that_hangs_is_not_waited_for_and_keeps_the_order() -> None:
    """The jail goes on while the action is still starting; a ban decided meanwhile is carried out behind it."""

    async def play() -> None:
        action = MemoryAction()
        entered, free = asyncio.Event(), asyncio.Event()
        begin = action.start

        async def start(standing: Sequence[Ban]) -> Sequence[Failed]:
            entered.set()
            await free.wait()
            return await begin(standing)

        action.start = start  # type: ignore[method-assign]
        worker, enforced = worker_of(action)
        await worker.start([ban(1)], patience=0)
        await entered.wait()
        worker.ban([ban(2)])
        assert enforced == []
        free.set()
        await worker.drained()
        assert [name for name, _ in action.calls] == ["start", "ban"]
        assert enforced == [ban(1), ban(2)]
        await worker.stop([])

    asyncio.run(play())


def test_an_action_that_wants_to_know_hears_of_a_reload(caplog: pytest.LogCaptureFixture) -> None:
    """Once it is up; what goes wrong is logged, and the action goes on."""

    class Curious(MemoryAction):
        async def reload(self) -> None:
            self.calls.append(("reload", []))
            if self.down:
                raise ActionError("not now")

    async def play() -> None:
        action = Curious()
        worker, _ = worker_of(action)
        await worker.reload()
        assert action.calls == []
        await worker.start([])
        await worker.reload()
        action.down = True
        await worker.reload()
        assert [name for name, _ in action.calls] == ["start", "reload", "reload"]
        await worker.stop([])

    asyncio.run(play())
    assert "not now" in caplog.text
