"""How a jail begins, changes and ends.

A jail begins by restoring its bans from the ledger into its actions (COMPAT 3.4), before any line is read for it. It
ends by lifting them in the firewall only: the ledger keeps them, and the next start restores them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sekisho.engine.clock import Clock
from sekisho.engine.difference import Aspect, actions_to_exchange
from sekisho.engine.jail import Jail
from sekisho.engine.pipeline import Pipeline, recidive_failure
from sekisho.engine.report import Entry, entry, repealed, restored
from sekisho.engine.worker import Worker
from sekisho.judge.judge import capped
from sekisho.model.action import Action
from sekisho.model.specs import ActionSpec, JailSpec, ServerSpec
from sekisho.model.verdict import Ban, Cause, Release, Unban

log = logging.getLogger("fail2ban.jail")

MakeAction = Callable[[JailSpec, ActionSpec], Action]


@dataclass(slots=True)
class Lifecycle:
    """Starts, changes and stops the jails of `jails`, which it alone adds to and removes from."""

    jails: dict[str, Jail]
    pipeline: Pipeline
    clock: Clock
    make_action: MakeAction
    write: Callable[[Sequence[Entry]], None]
    server: ServerSpec

    async def start(self, spec: JailSpec) -> None:
        """Start a jail: raises RuleError when its rules do not hold."""
        self.add(spec)
        await self.begin(spec.name)

    def add(self, spec: JailSpec) -> None:
        """Let there be a jail that does nothing yet: raises RuleError when its rules do not hold."""
        now = self.clock.now()
        log.info("Creating new jail '%s'", spec.name)
        reached = self.pipeline.account.reached(spec.name, since=now - 2 * spec.findtime)
        self.jails[spec.name] = Jail(spec, reached=reached, feeds_on_bans=feeds_on_bans(spec, self.server), now=now)

    async def begin(self, name: str) -> None:
        """Let a jail that was added restore its bans and bring up its actions; from then on its logs are read."""
        jail, now = self.jails[name], self.clock.now()
        spec = jail.spec
        jail.has_begun = True
        self._restore(jail, now)
        if jail.feeds_on_bans:
            self._refill_from_ledger(jail, now)
        for action in spec.actions:
            await self._bring_up(jail, self._worker(jail, spec, action))
        log.info("Jail '%s' uses %s %s", spec.name, spec.backend.name, dict(spec.backend.options))
        log.info("Jail '%s' started", spec.name)

    def _restore(self, jail: Jail, now: float) -> None:
        self.restore(jail, self.pipeline.account.standing(jail.name, now=now), now)

    def restore(self, jail: Jail, bans: Sequence[Ban], now: float) -> None:
        """Let bans that stand in the ledger stand in the jail, as far as it allows them, and its actions have them."""
        entries: list[Entry] = []
        kept: list[Ban] = []
        for stored in bans:
            ban, ignored = stored, False
            if stored.cause is Cause.FAILURES:
                reached = jail.judge.reached.get(stored.subject)
                ban = capped(stored, reached=reached.time if reached else stored.time, spec=jail.spec)
                ignored = self.pipeline.screening.exempts(jail, ban) is not None or self.pipeline.spares(jail, ban)
            until = ban.until
            if ignored or (until is not None and until < now):
                unban = Unban(stored, Release.EXPIRED)
                if stored.subject in jail.standing:
                    self.pipeline.unban(jail, unban)
                else:  # no action has it in force
                    self.pipeline.account.changes.unbans.append(unban)
                    entries.append(entry(unban))
                continue
            ban = _restored(ban)
            jail.standing.put(ban)
            kept.append(ban)
        jail.banned_total += len(kept)
        self.write([*entries, restored(jail.name, kept)])
        self.pipeline.settle()
        jail.put_to_work(kept)
        if jail.spec.ignorecommand.command:
            self.pipeline.lookups.reconsider(jail, [ban for ban in kept if ban.failures])

    def _refill_from_ledger(self, jail: Jail, now: float) -> None:
        for ban in self.pipeline.account.recent(since=now - 2 * jail.spec.findtime):
            if ban.jail != jail.name:
                self.pipeline.refill(jail, recidive_failure(jail.name, ban, ban.time))
        jail.judge.end_refill()

    def _worker(self, jail: Jail, spec: JailSpec, action: ActionSpec) -> Worker | None:
        """Return the action's worker, not begun yet; None, and a word in the log, where it cannot be."""
        try:
            worker = Worker(jail.name, self.make_action(spec, action), enforced=self.pipeline.account.enforced)
        except ValueError as error:
            jail.troubles[action.actname] = f"action {action.actname!r}: {error}"
            log.error("Jail '%s': action '%s' cannot be used: %s", jail.name, action.actname, error)
            return None
        jail.troubles.pop(action.actname, None)
        return worker

    async def _bring_up(self, jail: Jail, worker: Worker | None) -> None:
        if worker is not None:
            jail.workers.append(worker)
            await worker.start(tuple(jail.standing))

    async def change(self, spec: JailSpec, touched: Aspect) -> None:
        """Let a running jail be as `spec` says; raises RuleError, and changes nothing, when its rules do not hold."""
        jail = self.jails[spec.name]
        if Aspect.MATCHING in touched:
            jail.recompile(spec, now=self.clock.now())
        old_actions = jail.spec.actions
        jail.judge_by(spec)
        jail.feeds_on_bans = feeds_on_bans(spec, self.server)
        if Aspect.ACTIONS in touched and jail.has_begun:
            await self._exchange_actions(jail, old_actions)

    async def _exchange_actions(self, jail: Jail, old: tuple[ActionSpec, ...]) -> None:
        down, up = actions_to_exchange(old, jail.spec.actions)
        for name in down - up:
            jail.troubles.pop(name, None)
        fresh = {
            action.actname: self._worker(jail, jail.spec, action)
            for action in jail.spec.actions
            if action.actname in up
        }
        # Where the new one cannot be, the old one goes on: better than none, and the jail's health tells.
        gone = [each for each in jail.workers if each.action.name in down and fresh.get(each.action.name, each)]
        jail.workers = [worker for worker in jail.workers if worker not in gone]
        before = {(action.actname, action.native) for action in old if action.native is not None}
        heirs = {action.actname for action in jail.spec.actions if (action.actname, action.native) in before}
        for worker in reversed(gone):
            # A native action of the same name and kind takes over what stands in one exchange: no gap in between.
            if worker.action.name in up & heirs and worker.action.survives_stop:
                await worker.abandon()
            else:
                await worker.stop(tuple(jail.standing))
        for replacement in fresh.values():
            await self._bring_up(jail, replacement)
        order = {action.actname: place for place, action in enumerate(jail.spec.actions)}
        jail.workers.sort(key=lambda worker: order[worker.action.name])

    async def stop(self, name: str, *, forget: bool = False, keeps_bans: bool = False) -> None:
        """Stop a jail and lift its bans in the firewall; with `forget` in the ledger too.

        With `keeps_bans`, an action that can hold them by itself goes on doing so, each until its time is over.
        """
        jail = self.jails[name]
        standing: list[Ban] = list(jail.standing)
        if forget:
            for ban in standing:
                self.pipeline.unban(jail, Unban(ban, Release.BY_HAND))
            self.pipeline.forget(jail, None)
            self.pipeline.settle()
        kept = [worker for worker in jail.workers if keeps_bans and worker.action.survives_stop]
        if standing and not forget and not kept:
            self.write([repealed(name, standing)])
        for worker in jail.workers:
            if worker not in kept:
                await worker.lift()
        for worker in reversed(jail.workers):
            await (worker.abandon() if worker in kept else worker.stop(tuple(jail.standing)))
        if kept and standing:
            log.info("Jail '%s': %d ban(s) stay in the firewall", name, len(standing))
        del self.jails[name]
        log.info("Jail '%s' stopped", name)


def _restored(ban: Ban) -> Ban:
    """Return the ban as a restored one; `dataclasses.replace` takes four times as long, for every ban of a start."""
    return Ban(
        ban.jail, ban.subject, ban.time, ban.duration, ban.failures, ban.count, ban.matches, ban.captured, ban.address,
        Cause.RESTORED, ban.reason,
    )  # fmt: skip


def feeds_on_bans(spec: JailSpec, server: ServerSpec) -> bool:
    """Return whether a jail is recidive reading our own log: then bans reach it as events, which no line can forge."""
    if spec.filter.name != "recidive":
        return False
    return spec.backend.is_journal or any(log.pattern == server.logtarget for log in spec.logpaths)
