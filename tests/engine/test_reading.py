"""Reading goes on, whatever a line, a source or a disk does to it."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.house import DEMO, NOW, MemoryHouse, run, until
from tests.support.sources import MemoryLog

from sekisho.engine import reading
from sekisho.match.rulebook import RuleBook
from sekisho.model.block import Block, SourceEvent
from sekisho.model.position import FilePosition
from sekisho.model.specs import FilterSpec, LogPath, RecordSpec

EVE, BOB = "192.0.2.66", "192.0.2.7"


def test_a_line_that_cannot_be_matched_costs_itself_only(
    house: MemoryHouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Between Eve's failures stands a line that makes matching raise: she is barred all the same, and the log tells."""
    hear = RuleBook.hear

    def fragile(self: RuleBook, original: str, *arguments: Any) -> object:  # noqa: ANN401
        if "poison" in original:
            raise RecursionError("too deep")
        return hear(self, original, *arguments)

    monkeypatch.setattr(RuleBook, "hear", fragile)

    async def play() -> None:
        engine = await house.start()
        line = f"{int(NOW)} fail user=%s from {EVE}"
        house.log.write("\n".join([line % "a", line % "poison", line % "b", line % "c"]))
        await house.settled()
        assert house.held() == {EVE}
        house.log.write(line % "poison")
        await house.fails(BOB, BOB, BOB)
        assert house.held() == {EVE, BOB}
        await engine.stop()

    run(play())
    told = [record for record in caplog.records if "cannot be matched" in record.message]
    assert len(told) == 1, "once a minute: a stranger writes the lines"
    assert told[0].exc_info
    assert "poison" in told[0].message


def test_a_source_that_fails_is_read_on_from_where_it_was(
    house: MemoryHouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The source raises after the first line: the second is not lost, and the first is not counted twice."""
    monkeypatch.setattr(reading, "_PAUSES", (0.0, 0.0))
    follow = MemoryLog.follow
    lives = 0

    async def fragile(self: MemoryLog, after: FilePosition | None, since: float | None) -> AsyncIterator[SourceEvent]:
        nonlocal lives
        lives += 1
        async for event in follow(self, after, since):
            yield event
            if isinstance(event, Block) and lives < 4:
                raise RuntimeError("the source is out of order")

    monkeypatch.setattr(MemoryLog, "follow", fragile)

    async def play() -> None:
        engine = await house.start()
        await house.fails(EVE, EVE)
        assert house.held() == set()
        await house.fails(EVE)
        await until(lambda: lives == 4)
        assert house.held() == {EVE}
        assert engine.jail_status("demo").failed_total == 3
        await house.fails(BOB)
        assert engine.jail_status("demo").health == ()
        await engine.stop()

    run(play())
    assert "Reading /memory.log has failed; trying again" in caplog.text


def test_a_ledger_that_cannot_be_used_at_the_start_leaves_nobody_unwatched(
    house: MemoryHouse, caplog: pytest.LogCaptureFixture
) -> None:
    """Another program holds the ledger while the jails begin: the attack is met, and written down afterwards."""
    caplog.set_level(logging.WARNING)

    async def play() -> None:
        first = await house.start()
        await first.stop()
        second = house.next_life()
        with contextlib.closing(sqlite3.connect(house.ledger_path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            engine = await second.start()
            await second.fails(EVE, EVE, EVE)
            assert second.held() == {EVE}
        second.clock.time += 2
        await engine.housekeeping.end_bans()
        await engine.stop()
        third = second.next_life()
        engine = await third.start()
        assert third.held() == {EVE}
        assert engine.jail_status("demo").failed_total == 0, "no line is judged twice"
        await engine.stop()

    run(play())
    assert "cannot be used" in caplog.text
    assert "can be used again" in caplog.text


def test_logs_that_the_same_jails_read_share_their_scanner(house: MemoryHouse) -> None:
    """A glob may name thousands of logs; the scanner is built once for all of them."""
    house.jails = (replace(DEMO, logpaths=(LogPath("/memory.log"), LogPath("/other.log"))),)

    async def play() -> None:
        engine = await house.start()
        one, other = engine.readings
        assert one._bundle is other._bundle
        await engine.stop()

    run(play())


def test_who_fails_in_records_is_barred(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """From the log to the firewall: Eve, by the fields of her lines; nobody by a line with two addresses."""
    record = RecordSpec("json", when=("event = login and ok = false",), host=("ip",), time=("at",))
    demo = replace(DEMO, filter=FilterSpec("demo", (), record=record))
    house = MemoryHouse(str(tmp_path / "ledger.sqlite"), jails=(demo,))

    async def play() -> None:
        engine = await house.start()
        line = f'{{"at":{int(NOW)},"event":"login","ok":false,"ip":"{EVE}"}}'
        house.log.write(
            "\n".join([line, line.replace("}", f',"ip":"{BOB}"}}'), line, line.replace("false", "true"), line])
        )
        await house.settled()
        assert house.held() == {EVE}
        await engine.stop()

    run(play())
    assert "counts for nobody: the key 'ip' stands twice in one object" in caplog.text
