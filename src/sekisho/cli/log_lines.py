"""What a line of the daemon's log tells, and whether somebody wants to see it. Pure.

A line is what `daemon.logformat` writes by default; one of another format is text and nothing else. Messages hold what
strangers wrote, and an older log may be another program's, so whoever prints a line makes it `printable`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sekisho.model.address import Subject, parse_subject
from sekisho.model.loglevel import LEVELS, SHOWN

_LINE = re.compile(
    r"(?:(?P<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(?P<part>\d{3}) )?"
    r"(?P<logger>[\w.-]+) *\[(?P<pid>\d+)\]: (?P<level>[A-Z]+|\d+) +(?P<text>.*)",
    re.DOTALL,
)
_MESSAGE = re.compile(r"\[(?P<jail>[^\]]+)\] (?P<rest>.*)", re.DOTALL)
_EVENTS = (  # COMPAT 3.6
    ("found", re.compile(r"Found (.+?)(?:, bad)? - \d{4}-")),
    ("ban", re.compile(r"Ban (.+)")),
    ("restore", re.compile(r"Restore Ban (.+)")),
    ("increase", re.compile(r"Increase Ban (.+?) \(")),
    ("unban", re.compile(r"(?:Unban|Repeal Ban) (.+)")),
    ("ignore", re.compile(r"Ignore (.+?)(?: by |, expired bantime)")),
    ("already", re.compile(r"(.+) already banned")),
)
BANS = frozenset({"ban", "restore", "increase", "unban"})
_NUMBERS = {**LEVELS, **{shown: number for number, shown in SHOWN.items()}}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. `stamp` is local time as `YYYY-MM-DD HH:MM:SS`, `part` the milliseconds; what it lacks is empty."""

    text: str
    stamp: str = ""
    part: str = ""
    logger: str = ""
    pid: str = ""
    level: str = ""
    jail: str = ""
    event: str = ""
    address: str = ""

    def __str__(self) -> str:
        when = f"{self.stamp},{self.part} " if self.stamp else ""
        return f"{when}{self.logger:<24}[{self.pid}]: {self.level:<7} {self.text}" if self.logger else when + self.text

    def document(self) -> dict[str, Any]:
        """Return the line for a program; what it lacks is null."""
        time = f"{self.stamp}.{self.part}" if self.stamp else None
        words = {name: getattr(self, name) or None for name in ("logger", "level", "jail", "event", "address")}
        return {"time": time, "pid": int(self.pid) if self.pid else None, **words, "text": self.text}


def parse_line(line: str, *, stamp: str = "", part: str = "") -> LogLine:
    """Return what a line tells; `stamp` and `part` are its time where it names none itself."""
    found = _LINE.fullmatch(line)
    if found is None:
        return with_message(LogLine("", stamp, part), line)
    own = found["stamp"] or stamp
    head = LogLine("", own, found["part"] or part, found["logger"], found["pid"], found["level"])
    return with_message(head, found["text"])


def with_message(head: LogLine, text: str) -> LogLine:
    """Return the line with a message, and what that tells of jail, event and address."""
    said = _MESSAGE.fullmatch(text)
    jail, rest = (said["jail"], said["rest"]) if said else ("", text)
    event, address = "", ""
    for name, pattern in _EVENTS if said else ():
        if who := pattern.match(rest):
            event, address = name, who[1]
            break
    return LogLine(text, head.stamp, head.part, head.logger, head.pid, head.level, jail, event, address)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to see; what is left as it is wants everything."""

    jail: str = ""
    subject: Subject | None = None
    events: frozenset[str] = frozenset()
    level: int = 0
    since: str = ""

    @property
    def hint(self) -> str:
        """What a line must contain: most lines need not be looked at more closely.

        With `since` there is none, for every line tells whether the search is over.
        """
        if self.since:
            return ""
        return f"[{self.jail}]" if self.jail else self.subject.text if self.subject and self.subject.is_single else ""

    def admits(self, line: LogLine) -> bool:
        """Tell whether the line is wanted."""
        return (
            (not self.jail or line.jail == self.jail)
            and (not self.events or line.event in self.events)
            and (not self.level or level_number(line.level) >= self.level)
            and (not self.since or line.stamp >= self.since)
            and (self.subject is None or _concerns(line, self.subject))
        )

    def ends_before(self, line: LogLine) -> bool:
        """Tell whether the line is so old that those before it are too."""
        return bool(self.since and line.stamp and line.stamp < self.since)


def level_number(name: str) -> int:
    """Return how grave a level is as a line shows it (`TRACE`, `33`); 0 where a line shows none."""
    return _NUMBERS.get(name) or (int(name) if name.isdigit() else 0)


def _concerns(line: LogLine, subject: Subject) -> bool:
    """Tell whether a line is about the subject: its event's address, or an error that names it."""
    if line.address:
        return subject.covers(parse_subject(line.address))
    return re.search(rf"(?<![\w.:]){re.escape(subject.text)}(?![\w/]|[.:]\w)", line.text) is not None


STYLES: Mapping[str, str] = {
    "ban": "bold red", "restore": "red", "increase": "bold red", "unban": "green", "found": "yellow", "ignore": "dim",
    "WARNING": "yellow", "ERROR": "bold red", "CRITICAL": "bold red",
}  # fmt: skip
"""How a terminal shows events and levels."""
