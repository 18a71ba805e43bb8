"""What a verdict looks like in the log: the lines that other programs parse (COMPAT 3.6)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, assert_never

from sekisho.model.verdict import AlreadyBanned, Ban, Cause, Counted, Expired, Ignored, Release, Unban, Verdict

DEBUG, INFO, NOTICE, WARNING = 10, 20, 25, 30

FILTER = "fail2ban.filter"
ACTIONS = "fail2ban.actions"


class Entry(NamedTuple):
    """Log lines of one kind: the logger's name, the level's number (COMPAT section 0), the messages.

    Lines that follow each other share one, since there may be hundreds of thousands of them a second.
    """

    logger: str
    level: int
    texts: Sequence[str]


@lru_cache(maxsize=4096)
def local_time(stamp: float) -> str:
    """Return `YYYY-MM-DD HH:MM:SS` in the process' zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(stamp))


def entry(verdict: Verdict) -> Entry:
    """Return the log line of a verdict."""
    match verdict:
        case Counted(failure):
            text = f"[{failure.jail}] Found {failure.subject.text} - {local_time(failure.time)}"
            return Entry(FILTER, INFO, (text,))
        case Ignored(failure, source):
            return Entry(FILTER, INFO, (f"[{failure.jail}] Ignore {failure.subject} by {source}",))
        case Ban():
            verb = "Restore Ban" if verdict.cause is Cause.RESTORED else "Ban"
            return Entry(ACTIONS, NOTICE, (f"[{verdict.jail}] {verb} {verdict.subject}",))
        case Expired(ban):
            return Entry(ACTIONS, INFO, (f"[{ban.jail}] Ignore {ban.subject}, expired bantime",))
        case AlreadyBanned(ban, standing):
            late = ban.time - standing.time
            level = DEBUG if late < 3 else NOTICE if late < 60 else WARNING
            return Entry(ACTIONS, level, (f"[{ban.jail}] {ban.subject} already banned",))
        case Unban(ban, release):
            verb = "Repeal Ban" if release is Release.STOPPED else "Unban"
            return Entry(ACTIONS, NOTICE, (f"[{ban.jail}] {verb} {ban.subject}",))
        case _:
            assert_never(verdict)
