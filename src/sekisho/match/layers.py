"""What a filter's `logformat` says, and what it leaves of a line: the wrappings that come off, the record that is left.

`docker` is a line of Docker's json-file driver, `{"log": ..., "stream": ..., "time": ...}`; what is in `log` is the
next layer's line. `syslog` is `DATE HOST IDENT[PID]: ` in front. The journal puts `HOST IDENT[PID]: ` in front of every
entry, so that comes off by itself there.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sekisho.match.record import Record, Refused, parse_json, parse_logfmt, plain


class Kind(enum.Enum):
    """What a line is when all wrappings are off."""

    TEXT = "text"
    JSON = "json"
    LOGFMT = "logfmt"


@dataclass(frozen=True, slots=True)
class Layers:
    """What comes off a line, and what is left."""

    docker: bool
    syslog: bool
    kind: Kind


FORMATS: Mapping[str, Layers] = {
    "json": Layers(docker=False, syslog=False, kind=Kind.JSON),
    "logfmt": Layers(docker=False, syslog=False, kind=Kind.LOGFMT),
    "docker": Layers(docker=True, syslog=False, kind=Kind.TEXT),
    "docker json": Layers(docker=True, syslog=False, kind=Kind.JSON),
    "docker logfmt": Layers(docker=True, syslog=False, kind=Kind.LOGFMT),
    "syslog json": Layers(docker=False, syslog=True, kind=Kind.JSON),
    "syslog logfmt": Layers(docker=False, syslog=True, kind=Kind.LOGFMT),
}
"""Every `logformat` there is."""


def parse_logformat(text: str) -> Layers:
    """The layers that `logformat` names. Raises ValueError, which names those that there are."""
    found = FORMATS.get(" ".join(text.lower().split()))
    if found is None:
        raise ValueError(f"logformat is {text!r}; known are {', '.join(map(repr, FORMATS))}, and none for plain lines")
    return found


@dataclass(frozen=True, slots=True)
class Peeled:
    """What is left of a line: `text`, and the `record` that it is, None for plain text. `time` as Docker wrote it.

    `stamp` is the instant (seconds since the epoch) that syslog's date says.
    """

    text: str
    record: Record | None = None
    time: str | None = None
    stamp: float | None = None


_PARSERS: Mapping[Kind, Callable[[str], Record | Refused]] = {Kind.JSON: parse_json, Kind.LOGFMT: parse_logfmt}

_PREFIX = re.compile(
    r'(?:[^\s="{]*[^\s=":{] )?'  # a host; a word that ends in a colon is none
    r'[^\s=":\[{]+(?:\[[^\]\s]{0,32}\])?:'
    r"(?: \[ *\d+\.\d{6}\])? +"  # a kernel's uptime
)

DateOf = Callable[[str], tuple[int, float | None] | None]
"""Finds the date at the start of a line: where it ends, and its instant."""


def peel_line(line: str, layers: Layers, date_of: DateOf) -> Peeled | Refused:
    """What is left of a file's line."""
    if layers.docker:
        return _peel_docker(line, layers)
    if not layers.syslog:
        return _peeled(line, layers)
    date = date_of(line)
    if date is None:
        return Refused("no date of syslog stands in front")
    end, stamp = date
    rest = line[end:].lstrip(" ")
    prefix = _PREFIX.match(rest)
    if prefix is None:
        return Refused("no `HOST IDENT[PID]: ` of syslog stands behind the date")
    return _peeled(rest[prefix.end() :], layers, stamp=stamp)


def peel_entry(line: str, layers: Layers) -> Peeled | Refused:
    """What is left of a journal entry's line."""
    if layers.docker:
        return Refused("logformat names docker, and the journal's entries are no lines of Docker's files")
    prefix = None if line.startswith("{") else _PREFIX.match(line)
    return _peeled(line[prefix.end() :] if prefix else line, layers)


def _peel_docker(line: str, layers: Layers) -> Peeled | Refused:
    wrapped = parse_json(line)
    if isinstance(wrapped, Refused):
        return wrapped
    text, time = wrapped.get("log"), wrapped.get("time")
    if type(text) is not str:
        return Refused("it is no line of Docker's: it has no `log` that is text")
    return _peeled(text.removesuffix("\n").removesuffix("\r"), layers, time=time if type(time) is str else None)


def _peeled(text: str, layers: Layers, *, time: str | None = None, stamp: float | None = None) -> Peeled | Refused:
    if layers.kind is Kind.TEXT:
        return Peeled(plain(text), None, time, stamp)
    record = _PARSERS[layers.kind](text)
    return record if isinstance(record, Refused) else Peeled(text, record, time, stamp)
