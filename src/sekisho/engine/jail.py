"""A running jail: everything about it that changes while it runs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping

from sekisho.engine.api import JailStatus
from sekisho.engine.quarantine import Quarantine
from sekisho.engine.worker import Worker
from sekisho.judge.escalation import Escalation
from sekisho.judge.exempt import parse_exemptions
from sekisho.judge.judge import Judge, Reached
from sekisho.judge.standing import Standing
from sekisho.match.fields import last_year_at
from sekisho.match.filter import CompiledFilter, compile_filter
from sekisho.match.matcher import Matcher
from sekisho.model.action import Kind
from sekisho.model.address import Subject
from sekisho.model.specs import JailSpec
from sekisho.model.verdict import Ban, Failure, History

MOST_HELD = 10_000
"""Failures that wait while a jail is idle; who attacks meanwhile fails again."""


class Jail:
    """One jail's live state. Its owner is the engine; the pipeline changes it through the methods of its parts.

    `primed` names the sources whose lines from before this start it has seen; `feeds_on_bans` is true for a recidive
    jail, whose failures are the bans of the others. It does nothing before `has_begun`; from `is_ending` on no more
    lines are read for it; while it `is_idle`, what its lines say waits in `held`, of which the newest are kept.
    `escalation` is
    None without `bantime.increment`; with it, `histories` holds what the ledger said of those who failed of late.
    """

    def __init__(self, spec: JailSpec, *, reached: Mapping[Subject, Reached], feeds_on_bans: bool, now: float) -> None:
        """Compile the jail's rules for the years around `now`; raises RuleError when they do not hold."""
        self.name = spec.name
        self.spec = spec
        self.feeds_on_bans = feeds_on_bans
        self.compiled = compile_rules(spec, now=now)
        self.matcher = Matcher(self.compiled, jail=spec.name)
        self.quarantine = Quarantine()
        self.judge = Judge(spec, reached=reached)
        self.escalation = escalation_of(spec)
        self.histories: dict[str, History] = {}
        self.exemptions = parse_exemptions(spec.ignoreip, itself=spec.ignoreself)
        self.prefixes = spec.prefixes
        self.standing = Standing()
        self.workers: list[Worker] = []
        self.primed: set[str] = set()
        self.files: tuple[str, ...] = ()
        self.troubles: dict[str, str] = {}
        self.has_begun = False
        self.is_idle = False
        self.held: deque[Failure] = deque(maxlen=MOST_HELD)
        self.is_ending = False
        self.failed_total = 0
        self.banned_total = 0

    def __repr__(self) -> str:
        return f"<Jail {self.name}: {len(self.standing)} banned>"

    @property
    def enforcers(self) -> list[Worker]:
        """The actions that bar, in the order of the configuration."""
        return [worker for worker in self.workers if worker.action.kind is Kind.ENFORCER]

    def trouble_with(self, actname: str) -> str:
        """Return what is wrong with an action, nothing when it is at work."""
        health = [worker.health for worker in self.workers if worker.action.name == actname]
        return self.troubles.get(actname, "") or "".join(health)

    def recompile(self, spec: JailSpec, *, now: float) -> None:
        """Match by the rules of `spec` from now on; raises RuleError, and changes nothing, when they do not hold."""
        self.compiled = compile_rules(spec, now=now)
        self.matcher = Matcher(self.compiled, jail=spec.name)
        self.quarantine = Quarantine()

    def judge_by(self, spec: JailSpec) -> None:
        """Judge and exempt by `spec` from now on; counters and bans stay. Raises FormulaError, and changes nothing."""
        self.escalation = escalation_of(spec)
        self.spec = spec
        self.judge.apply(spec)
        self.exemptions = parse_exemptions(spec.ignoreip, itself=spec.ignoreself)
        self.prefixes = spec.prefixes

    def put_to_work(self, bans: list[Ban]) -> None:
        """Hand bans to every action."""
        for worker in self.workers:
            worker.ban(bans)

    def status(self) -> JailStatus:
        """How the jail stands."""
        return JailStatus(
            name=self.name,
            backend=self.spec.backend.name,
            failed=len(self.judge.windows),
            failed_total=self.failed_total,
            banned_total=self.banned_total,
            bans=tuple(self.standing),
            files=() if self.spec.backend.is_journal else self.files,
            journalmatch=self.spec.journalmatch if self.spec.backend.is_journal else (),
            health=(
                *(("it was added, and waits to be started",) if not self.has_begun else ()),
                *(("it is idle: what its logs say waits",) if self.is_idle else ()),
                *self.troubles.values(),
                *self.quarantine.health,
                *(worker.health for worker in self.workers if worker.health),
            ),
        )


def escalation_of(spec: JailSpec) -> Escalation | None:
    """Return how the jail's bans grow; None where they do not. Raises FormulaError."""
    return Escalation(spec.escalation) if spec.escalation.increment else None


def compile_rules(spec: JailSpec, *, now: float) -> CompiledFilter:
    """Compile a jail's rules with the options of the jail that bear on them; raises RuleError.

    `now` sets the last year that a date can be of, as Fail2ban sets it when it starts (COMPAT 2.8, `%ExY`).
    """
    return compile_filter(
        spec.filter,
        usedns=spec.usedns,
        logtimezone=spec.logtimezone,
        logencoding=spec.logencoding,
        last_year=last_year_at(time.localtime(now).tm_year),
    )
