"""What a verdict looks like in the log: the lines that other programs parse (COMPAT 3.6)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple, assert_never

from sekisho.model.duration import Seconds, render_duration
from sekisho.model.verdict import (
    AlreadyBanned,
    Ban,
    Counted,
    Expired,
    History,
    Ignored,
    KnownBad,
    Unban,
    Verdict,
)

DEBUG, INFO, NOTICE, WARNING = 10, 20, 25, 30

FILTER = "fail2ban.filter"
ACTIONS = "fail2ban.actions"
OBSERVER = "fail2ban.observer"


class Entry(NamedTuple):
    """Log lines of one kind: the logger's name, the level's number (COMPAT section 0), the messages.

    Lines that follow each other share one, since there may be hundreds of thousands of them a second.
    """

    logger: str
    level: int
    texts: tuple[str, ...] | list[str]


@lru_cache(maxsize=4096)
def local_time(stamp: float) -> str:
    """Return `YYYY-MM-DD HH:MM:SS` in the process' zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(stamp))


def restored(jail: str, bans: Sequence[Ban]) -> Entry:
    """Return the log lines of bans that a start puts in force again."""
    return Entry(ACTIONS, NOTICE, [f"[{jail}] Restore Ban {ban.subject.text}" for ban in bans])


def repealed(jail: str, bans: Iterable[Ban]) -> Entry:
    """Return the log lines of bans that a stop lifts for the time being."""
    return Entry(ACTIONS, NOTICE, [f"[{jail}] Repeal Ban {ban.subject.text}" for ban in bans])


def lengthened(ban: Ban, before: History, plain: Seconds) -> tuple[Entry, Entry]:
    """Return the log lines of a ban that its history made longer than `plain` (COMPAT 3.5, 3.6)."""
    who, length = f"[{ban.jail}] IP {ban.subject}", render_duration(ban.duration)
    why = f"{before.count} # last {local_time(before.last)} - incr {render_duration(plain)} to {length}"
    end = local_time(ban.time + ban.duration)
    return (
        Entry(OBSERVER, INFO, (f"{who} is bad: {why}",)),
        Entry(OBSERVER, NOTICE, (f"[{ban.jail}] Increase Ban {ban.subject} ({ban.count} # {length} -> {end})",)),
    )


def entry(verdict: Verdict) -> Entry:  # noqa: PLR0911 - a row for each verdict
    """Return the log line of a verdict."""
    match verdict:
        case Counted(failure):
            text = f"[{failure.jail}] Found {failure.subject.text} - {local_time(failure.time)}"
            return Entry(FILTER, INFO, (text,))
        case KnownBad(failure, count, weight, bans):
            text = f"[{failure.jail}] Found {failure.subject}, bad - {local_time(failure.time)}, {count} # -> {weight}"
            return Entry(OBSERVER, INFO, (f"{text}, Ban" if bans else text,))
        case Ignored(failure, source):
            return Entry(FILTER, INFO, (f"[{failure.jail}] Ignore {failure.subject} by {source}",))
        case Ban():
            return Entry(ACTIONS, NOTICE, (f"[{verdict.jail}] Ban {verdict.subject}",))
        case Expired(ban):
            return Entry(ACTIONS, INFO, (f"[{ban.jail}] Ignore {ban.subject}, expired bantime",))
        case AlreadyBanned(ban, standing):
            late = ban.time - standing.time
            level = DEBUG if late < 3 else NOTICE if late < 60 else WARNING
            return Entry(ACTIONS, level, (f"[{ban.jail}] {ban.subject} already banned",))
        case Unban(ban):
            return Entry(ACTIONS, NOTICE, (f"[{ban.jail}] Unban {ban.subject}",))
        case _:
            assert_never(verdict)
