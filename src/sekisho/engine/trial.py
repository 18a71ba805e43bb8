"""A configuration on trial: applied, and taken back unless somebody confirms it in time.

Whoever applied it may be the one that it cuts off. So the time is the daemon's, by a clock that nobody sets, it begins
before the first change, and what ran before is kept as values: the files are not asked again. A trial lives in memory:
a daemon that is started anew reads the files as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from sekisho.engine.api import Refused, Reload, Reloaded, TrialStatus
from sekisho.engine.configured import Configured
from sekisho.engine.pipeline import Pipeline
from sekisho.model.address import Subject
from sekisho.model.duration import Seconds
from sekisho.model.problem import Problem, Severity
from sekisho.model.specs import Configuration, JailSpec, ServerSpec
from sekisho.model.verdict import Cause, Release, Unban

log = logging.getLogger("fail2ban.server")


@dataclass(frozen=True, slots=True)
class _Before:
    """What ran before: the files' word, what was made of it by hand, and whom each jail had banned."""

    configuration: Configuration
    server: ServerSpec
    jails: Mapping[str, JailSpec]
    banned: Mapping[str, frozenset[Subject]]


class Trial:
    """At most one trial at a time. `turn` lets changes take turns; it raises Refused when the daemon is ending."""

    def __init__(
        self, configured: Configured, pipeline: Pipeline, turn: Callable[[], AbstractAsyncContextManager[None]]
    ) -> None:
        self._configured = configured
        self._pipeline = pipeline
        self._turn = turn
        self._before: _Before | None = None
        self._timer: asyncio.Task[None] | None = None
        self.status = TrialStatus()

    async def begin(self, seconds: Seconds) -> Reloaded:
        """Apply what the files say now, until the seconds are over; what it comes to. It is the caller's turn.

        Raises Refused, and changes nothing, when the tree cannot be used, or another trial is under way.
        """
        if self.status.until is not None:
            raise Refused(f"A configuration is on trial already, until {_moment(self.status.until)}")
        jails = self._configured.jails
        self._before = _Before(
            self._configured.configuration,
            self._configured.settings.spec,
            {name: jail.spec for name, jail in jails.items()},
            {name: frozenset(ban.subject for ban in jail.standing) for name, jail in jails.items()},
        )
        self.status = TrialStatus(until=self._configured.now() + seconds)
        self._timer = asyncio.create_task(self._run_out(seconds), name="configuration on trial")
        log.warning("A configuration is on trial until %s", _moment(self._configured.now() + seconds))
        try:
            return await self._configured.reload(Reload())
        except Refused:
            self._end()
            raise

    def confirm(self) -> None:
        """Let the configuration on trial stay. Raises Refused when there is none."""
        if self.status.until is None:
            late = self.status.rolled_back
            what = "" if late is None else f"; the last one was taken back at {_moment(late)}"
            raise Refused(f"No configuration awaits confirmation{what}")
        self._end()
        log.info("The configuration on trial is confirmed")

    def problems(self) -> tuple[Problem, ...]:
        """Return what whoever looks at the server's status should know of trials."""
        if self.status.until is not None:
            what, remedy = f"a configuration is on trial until {_moment(self.status.until)}", "keep it: sekisho confirm"
        elif self.status.rolled_back is not None:
            taken_back = _moment(self.status.rolled_back)
            what = (
                f"a configuration was taken back at {taken_back}: what runs is what ran before, not what the files say"
            )
            remedy = "mend them before the next reload or start"
        else:
            return ()
        return (Problem(Severity.WARNING, what, remedy=remedy),)

    def files_are_in_force(self) -> None:
        """Forget that the files were taken back once: they have been read again since."""
        if self.status.until is None:
            self.status = TrialStatus()

    async def stop(self) -> None:
        """End with the daemon: the next start reads the files as they are."""
        if self._timer is not None:
            if self.status.until is not None:
                log.warning("The configuration on trial was not confirmed; the next start reads the files as they are")
            self._timer.cancel()
            await asyncio.gather(self._timer, return_exceptions=True)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._before = self._timer = None
        self.status = TrialStatus()

    async def _run_out(self, seconds: Seconds) -> None:
        await asyncio.sleep(seconds)
        with contextlib.suppress(Refused):  # the daemon is ending, and lifts everything
            async with self._turn():
                try:
                    await self._roll_back()
                except Exception:
                    log.exception("The configuration on trial cannot be taken back as a whole")

    async def _roll_back(self) -> None:
        before, self._before = self._before, None
        assert before is not None  # who confirms stops the timer
        self.status = TrialStatus(rolled_back=self._configured.now())
        log.warning("Nobody has confirmed the configuration on trial: what ran before is in force again")
        self._lift_since(before)
        await self._configured.put_back(before.configuration, before.server, before.jails)
        log.warning("The files are still those that were on trial: mend them before the next reload or start")

    def _lift_since(self, before: _Before) -> None:
        """Lift and forget whom machines have banned since; a jail that feeds on bans may have heard of them too."""
        for name, jail in self._configured.jails.items():
            known = before.banned.get(name, frozenset())
            bans = [ban for ban in jail.standing if ban.cause is Cause.FAILURES and ban.subject not in known]
            for ban in bans:
                self._pipeline.unban(jail, Unban(ban, Release.BY_HAND))
            if bans:
                self._pipeline.forget(jail, [ban.subject for ban in bans])
        self._pipeline.settle()


def _moment(stamp: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(stamp))
