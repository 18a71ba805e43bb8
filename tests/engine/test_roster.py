"""Which jails run, and why those that cannot are not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from tests.support.house import DEMO, MemoryHouse, until

from sekisho.engine.api import Fate, Reload
from sekisho.model.specs import FilterSpec
from sekisho.model.verdict import Ban

EVE = "192.0.2.66"


def test_a_jail_with_bad_rules_does_not_stop_the_others(house: MemoryHouse) -> None:
    """At start, the healthy jail runs and the other is absent."""
    house.jails = (replace(DEMO, name="bad", filter=FilterSpec("bad", ("(",))), DEMO)

    async def play() -> None:
        engine = await house.start()
        assert engine.status().jails == ("demo",)
        (problem,) = engine.status().problems
        assert problem.jail == "bad"
        assert "Unable to compile" in problem.text
        await engine.stop()

    asyncio.run(play())


def test_a_jail_whose_new_rules_do_not_hold_goes_on_and_status_tells_until_they_do(house: MemoryHouse) -> None:
    """The reload says so too; mending the rules takes the problem away."""

    async def play() -> None:
        engine = await house.start()
        house.jails = (replace(DEMO, filter=FilterSpec("demo", ("(",))),)
        (kept,) = (await engine.reload(Reload())).jails
        assert (kept.jail, kept.fate) == ("demo", Fate.KEPT)
        (problem,) = engine.status().problems
        assert (problem.jail, problem.text.startswith("goes on as it was: ")) == ("demo", True)
        await house.fails(EVE, EVE, EVE)
        assert house.held() == {EVE}
        house.jails = (DEMO,)
        assert (await engine.reload(Reload())).jails == ()
        assert engine.status().problems == ()
        await engine.stop()

    asyncio.run(play())


def test_a_jail_that_is_ending_is_not_read_again(house: MemoryHouse) -> None:
    """While its action takes its time to stop, housekeeping looks for logs: no line is judged for the jail any more."""

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVE, EVE)
        action = house.actions["demo"]
        gate, stop = asyncio.Event(), action.stop

        async def slow(standing: Sequence[Ban]) -> None:
            await gate.wait()
            await stop(standing)

        action.stop = slow  # type: ignore[method-assign]
        ending = asyncio.create_task(engine.stop_jail("demo"))
        await until(lambda: engine.jails["demo"].is_ending and not list(engine.readings))
        await engine.housekeeping.look_for_logs()
        assert list(engine.readings) == []
        gate.set()
        await ending
        await engine.stop()

    asyncio.run(play())
