"""How far a fail2ban-regex has come in a big log: a bar on a terminal, and nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sekisho.cli.regex_lines import Log, LogFile

BIG = 32 << 20
"""Bytes from which a log takes so long that somebody wonders."""


@contextmanager
def progress_of(log: Log) -> Iterator[Callable[[int], None]]:
    """Shows how many bytes of a log are done with, as told; nothing where nobody looks or it is over at once."""
    size = log.path.stat().st_size if isinstance(log, LogFile) and sys.stderr.isatty() else 0
    if size < BIG:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    columns = (BarColumn(), TaskProgressColumn(), DownloadColumn(binary_units=True), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=size)
        yield lambda count: progress.advance(task, count)
