"""Failures of which `ignorecommand` has to be asked before they are judged (COMPAT 1.9).

A command may take as long as it likes, and lines keep coming. So each failure in doubt waits beside the reading, in the
order of its subject's lines, while everybody else's are judged. Who waits is bounded: beyond `MOST_DOUBTS` in a jail, a
failure counts unasked, since a crowd must not hide behind a slow command; the jail's health says so.

A failure in doubt is in memory only. One that is still waiting when the daemon dies is lost, as one whose command was
never asked: its line has been read.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable

from sekisho.engine.jail import Jail
from sekisho.model.specs import IgnoreCommandSpec
from sekisho.model.verdict import Failure

MOST_DOUBTS = 1000
"""Failures that wait in one jail, of as many strangers as like to send them."""

Ask = Callable[[IgnoreCommandSpec, Failure], Awaitable[bool]]
Then = Callable[[Jail, Failure, bool], None]
"""What follows: the jail, the failure, and whether the command exempts it."""

_TROUBLE = "ignorecommand is too slow: failures beyond the first {} that wait for it counted without being asked"


class Doubts:
    """The failures in doubt of all jails. `settle` is called when something has followed."""

    def __init__(self, ask: Ask, then: Then, settle: Callable[[], None]) -> None:
        self._ask = ask
        self._then = then
        self._settle = settle
        self._waiting: dict[Jail, dict[str, deque[Failure]]] = {}  # by subject, in the order of their lines
        self._numbers: Counter[Jail] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, jail: Jail, failure: Failure) -> None:
        """Let a failure be judged once the command has been asked about it."""
        waiting = self._waiting.setdefault(jail, {})
        subject = failure.subject.text
        if self._numbers[jail] >= MOST_DOUBTS:
            jail.troubles["ignorecommand"] = _TROUBLE.format(MOST_DOUBTS)
            self._then(jail, failure, False)
            return
        self._numbers[jail] += 1
        if subject in waiting:
            waiting[subject].append(failure)
        else:
            waiting[subject] = deque([failure])
            task = asyncio.create_task(self._resolve(jail, subject), name=f"ignorecommand about {subject}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def __len__(self) -> int:
        return len(self._tasks)

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _resolve(self, jail: Jail, subject: str) -> None:
        queue = self._waiting[jail][subject]
        try:
            while queue:
                failure = queue[0]
                is_exempt = await self._ask(jail.spec.ignorecommand, failure)
                queue.popleft()
                self._numbers[jail] -= 1
                self._then(jail, failure, is_exempt)
                self._settle()
        finally:
            self._numbers[jail] -= len(queue)
            del self._waiting[jail][subject]
            if not self._waiting[jail]:
                del self._waiting[jail], self._numbers[jail]
