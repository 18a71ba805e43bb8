"""What came of taking over from a Fail2ban, as whoever reports it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class AdoptionError(Exception):
    """The bans could not be taken over; the message is for people."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the bans, in numbers by jail; `by` is who took them over, `nobody` in a dry run.

    `barred` are those in the kernel now, put there without a daemon; `remarks` tell of rows that could not be read, at
    most a thousand of the `unread`; `troubles` are what went wrong in the firewall.
    """

    by: str
    standing: Mapping[str, int]
    past: Mapping[str, int]
    known: Mapping[str, int]
    unread: int
    remarks: tuple[str, ...]
    barred: int = 0
    troubles: tuple[str, ...] = ()
