"""Rules that take too long: which one it was, and when it has to go.

An expression that backtracks can be made to run for years by one crafted line, and Python's `re` has no limit of its
own. So a guard (`Watch`, made in `daemon/guard.py`) interrupts a line that makes no progress. The line is then tried
again rule by rule, under the same guard, to find the one that is to blame: it is skipped for this line, and after
`MOST_OFFENCES` it is tried no more until the jail's rules are loaded anew. Where the blame cannot be laid on one
failregex (prefregex, the date, a filter that joins lines), the whole jail goes, since a blind jail that says so is
better than a daemon that stands still for all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from sekisho.match.filter import CompiledFilter
from sekisho.match.matcher import Matcher

MOST_OFFENCES = 3

Watch = Callable[[Callable[[], int]], AbstractContextManager[None]]
"""Makes a context in which Overrun is raised when the number that the callable returns stands still for too long."""


class Overrun(Exception):  # noqa: N818 - raised from a timer into the midst of a line, and always caught
    """The line at hand takes too long."""


@dataclass(slots=True)
class Quarantine:
    """One jail's offences. `out` has bit k set when rule k is tried no more; `is_whole` when none is.

    `health` says so to people, a sentence each. It all ends when the jail's rules are loaded anew.
    """

    out: int = 0
    is_whole: bool = False
    health: tuple[str, ...] = ()
    _offences: dict[int | None, int] = field(default_factory=dict)

    def note(self, rule: int | None) -> bool:
        """Count an offence of a rule (None: of what all rules share); True when it was one too many."""
        self._offences[rule] = self._offences.get(rule, 0) + 1
        if self._offences[rule] < MOST_OFFENCES:
            return False
        if rule is None:
            self.is_whole = True
        else:
            self.out |= 1 << rule
        what = f"{name_of(rule)} took too long {MOST_OFFENCES} times and is tried no more until the rules change"
        self.health = (*self.health, what)
        return True


def name_of(rule: int | None) -> str:
    """Return what a rule is called in the log."""
    return "what all its rules share (prefregex, dates)" if rule is None else f"failregex {rule}"


def find_culprit(compiled: CompiledFilter, line: str, mask: int, *, now: float, watch: Watch) -> int | None:
    """Return the number of the rule that takes too long on `line`; None when it is what all rules share, or unclear.

    A single suspect is not tried: a trial that overruns costs all jails what the line itself cost them.
    """
    if compiled.maxlines > 1 or _overruns(compiled, line, 0, now=now, watch=watch):
        return None
    suspects = [number for number in range(len(compiled.numbered)) if mask >> number & 1]
    if len(suspects) == 1:
        return suspects[0]
    return next((rule for rule in suspects if _overruns(compiled, line, 1 << rule, now=now, watch=watch)), None)


def _overruns(compiled: CompiledFilter, line: str, mask: int, *, now: float, watch: Watch) -> bool:
    trial = Matcher(compiled, jail="")
    try:
        with watch(lambda: 0):
            trial.examine(line, now=now, mask=mask)
    except Overrun:
        return True
    return False
