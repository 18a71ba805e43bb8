"""Which of an action's failures the log tells: each trouble once, however many bans it costs.

A firewall that refuses everything refuses ten thousand bans of an attack, and each of them again whenever it is offered
again. So the failures of one call that have one reason share a line, and a reason that has been told is not told again
before the trouble is over. What can never be carried out (`is_final`) is no trouble that ends: its reason is told once.
"""

from __future__ import annotations

from collections.abc import Sequence

from sekisho.model.action import Failed

MOST_TOLD = 20
"""Reasons told of one trouble: a command's complaint may name a process or the time, and differ whenever it is made."""


class Complaints:
    """What the log was told of one action's failures at one kind of work; `failures` counts them for this trouble."""

    def __init__(self) -> None:
        self.failures = 0
        self._told: set[str] = set()
        self._told_for_good: set[str] = set()

    def untold(self, failed: Sequence[Failed]) -> list[str]:
        """Note the failures of one call, and return what is new of them: `WHO[ and N more]: REASON`."""
        fresh: dict[str, list[Failed]] = {}
        for failure in failed:
            told = self._told_for_good if failure.is_final else self._told
            if failure.reason in fresh:
                fresh[failure.reason].append(failure)
            elif failure.reason not in told and len(told) < MOST_TOLD:
                told.add(failure.reason)
                fresh[failure.reason] = [failure]
            self.failures += not failure.is_final
        return [f"{_who(failures)}: {reason}" for reason, failures in fresh.items()]

    def end(self) -> int:
        """Let the trouble be over, and return how many failures it has cost; 0 where there was none."""
        failures, self.failures = self.failures, 0
        self._told.clear()
        return failures


def _who(failures: Sequence[Failed]) -> str:
    first = str(failures[0].ban.subject)
    return first if len(failures) == 1 else f"{first} and {len(failures) - 1} more"
