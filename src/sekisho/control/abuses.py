"""What peers do wrong: counted by kind, and logged once a kind and minute, so that nobody can fill the log."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

log = logging.getLogger("fail2ban.server")

_QUIET = 60.0  # seconds between two log lines on the same kind


class Abuses:
    """The counts; `clock` tells seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._reported: dict[str, float] = {}

    def report(self, kind: str, detail: object) -> None:
        """Count an abuse, and log it unless one of its kind (up to the colon) was logged just now."""
        key, now = kind.partition(":")[0], self._clock()
        self.counts[key] += 1
        if now - self._reported.get(key, -_QUIET) < _QUIET:
            return
        self._reported[key] = now
        log.warning("Control socket: %s (%s; %d so far)", kind, detail, self.counts[key])
