"""A configuration on trial: kept when somebody confirms it, taken back when nobody does."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from tests.support.house import DEMO, MemoryHouse, run, until

from sekisho.engine.api import Fate, JailChange, Refused, Reload, TrialStatus
from sekisho.engine.engine import Engine
from sekisho.engine.roster import Roster
from sekisho.model.address import parse_subject
from sekisho.model.specs import ServerSpec

ANN, BOB, EVE = "192.0.2.10", "192.0.2.7", "192.0.2.66"
HOUR = 3600
STRICT = replace(DEMO, maxretry=1)
OTHER = replace(DEMO, name="other", maxretry=1, bantime=60)


async def time_runs_out(engine: Engine) -> None:
    """Let the trial's time be over, without waiting for it."""
    timer = engine._trial._timer
    assert timer is not None
    timer.cancel()
    await engine._trial._run_out(0)


def test_what_nobody_confirms_is_taken_back_as_a_whole(house: MemoryHouse) -> None:
    """The jails, the server's settings, what was set by hand; machines' bans of the trial are lifted and forgotten."""

    async def play() -> None:
        engine = await house.start()
        by_hand = replace(DEMO, bantime=1234)
        await engine.change("demo", by_hand)
        await house.fails(EVE, EVE, EVE)
        house.jails, house.server = (STRICT, OTHER), ServerSpec(dbmaxmatches=3, guard="off")
        outcome = await engine.apply(HOUR)
        assert [change.fate for change in outcome.jails] == [Fate.CHANGED, Fate.ADDED]
        await house.fails(ANN)
        await engine.ban("demo", [parse_subject(BOB)])
        assert (house.held(), house.held("other")) == ({EVE, ANN, BOB}, {EVE, ANN})

        await time_runs_out(engine)
        await house.settled()
        assert engine.status().jails == ("demo",)
        assert engine.jail_spec("demo") == by_hand
        assert (engine.server.dbmaxmatches, engine.server.guard) == (10, "auto")
        assert (house.held(), house.held("other")) == ({EVE, BOB}, set())
        await engine.reload(Reload())
        assert house.held("other") == set(), "the ledger has forgotten them, too"
        await engine.stop()

    run(play())


def test_what_is_confirmed_stays(house: MemoryHouse) -> None:
    """And with it whom it has banned; there is nothing more to confirm then."""

    async def play() -> None:
        engine = await house.start()
        house.jails = (STRICT,)
        await engine.apply(HOUR)
        await house.fails(ANN)
        await engine.confirm()
        assert engine.jail_spec("demo").maxretry == 1
        assert house.held() == {ANN}
        assert (engine.trial(), engine.status().problems) == (TrialStatus(), ())
        with pytest.raises(Refused, match="No configuration awaits confirmation"):
            await engine.confirm()
        await engine.stop()

    run(play())


def test_the_time_is_the_daemons(house: MemoryHouse) -> None:
    """It runs out by itself, whoever has left meanwhile."""

    async def play() -> None:
        engine = await house.start()
        house.jails = (STRICT,)
        await engine.apply(0)
        await until(lambda: engine.jail_spec("demo") == DEMO)
        await engine.stop()

    run(play())


def test_one_trial_at_a_time(house: MemoryHouse) -> None:
    """A second one would make it unclear what is taken back. Meanwhile the files may be mended and read again."""

    async def play() -> None:
        engine = await house.start()
        house.jails = (STRICT,)
        await engine.apply(HOUR)
        with pytest.raises(Refused, match=r"A configuration is on trial already, until \d\d:\d\d:\d\d"):
            await engine.apply(HOUR)
        house.jails = (replace(DEMO, maxretry=2),)
        await engine.reload(Reload())
        assert engine.jail_spec("demo").maxretry == 2
        await time_runs_out(engine)
        assert engine.jail_spec("demo") == DEMO
        await engine.stop()

    run(play())


def test_the_status_says_what_is_awaited_and_what_was_taken_back(house: MemoryHouse) -> None:
    """Until the files are read again, since what they say is not what runs."""

    async def play() -> None:
        engine = await house.start()
        house.jails = (STRICT,)
        await engine.apply(HOUR)
        assert engine.trial().until == house.clock.time + HOUR
        (problem,) = engine.status().problems
        assert "a configuration is on trial until" in str(problem)
        assert "keep it: sekisho confirm" in str(problem)
        await time_runs_out(engine)
        (problem,) = engine.status().problems
        assert "what runs is what ran before" in str(problem)
        with pytest.raises(Refused, match="the last one was taken back at"):
            await engine.confirm()
        await engine.reload(Reload(dry_run=True))
        assert engine.status().problems == (problem,)
        await engine.reload(Reload())
        assert engine.status().problems == ()
        await engine.stop()

    run(play())


def test_a_tree_that_cannot_be_used_is_not_tried(house: MemoryHouse) -> None:
    """Nothing changes, and nothing awaits confirmation. One jail in error goes on as it was, and comes to no harm."""

    async def play() -> None:
        engine = await house.start()
        house.broken = True
        with pytest.raises(Refused, match="Failed during configuration"):
            await engine.apply(HOUR)
        assert engine.trial() == TrialStatus()
        house.broken = False
        house.jails = (replace(STRICT, filter=replace(DEMO.filter, failregex=("no host",))),)
        outcome = await engine.apply(HOUR)
        assert isinstance(outcome.jails[0], JailChange)
        assert outcome.jails[0].fate is Fate.KEPT
        await time_runs_out(engine)
        assert engine.jail_spec("demo") == DEMO
        assert engine.status().problems[1:] == ()
        await engine.stop()

    run(play())


def test_a_daemon_that_is_stopped_says_what_comes_next(house: MemoryHouse, caplog: pytest.LogCaptureFixture) -> None:
    """A trial does not outlive it: the next start reads the files."""

    async def play() -> None:
        engine = await house.start()
        house.jails = (STRICT,)
        await engine.apply(HOUR)
        with caplog.at_level(logging.WARNING):
            await engine.stop()
        assert "the next start reads the files as they are" in caplog.text
        assert (await house.next_life().start()).jail_spec("demo") == STRICT

    run(play())


def test_a_rollback_that_fails_is_told(
    house: MemoryHouse, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At three in the morning the log has the reason."""

    async def play() -> None:
        engine = await house.start()
        await engine.apply(HOUR)
        monkeypatch.setattr(Roster, "pardon", lambda *_: 1 / 0)
        await time_runs_out(engine)
        assert "cannot be taken back as a whole" in caplog.text
        await engine.stop()

    run(play())
