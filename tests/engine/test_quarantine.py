"""Rules that take too long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.support.house import DEMO, NOW, MemoryHouse

from sekisho.daemon.guard import LineGuard
from sekisho.engine.quarantine import MOST_OFFENCES, Quarantine, find_culprit
from sekisho.match.filter import compile_filter
from sekisho.model.specs import FilterSpec, RecordSpec

EVE = "192.0.2.66"
BAD = r"^ slow (?:a+)+ from <HOST>$"
GOOD = DEMO.filter.failregex[0]
LINE = f" slow {'a' * 60}b from {EVE}"


def test_the_rule_that_dawdles_is_found() -> None:
    """Of three rules the second is to blame; when prefregex is, no single rule can be named."""
    guard = LineGuard(tick=0.02)
    three = compile_filter(FilterSpec("demo", (GOOD, BAD, GOOD)), usedns="no")
    assert find_culprit(three, f"{int(NOW)}{LINE}", 0b111, now=NOW, watch=guard) == 1
    assert find_culprit(three, f"{int(NOW)}{LINE}", 0b101, now=NOW, watch=guard) is None
    assert find_culprit(three, f"{int(NOW)}{LINE}", 0b100, now=NOW, watch=guard) == 2  # who else?
    prefixed = compile_filter(FilterSpec("demo", (GOOD,), prefregex=r"^ slow (?:a+)+ <F-CONTENT>.*</F-CONTENT>$"))
    assert find_culprit(prefixed, f"{int(NOW)}{LINE}", 0b1, now=NOW, watch=guard) is None


def test_the_rule_on_records_that_dawdles_is_found() -> None:
    """It is named by its number in the one row of expressions and rules."""
    guard = LineGuard(tick=0.02)
    record = RecordSpec("json", when=("a = 1", "text ~ ^slow (?:a+)+ from", "b = 1"), host=("ip",), message=("msg",))
    rules = compile_filter(FilterSpec("demo", (GOOD,), record=record), usedns="no")
    line = f'{{"text": "{LINE.strip()}", "ip": "{EVE}"}}'
    assert find_culprit(rules, line, 0b1111, now=NOW, watch=guard) == 2


def test_three_offences_are_too_many() -> None:
    """A rule goes at its third offence, and the jail only when what all rules share offends."""
    quarantine = Quarantine()
    assert [quarantine.note(2) for _ in range(MOST_OFFENCES)] == [False, False, True]
    assert (quarantine.out, quarantine.is_whole) == (0b100, False)
    assert [quarantine.note(None) for _ in range(MOST_OFFENCES)] == [False, False, True]
    assert quarantine.is_whole


def test_a_crafted_line_costs_itself_and_then_its_rule(tmp_path: Path) -> None:
    """Lines before and after it count, another rule still reads it, and the third such line ends the rule for good."""

    @contextmanager
    def counted(guard: LineGuard, calls: list[int], progress: object) -> Iterator[None]:
        calls.append(1)
        with guard(progress):  # type: ignore[arg-type]
            yield

    async def play() -> None:
        guard, calls = LineGuard(tick=0.02), []  # type: ignore[var-annotated]
        house = MemoryHouse(str(tmp_path / "ledger"))
        house.watch = lambda progress: counted(guard, calls, progress)
        house.jails = (replace(DEMO, filter=FilterSpec("demo", (BAD, GOOD, "^ slow .*b from <HOST>$"))),)
        engine = await house.start()
        for _ in range(MOST_OFFENCES):
            house.log.write(f"{int(NOW)}{LINE}")
            await house.fails("192.0.2.7")
        assert house.held() == {"192.0.2.7", EVE}
        assert "failregex 0 took too long 3 times" in engine.jail_status("demo").health[0]
        trials = len(calls)
        house.log.write(f"{int(NOW)}{LINE}")
        await house.settled()
        assert len(calls) == trials + 1, "the rule is not even tried"
        await engine.change("demo", replace(house.jails[0], filter=FilterSpec("demo", (GOOD,))))
        assert engine.jail_status("demo").health == ()
        await engine.stop()

    asyncio.run(play())
