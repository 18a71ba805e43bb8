"""The configuration in force, and how the one that is read again takes its place (COMPAT 6.2, reload)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from sekisho.engine.api import Reload, Reloaded
from sekisho.engine.difference import wanted_jails
from sekisho.engine.jail import Jail
from sekisho.engine.preview import Standing, preview, preview_server, refusals
from sekisho.engine.roster import Roster
from sekisho.engine.settings import ServerSettings
from sekisho.model.problem import Problem, Severity
from sekisho.model.specs import Configuration, JailSpec, ServerSpec

log = logging.getLogger("fail2ban.server")

_IN_ERROR = "its new configuration is in error"


@dataclass(slots=True)
class Configured:
    """What the files said when they were last read. `load` reads them, beside the loop; `lift` unbans a whole jail.

    Whoever calls sees to it that changes take turns.
    """

    configuration: Configuration
    jails: Mapping[str, Jail]
    settings: ServerSettings
    roster: Roster
    load: Callable[[], Configuration]
    lift: Callable[[str], Awaitable[object]]
    now: Callable[[], float]

    def report(self, problems: Sequence[Problem]) -> None:
        """Let the log say what is wrong with the files."""
        for problem in problems:
            level = logging.ERROR if problem.severity is Severity.ERROR else logging.WARNING
            log.log(level, "%s", problem)

    async def reload(self, request: Reload) -> Reloaded:
        """Read the files again and apply the difference, unless it is a dry run; what it comes to.

        A jail that runs and whose new specification is wrong goes on as it is (DESIGN section 3, "Where we differ").
        Raises Refused, and changes nothing, when the tree cannot be used.
        """
        fresh = await asyncio.to_thread(self.load)
        running = {name: jail.spec for name, jail in self.jails.items()}
        wanted = wanted_jails(request, fresh, running)
        before = Standing(running, {name: len(jail.standing) for name, jail in self.jails.items()})
        server = preview_server(self.settings.spec, fresh.server) if request.jail is None else ()
        ill = [name for name in fresh.failed if name in running and request.jail in (None, name)]
        if request.dry_run:
            refused = dict.fromkeys(ill, _IN_ERROR) | refusals(running, wanted, now=self.now())
            return Reloaded(preview(before, wanted, request, refused), server, fresh.problems)
        self.report(fresh.problems)
        chosen = [name for name in running if name in wanted and request.jail in (None, name)]
        for name in chosen if request.restart else ():
            await self.roster.stop(name, forget=request.unban)
        for name in chosen if request.unban and not request.restart else ():
            await self.lift(name)
        if request.jail is None:
            self.configuration = fresh
            self.settings.take_over(fresh.server)
        self.roster.pardon(request.jail)
        refused = dict.fromkeys(ill, _IN_ERROR) | await self.roster.apply(wanted)
        for name in chosen if not request.restart else ():
            for worker in self.jails[name].workers:
                await worker.reload()
        return Reloaded(preview(before, wanted, request, refused), server, fresh.problems)

    async def put_back(self, configuration: Configuration, server: ServerSpec, jails: Mapping[str, JailSpec]) -> None:
        """Let what was in force once be so again, whatever the files say now."""
        self.configuration = configuration
        self.settings.take_over(server)
        self.roster.pardon(None)
        await self.roster.apply(jails)
