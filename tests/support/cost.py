"""What work costs this process, and whether it grows faster than what it works on."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def cpu_seconds(work: Callable[[], object], *, runs: int = 1) -> float:
    """Seconds of this process for `work`, the fewest of some runs.

    Garbage is not collected meanwhile: a collection goes through all that the tests before have left in memory.
    """
    best = float("inf")
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(runs):
            begin = time.process_time()
            work()
            best = min(best, time.process_time() - begin)
    finally:
        if was_enabled:
            gc.enable()
    return best


def outgrows(work: Callable[[_T], object], few: _T, many: _T, *, most: float, nothing: float) -> bool:
    """True when `many` costs more than `most` times what `few` does, and more than `nothing`, each time it is tried.

    `nothing`: seconds that are too few to tell anything.
    """
    return all(
        cpu_seconds(lambda: work(many), runs=3) > max(nothing, most * cpu_seconds(lambda: work(few), runs=3))
        for _ in range(3)
    )
