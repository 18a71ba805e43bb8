"""Tests of engine.evidence: what a jail's actions are asked to prove."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tests.support.actions import MemoryAction
from tests.support.house import DEMO, NOW

from sekisho.engine import evidence
from sekisho.engine.jail import Jail
from sekisho.engine.worker import Worker
from sekisho.model.action import Action, ActionError, Kind
from sekisho.model.address import Subject, parse_subject
from sekisho.model.proof import Barrier, Count, Holding, Tally
from sekisho.model.verdict import Ban

EVE, MALLORY = "192.0.2.66", "192.0.2.67"


class CountingAction(MemoryAction):
    """Has stopped three packets of everybody whom it holds, and stands as it should."""

    async def counted(self) -> Tally:
        """Return three packets for each."""
        if self.down:
            raise ActionError("the kernel is away")
        await self.gate.wait()
        return Tally(Count(3 * len(self.held), 180), {subject: Count(3, 180) for subject in self.held})

    async def barrier(self, subjects: Sequence[Subject]) -> Barrier:
        """Return who of them is held."""
        held = tuple(Holding(subject, subject in self.held) for subject in subjects)
        return Barrier("jail-demo", "", ("tcp",), None, "", held)


def jail_with(*actions: Action, banned: Sequence[str] = (EVE, MALLORY)) -> Jail:
    """Return a jail with these actions, which hold whom it has banned, each a second after the other."""
    jail = Jail(DEMO, reached={}, feeds_on_bans=False, now=NOW)
    for number, who in enumerate(banned):
        jail.standing.put(Ban("demo", parse_subject(who), NOW + number, 600))
    for action in actions:
        if isinstance(action, MemoryAction):
            action.held = {ban.target: ban for ban in jail.standing}
        jail.workers.append(Worker("demo", action, enforced=lambda _: None))
    return jail


def test_what_two_actions_have_stopped_is_summed() -> None:
    """Two firewalls hold both: six packets of each, twelve in all."""
    counts = asyncio.run(evidence.counts_of(jail_with(CountingAction("a"), CountingAction("b"))))
    assert [counts.of(ban).packets for ban in counts.bans] == [6, 6]
    assert counts.total == Count(12, 360)
    assert counts.silent == {}


def test_who_cannot_count_says_so() -> None:
    """An action that has no counters, and one whose kernel is away, are named with the reason; a mail is not asked."""
    broken = CountingAction("broken")
    broken.down = True
    counts = asyncio.run(
        evidence.counts_of(jail_with(MemoryAction("plain"), broken, MemoryAction("mail", kind=Kind.NOTIFIER)))
    )
    assert counts.silent == {"plain": "it counts no packets", "broken": "the kernel is away"}
    assert counts.total == Count()


def test_an_action_that_hangs_does_not_make_the_question_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time it is told of as one that has not answered, and the others have."""
    monkeypatch.setattr(evidence, "PATIENCE", 0.01)
    stuck = CountingAction("stuck")
    stuck.gate.clear()
    counts = asyncio.run(evidence.counts_of(jail_with(stuck, CountingAction("well"))))
    assert "has not answered" in counts.silent["stuck"]
    assert counts.total == Count(6, 180)


def test_a_ban_does_not_wait_for_an_answer() -> None:
    """While the action is counting, a new ban is carried out."""

    async def play() -> None:
        slow, reached = CountingAction(), asyncio.Event()
        jail = jail_with(slow)
        (worker,) = jail.workers
        await worker.start(())
        counting, go_on = slow.counted, asyncio.Event()

        async def counted() -> Tally:
            reached.set()
            await go_on.wait()
            return await counting()

        slow.counted = counted  # type: ignore[method-assign]
        asked = asyncio.create_task(evidence.counts_of(jail))
        await reached.wait()
        worker.ban([Ban("demo", parse_subject(EVE), NOW, 600)])
        async with asyncio.timeout(5):
            await worker.drained()
        assert parse_subject(EVE) in slow.held
        assert not asked.done()
        go_on.set()
        await asked
        await worker.abandon()

    asyncio.run(play())


def test_without_a_name_the_newest_bans_are_proved() -> None:
    """Of five bans the last three are looked at."""
    banned = [f"192.0.2.{number}" for number in range(1, 6)]
    (proof,) = asyncio.run(evidence.proofs_of(jail_with(CountingAction(), banned=banned), None))
    assert isinstance(proof.barrier, Barrier)
    assert {holding.subject.text for holding in proof.barrier.holdings} == set(banned[2:])


@pytest.mark.parametrize(
    ("banned", "asked", "found"),
    [(EVE, EVE, [EVE]), ("192.0.2.0/24", EVE, [EVE]), (EVE, "192.0.2.0/24", []), (EVE, MALLORY, [])],
)
def test_an_address_is_proved_where_a_ban_covers_it(banned: str, asked: str, found: list[str]) -> None:
    """By itself or inside a banned network; a jail that does not bar the whole of it has nothing to prove."""
    proofs = asyncio.run(evidence.proofs_of(jail_with(CountingAction(), banned=[banned]), parse_subject(asked)))
    barriers = [proof.barrier for proof in proofs]
    assert [hold.subject.text for each in barriers if isinstance(each, Barrier) for hold in each.holdings] == found


def test_who_cannot_prove_anything_says_so() -> None:
    """An action of commands holds whom it holds, and nobody can ask it."""
    (proof,) = asyncio.run(evidence.proofs_of(jail_with(MemoryAction()), None))
    assert proof.barrier == "it cannot be asked whom it bars"
