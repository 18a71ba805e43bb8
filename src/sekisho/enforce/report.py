"""How the end of a command is told in the log, as Fail2ban tells it (COMPAT 3.6)."""

from __future__ import annotations

import logging

from sekisho.enforce.render import Script
from sekisho.enforce.runner import Outcome

_UTILS = logging.getLogger("fail2ban.utils")


def report(script: Script, outcome: Outcome, limit: float, *, expected: frozenset[int] = frozenset({0})) -> None:
    """Log a command: an error in full, an end with one of the `expected` statuses only for who debugs.

    What a command printed is shown quoted, so that it cannot forge a line of this log.
    """
    if not script.text.strip():
        return
    is_well = outcome.status in expected and not outcome.timed_out
    level = logging.DEBUG if is_well else logging.ERROR
    if not _UTILS.isEnabledFor(level):
        return
    mark = f"{id(script):x}"
    _UTILS.log(level, "%s -- exec: %s", mark, script.text)
    for name, text in (("stdout", outcome.stdout), ("stderr", outcome.stderr)):
        for line in text.splitlines()[:50]:
            _UTILS.log(level, "%s -- %s: %r", mark, name, line[:1000])
    if outcome.timed_out:
        _UTILS.log(level, "%s -- timed out after %g seconds.", mark, limit)
    if outcome.status < 0:
        _UTILS.log(level, "%s -- killed with signal %d (return code: %d)", mark, -outcome.status, outcome.status)
    else:
        _UTILS.log(level, "%s -- returned %d", mark, outcome.status)
