"""What a jail's actions can prove to people: what they have stopped, and how they stand against an address.

An action is asked beside its work (model.proof): no ban waits until a hundred thousand are counted. It is waited for
only so long, since one that hangs must not make the question hang.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sekisho.engine.api import ActionProof, JailCounts
from sekisho.engine.jail import Jail
from sekisho.model.action import Action, ActionError
from sekisho.model.address import Subject
from sekisho.model.proof import Counting, Provable, Tally

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds that an action is waited for; to count 100,000 bans takes one or two, and five beside an attack."""

_SAMPLE = 3  # bans of a jail that are looked at where nobody is named: the newest


async def counts_of(jail: Jail) -> JailCounts:
    """Return what the jail's enforcers have stopped, and why some of them do not say."""
    found: list[Tally] = []
    silent: dict[str, str] = {}
    for worker in jail.enforcers:
        action = worker.action
        answer = await _ask(action.counted) if isinstance(action, Counting) else "it counts no packets"
        if isinstance(answer, str):
            silent[action.name] = answer
        else:
            found.append(answer)
    return JailCounts(jail.name, tuple(jail.standing), tuple(found), silent)


async def proofs_of(jail: Jail, subject: Subject | None) -> Sequence[ActionProof]:
    """Return how the jail's enforcers stand against `subject`; None: against those whom it has barred last.

    Nothing is returned where the jail does not bar `subject`.
    """
    if subject is None:
        newest = heapq.nlargest(_SAMPLE, jail.standing, key=lambda ban: ban.time)
        subjects: Sequence[Subject] = tuple(dict.fromkeys(ban.target for ban in newest))
    elif any(ban.target.covers(subject) for ban in jail.standing):
        subjects = (subject,)
    else:
        return ()
    return [await _proof_of(jail.name, worker.action, subjects) for worker in jail.enforcers]


async def _proof_of(jail: str, action: Action, subjects: Sequence[Subject]) -> ActionProof:
    if not isinstance(action, Provable):
        return ActionProof(jail, action.name, "it cannot be asked whom it bars")
    return ActionProof(jail, action.name, await _ask(lambda: action.barrier(subjects)))


async def _ask(question: Callable[[], Awaitable[T]]) -> T | str:
    """Return the action's answer, or in words why there is none."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await question()
    except TimeoutError:
        return f"it has not answered within {PATIENCE:g} seconds"
    except ActionError as error:
        return str(error)
