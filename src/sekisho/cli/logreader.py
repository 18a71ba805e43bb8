"""Lines out of a log that grows: the last ones, and those that come, across rotation; or out of the journal."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from sekisho.cli.logline import Record, make_record, parse_line

_BLOCK = 1 << 16
_PAUSE = 0.2  # seconds between two looks at a file that may have grown
_LONGEST = 1 << 20  # bytes of a line that has no end yet; more is no line of ours
_LEVELS = {0: "CRITICAL", 1: "CRITICAL", 2: "CRITICAL", 3: "ERROR", 4: "WARNING", 5: "NOTICE", 6: "INFO", 7: "DEBUG"}
"""The level for a priority of syslog's (RFC 5424, table 2)."""


class Unreadable(Exception):  # noqa: N818 - named as people would say it
    """The log cannot be read; the text says why."""


def backwards(log: BinaryIO, end: int) -> Iterator[bytes]:
    """Yield the whole lines before `end`, the last first, reading no more than whoever asks needs."""
    rest = b""
    while end > 0:
        start = max(0, end - _BLOCK)
        log.seek(start)
        first, *lines = (log.read(end - start) + rest).split(b"\n")
        yield from (line for line in reversed(lines) if line)
        rest, end = first, start
    if rest:
        yield rest


def follow(path: Path, log: BinaryIO, position: int, wait: Callable[[], object]) -> Iterator[bytes]:
    """Yield the lines that come after `position`; `log` is `path`, opened, until another file takes its place.

    A rotated file is read to its end before the new one is begun; one that was cut is begun anew. `wait` is called
    when nothing new is there.
    """
    rest, is_replaced = b"", False
    try:
        while True:
            log.seek(position)
            chunk = log.read(_BLOCK)
            position += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line for line in lines if line)
            rest = rest if len(rest) < _LONGEST else b""
            if chunk:
                continue
            if is_replaced:
                log.close()
                log, position, rest, is_replaced = path.open("rb"), 0, b"", False
                continue
            try:
                now, was = path.stat(), os.fstat(log.fileno())
            except FileNotFoundError:  # between the two steps of a rotation
                wait()
                continue
            if (now.st_dev, now.st_ino) != (was.st_dev, was.st_ino):
                is_replaced = True  # what came between our last read and the rotation is still to be read
            elif now.st_size < position:
                position, rest = 0, b""
            else:
                wait()
    finally:
        log.close()


def read_file(path: Path, *, number: int, wants: Callable[[Record], bool], goes_on: bool) -> Iterator[Record]:
    """Yield the last `number` wanted records of a file, and those to come if it `goes_on`. Raises Unreadable."""
    try:
        log = path.open("rb")
    except OSError as error:
        hint = "; are you root?" if isinstance(error, PermissionError) else ""
        raise Unreadable(f"cannot read {path}: {error.strerror}{hint}") from None
    with log:
        end = log.seek(0, os.SEEK_END)
        if goes_on:  # a line that is being written is shown when it is whole
            end = _end_of_lines(log, end)
        found = list(islice(filter(wants, map(_record, backwards(log, end))), number))
        yield from reversed(found)
        if goes_on:
            yield from filter(wants, map(_record, follow(path, log, end, lambda: time.sleep(_PAUSE))))


def _end_of_lines(log: BinaryIO, end: int) -> int:
    start = max(0, end - _BLOCK)
    log.seek(start)
    return start + log.read(end - start).rfind(b"\n") + 1


def _record(line: bytes) -> Record:
    return parse_line(line.decode(errors="backslashreplace").rstrip("\r"))


def read_journal(
    match: list[str], *, number: int, since: float | None, wants: Callable[[Record], bool], goes_on: bool
) -> Iterator[Record]:
    """Yield the wanted of the journal's records that `match` (arguments of journalctl). Raises Unreadable."""
    # journalctl counts before we choose, so it is asked for all from `since` on, and we count
    command = ["journalctl", "--quiet", "--no-pager", "--output=json", *match]
    command += [f"--since=@{since:.0f}"] if since is not None else []
    try:
        past = subprocess.Popen([*command, "--reverse"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise Unreadable("the log goes to the journal, and journalctl is not installed") from None
    with past:
        assert past.stdout is not None
        assert past.stderr is not None
        found = list(islice(filter(wants, map(_entry, past.stdout)), number))
        if len(found) < number and (complaint := past.stderr.read().decode(errors="replace").strip()):
            raise Unreadable(f"journalctl: {complaint}")
        past.terminate()
    yield from reversed(found)
    if goes_on:
        with subprocess.Popen([*command, "--follow", "--lines=0"], stdout=subprocess.PIPE) as coming:
            assert coming.stdout is not None
            try:
                yield from filter(wants, map(_entry, coming.stdout))
            finally:
                coming.terminate()


def _entry(text: bytes) -> Record:
    entry = json.loads(text)
    message = entry.get("MESSAGE") or ""
    if isinstance(message, list):  # bytes that are no text come as numbers
        message = bytes(message).decode(errors="replace")
    record = parse_line(message)
    if record.level:  # a service's standard output has the whole line
        return record
    moment = int(entry.get("__REALTIME_TIMESTAMP", 0)) / 1e6
    level = _LEVELS.get(int(entry.get("PRIORITY", 6)), "INFO")
    return make_record(message, moment=moment, level=level, logger=str(entry.get("LOGGER", "")))
