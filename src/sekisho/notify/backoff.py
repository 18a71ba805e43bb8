"""How long to wait before trying again. Pure: nobody waits here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from `first` to `longest` seconds, and a letter is worth trying for `patience` seconds."""

    first: float = 5.0
    longest: float = 300.0
    patience: float = 3600.0  # a mail server's restart, an uplink that is down; an older ban is no news

    def pause(self, failures: int, *, since: float, now: float) -> float | None:
        """Return the seconds to wait after the `failures`-th failure in a row; None: give up.

        `since` is when the letter was written, on the same clock as `now`.
        """
        wait = min(self.first * 2 ** min(failures - 1, 30), self.longest)
        return wait if now + wait <= since + self.patience else None
