"""A bar for whoever waits at a terminal while a big log is read."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

PATIENCE = 1.0
"""Seconds of reading before a bar is shown: by then it will take a while."""


def with_bar(steps: Iterator[int], total: int | None) -> Iterator[None]:
    """Take the steps, each so many bytes of `total`; once it takes long, a bar on standard error shows how far it is.

    Nothing is shown unless both output and errors go to a terminal: a file or a script wants no bar.
    """
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        for _ in steps:
            yield
        return
    begin, done = time.perf_counter(), 0
    for size in steps:
        yield
        done += size
        if time.perf_counter() - begin >= PATIENCE:
            break
    else:
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    columns = BarColumn(), TaskProgressColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total, completed=done)
        for size in steps:
            yield
            progress.advance(task, size)
