"""Asks the administrator's `ignorecommand` whether somebody is never to be banned (COMPAT 1.9).

The command has the tags of an action; whatever a stranger wrote reaches it in the environment only. Exit status 0 says
yes, 1 says no, and anything else, a command that overstays included, is an error in the log and means no: a broken
command must not open the door.

With `ignorecache`, an answer is kept under the cache's key, tags filled in, and one question asked by many is asked
once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sekisho.enforce.render import RenderError, Script, parse_ticket, render
from sekisho.enforce.report import report
from sekisho.enforce.runner import Runner
from sekisho.model.specs import IgnoreCommandSpec
from sekisho.model.verdict import Ban, Failure

_LIMIT = 60.0  # seconds, as for a command of an action (COMPAT 5.1)
_ANSWERS = frozenset({0, 1})

_Key = tuple[str, str, tuple[tuple[str, str], ...]]


class IgnoreCommands:
    """The commands of all jails, and the answers that are remembered. Used from one event loop."""

    def __init__(self, runner: Runner, *, clock: Callable[[], float], limit: float = _LIMIT) -> None:
        self._runner = runner
        self._clock = clock
        self._limit = limit
        self._kept: dict[str, dict[_Key, tuple[float, bool]]] = {}  # by jail; until when, what; the oldest first
        self._asking: dict[_Key, asyncio.Task[bool]] = {}

    async def ignores(self, spec: IgnoreCommandSpec, failure: Failure) -> bool:
        """Return whether the command exempts whom `failure` concerns. Never raises for what the command does."""
        ticket = parse_ticket(_as_ban(failure))
        try:
            script = render(spec.command, {}, ticket)
            key = _key_of(failure.jail, render(spec.cache.key, {}, ticket)) if spec.cache else None
        except RenderError:  # tags without properties refer to nothing; a command that is one is run as it stands
            return False
        if key is None or spec.cache is None:
            return await self._ask(script)
        kept = self._kept.setdefault(failure.jail, {})
        known = kept.get(key)
        if known is not None and self._clock() < known[0]:
            return known[1]
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(script))
        try:
            answer = await asyncio.shield(task)
        finally:
            if task.done():
                self._asking.pop(key, None)
        kept.pop(key, None)
        kept[key] = (self._clock() + spec.cache.seconds, answer)
        while len(kept) > spec.cache.most:
            del kept[next(iter(kept))]
        return answer

    async def _ask(self, script: Script) -> bool:
        outcome = await self._runner.run(script, limit=self._limit)
        report(script, outcome, self._limit, expected=_ANSWERS)
        return outcome.is_success


def _key_of(jail: str, key: Script) -> _Key:
    return jail, key.text, tuple(sorted(key.environment.items()))


def _as_ban(failure: Failure) -> Ban:
    """The failure as the ticket of a ban that might come of it."""
    return Ban(
        failure.jail,
        failure.subject,
        failure.time,
        0,
        failures=1,
        matches=failure.matches,
        captured=failure.captured,
        address=failure.address,
    )
