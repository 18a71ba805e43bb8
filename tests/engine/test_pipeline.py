"""From a failure to what follows, in one order, whatever fails."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from tests.support.house import DEMO, NOW, MemoryHouse, until

from sekisho.ledger.ledger import Ledger, LedgerError

EVE = "192.0.2.66"


def test_bans_go_on_while_the_disk_is_full_and_are_written_when_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The firewall does not wait for the ledger, and the ledger does not forget what it could not write."""
    full = False
    commit = Ledger.commit

    def failing(self: Ledger, changes: object, *, now: float) -> None:
        if full:
            raise LedgerError("database or disk is full")
        commit(self, changes, now=now)  # type: ignore[arg-type]

    monkeypatch.setattr(Ledger, "commit", failing)

    async def play() -> None:
        nonlocal full
        house = MemoryHouse(str(tmp_path / "ledger"))
        engine = await house.start()
        full = True
        await house.fails(EVE, EVE, EVE)
        assert house.held() == {EVE}
        full = False
        house.clock.time += 2  # a ledger in trouble is tried once a second
        await house.fails("192.0.2.7")
        assert [ban.subject.text for ban in engine.housekeeping.ledger.standing("demo", now=NOW)] == [EVE]
        await engine.stop()

    asyncio.run(play())


def test_the_ledger_knows_a_ban_before_the_firewall_does(tmp_path: Path) -> None:
    """When the firewall is still busy, the ban is already on disk; a kill now loses nothing."""

    async def play() -> None:
        house = MemoryHouse(str(tmp_path / "ledger"))
        engine = await house.start()
        action = house.actions["demo"]
        action.gate.clear()
        house.log.write(*[f"{int(NOW)} fail user=x from {EVE}"] * DEMO.maxretry)
        await until(lambda: len(action.calls) == 2)
        with contextlib.closing(Ledger(house.ledger_path)) as ledger:
            assert [ban.subject.text for ban in ledger.standing("demo", now=NOW)] == [EVE]
        action.gate.set()
        await engine.stop()

    asyncio.run(play())
