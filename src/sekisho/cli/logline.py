"""One line of the server's log as a record, and which records somebody wants to see. Pure.

The lines are Fail2ban's (COMPAT 3.6), and a `logtarget` may leave away the stamp, the padding or all of the prefix.
Much in them was written by strangers; whoever shows a message makes it `printable`.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from sekisho.model.address import parse_subject
from sekisho.model.loglevel import LEVELS, SHOWN

_LINE = re.compile(
    r"(?:(?P<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:,(?P<milli>\d{3}))? +)?"
    r"(?P<logger>fail2ban[\w.]*) *\[\d+\]: (?P<level>[A-Z]+) +(?P<message>.*)",
    re.DOTALL,
)
_JAIL = re.compile(r"\[(?P<jail>[^\]\s]+)\] (?P<rest>.*)", re.DOTALL)
_NAMED = re.compile(r"[Jj]ail '(?P<jail>[^']+)'")
_EVENTS = (
    ("found", re.compile(r"Found (?P<who>\S+)")),
    ("ignore", re.compile(r"Ignore (?P<who>[^\s,]+)")),
    ("restore", re.compile(r"Restore Ban (?P<who>\S+)")),
    ("increase", re.compile(r"Increase Ban (?P<who>\S+)")),
    ("ban", re.compile(r"Ban (?P<who>\S+)")),
    ("unban", re.compile(r"Unban (?P<who>\S+)")),
    ("attempt", re.compile(r"Attempt (?P<who>\S+)")),
    ("already", re.compile(r"(?P<who>\S+) already banned")),
)
EVENTS = tuple(name for name, _ in _EVENTS)
NUMBERS = {name: number for number, name in SHOWN.items()} | dict(LEVELS)


@dataclass(frozen=True, slots=True)
class Record:
    """A line of the log. `time` None, and `level` and `logger` empty, where the line does not say; so the others."""

    message: str
    time: float | None = None
    level: str = ""
    logger: str = ""
    jail: str = ""
    event: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records are shown. Empty fields want any; `level` is the least, `since` the earliest."""

    jail: str = ""
    address: str = ""
    events: frozenset[str] = frozenset()
    level: int = 0
    since: float | None = None

    def admits(self, record: Record) -> bool:
        """Return whether the record is one to show."""
        return (
            (not self.jail or record.jail == self.jail)
            and (not self.events or record.event in self.events)
            and (not self.level or NUMBERS.get(record.level, 0) >= self.level)
            and (self.since is None or (record.time is not None and record.time >= self.since))
            and (not self.address or self._concerns(record))
        )

    def _concerns(self, record: Record) -> bool:
        if not record.address:
            return False
        ours, theirs = parse_subject(self.address), parse_subject(record.address)
        return ours.covers(theirs) or theirs.covers(ours)


def parse_line(line: str) -> Record:
    """Return what a line of a file says."""
    found = _LINE.fullmatch(line)
    if found is None:
        return Record(line)
    moment = None
    if found["stamp"]:
        try:
            moment = time.mktime(time.strptime(found["stamp"], "%Y-%m-%d %H:%M:%S")) + int(found["milli"] or 0) / 1000
        except (ValueError, OverflowError):  # it looks like a stamp, and is none
            return Record(line)
    return make_record(found["message"], moment=moment, level=found["level"], logger=found["logger"])


def make_record(message: str, *, moment: float | None, level: str, logger: str) -> Record:
    """Return the record of a message, with the jail, the event and whom it concerns, where it tells."""
    named = _JAIL.fullmatch(message)
    if named is None:
        other = _NAMED.search(message)
        return Record(message, moment, level, logger, other["jail"] if other else "")
    for event, pattern in _EVENTS:
        if found := pattern.match(named["rest"]):
            return Record(message, moment, level, logger, named["jail"], event, found["who"].rstrip(","))
    return Record(message, moment, level, logger, named["jail"])
