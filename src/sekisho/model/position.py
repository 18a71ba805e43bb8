"""How far a source has been read; the ledger stores it in the transaction of what the bytes before it caused."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FilePosition:
    """A byte offset in one incarnation of a log file.

    `inode` and `head` (SHA-1 in hex of the first complete line with its newline, empty while there is none; COMPAT 4.2)
    tell this incarnation from the one that a rotation puts in its place.
    """

    offset: int
    inode: int
    head: str


@dataclass(frozen=True, slots=True)
class JournalPosition:
    """The last journal entry taken: its opaque cursor and its realtime stamp in seconds since the epoch."""

    cursor: str
    realtime: float


Position = FilePosition | JournalPosition
