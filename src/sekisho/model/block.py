"""What a source hands to the pipeline: whole lines, and where they end."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from sekisho.model.position import Position


class Phase(enum.Enum):
    """What reading these lines may cause.

    `REFILL`: already judged before this start; they only refill the failure windows. `CATCHUP`: written before the
    source's end was first reached; lines older than findtime are dropped (COMPAT 2.7). `LIVE`: the end has been
    reached once, so lines are as new as the clock says.
    """

    REFILL = "refill"
    CATCHUP = "catchup"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Block:
    r"""Bytes of whole lines from one source.

    `data` ends with a newline. `position` is the position after the last line. For a journal, each line is one entry
    (`HOST IDENT[PID]: MESSAGE`, newlines in the message written as the two characters `\n`, COMPAT 4.4), `stamps`
    holds each line's time (seconds since the epoch), and `channels` each line's bit mask: bit k is set when the entry
    satisfies the k-th journal match of the source. For a file both are None: times are in the lines, and every jail of
    the file sees every line.
    """

    source: str
    data: bytes
    position: Position
    phase: Phase
    stamps: tuple[float, ...] | None = None
    channels: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a source that its administrator should read in the log: a rotation, a missing file, an error."""

    source: str
    level: str  # a level name of COMPAT section 0: "INFO", "WARNING" ...
    text: str


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The source's end has been reached for the first time; what follows is live. `position` is that end, if known."""

    source: str
    position: Position | None = None


SourceEvent = Block | Notice | CaughtUp
