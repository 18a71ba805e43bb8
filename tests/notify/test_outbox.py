"""Letters that wait to be sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from sekisho.notify.backoff import Backoff
from sekisho.notify.outbox import DeliveryError, Outbox, OutboxStatistics


class Office:
    """A post office that takes letters, or does what `answers` say first; it can be shut."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.taken: list[str] = []
        self.tries = 0
        self.shut = asyncio.Event()
        self.shut.set()

    async def __call__(self, letter: str) -> None:
        """Take a letter."""
        self.tries += 1
        await self.shut.wait()
        if self.answers:
            raise self.answers.pop(0)
        self.taken.append(letter)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - lets the others run; no time passes
            await asyncio.sleep(0)


_NO_WAIT = Backoff(first=0, longest=0)


def test_letters_go_out_in_order() -> None:
    """The first that was put in is the first that is taken."""

    async def play() -> None:
        office = Office()
        outbox = Outbox(office, name="t")
        outbox.put("a")
        outbox.start()
        outbox.put("b")
        await outbox.close(grace=10)
        assert office.taken == ["a", "b"]
        assert outbox.statistics() == OutboxStatistics(sent=2, lost=0, waiting=0)

    asyncio.run(play())


def test_what_fails_for_now_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """The letter is not lost, nor overtaken."""

    async def play() -> None:
        office = Office(DeliveryError("greylisted", permanent=False), DeliveryError("greylisted", permanent=False))
        outbox = Outbox(office, name="t", backoff=_NO_WAIT)
        outbox.start()
        outbox.put("a")
        outbox.put("b")
        await _until(lambda: office.taken == ["a", "b"])
        await outbox.close(grace=10)

    asyncio.run(play())
    assert caplog.messages == ["t: letter not sent: greylisted; trying again in 0 s"] * 2


def test_what_fails_for_good_makes_way(caplog: pytest.LogCaptureFixture) -> None:
    """A refused recipient, a letter that cannot be written, an hour without success: the next one goes out."""

    async def play() -> None:
        now = 0.0
        office = Office(DeliveryError("no such user", permanent=True), ZeroDivisionError("ours"))
        outbox = Outbox(office, name="t", backoff=_NO_WAIT, clock=lambda: now)
        for letter in "abcd":
            outbox.put(letter)
        office.shut.clear()
        outbox.start()
        await _until(lambda: office.tries == 1)
        office.answers.append(DeliveryError("down", permanent=False))
        now = 4000
        office.shut.set()
        await outbox.close(grace=10)
        assert office.taken == ["d"]
        assert outbox.statistics() == OutboxStatistics(sent=1, lost=3, waiting=0)
        assert outbox.take_missed() == 3
        assert outbox.take_missed() == 0

    asyncio.run(play())
    assert caplog.messages == [
        "t: letter not sent: no such user",
        "t: letter not sent",
        "t: letter not sent, given up: down",
    ]


def test_a_full_box_drops_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    """Ten thousand bans in a minute are ten thousand log lines, but a hundred letters."""

    async def play() -> None:
        office = Office()
        outbox = Outbox(office, name="t", size=2)
        for letter in "abcde":
            outbox.put(letter)
        assert outbox.statistics() == OutboxStatistics(sent=0, lost=3, waiting=2)
        outbox.start()
        await outbox.close(grace=10)
        assert office.taken == ["a", "b"]

    asyncio.run(play())
    assert caplog.messages == ["t: 2 letters are waiting; further ones are dropped"]


def test_a_close_does_not_wait_for_a_dead_server(caplog: pytest.LogCaptureFixture) -> None:
    """A delivery that hangs and a pause between tries both end; the log says how many letters were lost."""

    async def hangs() -> None:
        office = Office()
        office.shut.clear()
        outbox = Outbox(office, name="hangs")
        outbox.start()
        outbox.put("a")
        await outbox.close(grace=0.01)
        assert outbox.statistics().lost == 1

    async def pauses() -> None:
        office = Office(*[DeliveryError("down", permanent=False)] * 9)
        outbox = Outbox(office, name="pauses", backoff=Backoff(first=3600, patience=10**6))
        outbox.start()
        outbox.put("a")
        outbox.put("b")
        await _until(lambda: office.tries == 1)
        await outbox.close(grace=3600)
        assert office.tries == 2  # once more, and no pause after it
        assert outbox.statistics().lost == 2

    caplog.set_level(logging.WARNING)
    asyncio.run(hangs())
    asyncio.run(pauses())
    assert "hangs: 1 letters were not sent before the end" in caplog.messages
    assert "pauses: 2 letters were not sent before the end" in caplog.messages


def test_a_box_can_be_opened_again() -> None:
    """An action that the engine brings up a second time writes again."""

    async def play() -> None:
        office = Office()
        outbox = Outbox(office, name="t")
        outbox.start()
        await outbox.close(grace=10)
        outbox.start()
        outbox.put("a")
        await _until(lambda: office.taken == ["a"])
        await outbox.close(grace=10)

    asyncio.run(play())
