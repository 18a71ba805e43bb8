"""Tests of enforce.runner."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tests.support.namespace import wait_until

from sekisho.enforce.render import Script
from sekisho.enforce.runner import NOT_STARTED, Outcome, Runner


def run(text: str, *, limit: float = 20, environment: dict[str, str] | None = None) -> Outcome:
    """How a script ends."""

    async def play() -> Outcome:
        return await Runner().run(Script(text, environment or {}), limit=limit)

    return asyncio.run(play())


def test_success_is_exit_status_zero() -> None:
    """Output is kept, the status is told, and no command at all is a success."""
    assert run("echo out; echo err >&2") == Outcome(0, "out\n", "err\n")
    assert run("echo broken >&2; exit 3") == Outcome(3, "", "broken\n")
    assert str(run("echo broken >&2; exit 3")) == "returned 3: 'broken'"
    assert run("  \n ") == Outcome(0)
    assert not run("kill -9 $$").is_success


def test_values_come_by_the_environment() -> None:
    """A variable's text is expanded, never obeyed."""
    assert run('printf %s "$f2bV_x"', environment={"f2bV_x": "$(id)`id`;\n"}).stdout == "$(id)`id`;\n"


def test_a_script_that_overstays_is_ended_with_everything_it_started(tmp_path: Path) -> None:
    """The shell and its child ignore TERM; both are gone soon after the limit."""
    pids = tmp_path / "pids"
    text = (
        f"trap '' TERM; sh -c 'trap \"\" TERM; echo $$ >> {pids}; while :; do sleep 1; done' & echo $$ >> {pids}; wait"
    )
    outcome = run(text, limit=0.3)
    assert outcome.timed_out
    assert not outcome.is_success
    assert str(outcome) == "timed out"
    numbers = [int(line) for line in pids.read_text().split()]
    assert len(numbers) == 2
    wait_until(lambda: not any(map(is_alive, numbers)), "the end of both")


def is_alive(number: int) -> bool:
    """Tell whether a process runs; one that waits to be buried does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_endless_output_neither_blocks_nor_fills_the_memory() -> None:
    """A megabyte is read to its end, and only the beginning is kept."""
    outcome = run("head -c 1000000 /dev/zero | tr '\\0' x; echo done >&2")
    assert outcome.is_success
    assert len(outcome.stdout) == 65536
    assert outcome.stderr == "done\n"


def test_a_child_left_behind_does_not_hold_us_up() -> None:
    """A script puts something in the background and ends: its end counts, though the child holds the pipes."""
    outcome = run("echo begun; sleep 30 & echo $!")
    assert outcome.is_success
    begun, number = outcome.stdout.split()
    assert begun == "begun"
    os.kill(int(number), 9)


def test_what_cannot_be_started_is_an_outcome() -> None:
    """A text that is too long for the kernel, or that holds a NUL, fails like a command that failed."""
    assert run("true " + "x" * 3_000_000).status == NOT_STARTED
    assert run("true \0").status == NOT_STARTED


def test_no_more_than_so_many_run_at_once(tmp_path: Path) -> None:
    """Of six scripts two run at a time; each sees at most one other."""

    async def play() -> list[Outcome]:
        runner = Runner(at_once=2, patience=60)
        text = f"mkdir {tmp_path}/$f2bV_n; ls {tmp_path} | wc -l; rmdir {tmp_path}/$f2bV_n"
        return await asyncio.gather(*(runner.run(Script(text, {"f2bV_n": str(n)}), limit=20) for n in range(6)))

    assert {int(outcome.stdout) for outcome in asyncio.run(play())} <= {1, 2}


def test_one_that_hangs_keeps_nobody_waiting(tmp_path: Path) -> None:
    """There is one place, and a script that never ends: it gives the place up, and the next one runs beside it."""

    async def play() -> Outcome:
        runner = Runner(at_once=1, patience=0.01)
        hanging = asyncio.create_task(runner.run(Script(f"touch {tmp_path}/begun; exec sleep 60"), limit=90))
        while not (tmp_path / "begun").exists():  # noqa: ASYNC110 - a shell cannot set an event
            await asyncio.sleep(0)
        outcomes = [await runner.run(Script(f"echo {number}"), limit=20) for number in range(3)]
        assert not hanging.done()
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
        assert [outcome.stdout for outcome in outcomes] == ["0\n", "1\n", "2\n"]
        return await runner.run(Script("echo after"), limit=20)  # the place was given up once, not twice

    assert asyncio.run(play()).stdout == "after\n"


def test_a_cancelled_script_is_ended(tmp_path: Path) -> None:
    """Whoever no longer waits for a script leaves none behind."""
    mark = tmp_path / "pid"

    async def play() -> None:
        task = asyncio.create_task(
            Runner().run(Script(f"echo $$ > {mark}.new; mv {mark}.new {mark}; sleep 20"), limit=90)
        )
        while not mark.exists():  # noqa: ASYNC110 - a shell cannot set an event
            await asyncio.sleep(0)  # the condition is a file that a shell writes
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(play())
    wait_until(lambda: not is_alive(int(mark.read_text())), "the end of the script")
