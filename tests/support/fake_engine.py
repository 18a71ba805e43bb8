"""An engine that only remembers: what `control` needs of one, and a record of what it was asked to do."""
# ruff: noqa: D102 - EngineApi says what each method does

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sekisho.engine.api import (
    ActionProof,
    Adopted,
    DuplicateJail,
    EngineStatus,
    JailChange,
    JailCounts,
    JailStatus,
    OptionChange,
    Refused,
    Reload,
    Reloaded,
    TrialStatus,
    UnknownAction,
    UnknownJail,
)
from sekisho.model.action import Members
from sekisho.model.address import Subject
from sekisho.model.duration import Seconds
from sekisho.model.origin import Origin
from sekisho.model.ports import PortRange
from sekisho.model.problem import Origin as Place
from sekisho.model.problem import Problem, Severity
from sekisho.model.proof import Barrier, Count, Holding, Tally
from sekisho.model.specs import ActionSpec, BackendSpec, FilterSpec, JailSpec, LogPath, ServerSpec
from sekisho.model.verdict import Ban, Cause

NOW = 1_784_030_400.0  # 2026-07-14 12:00:00 UTC


def demo_jail(name: str = "demo", **changes: object) -> JailSpec:
    """A jail with something in every field."""
    spec = JailSpec(
        name=name,
        filter=FilterSpec(
            "demo",
            failregex=(r"^ fail user=<F-USER>\S+</F-USER> from <HOST>$",),
            ignoreregex=(r"user=good\b",),
        ),
        backend=BackendSpec("polling"),
        logpaths=(LogPath("/var/log/demo.log"),),
        maxretry=3,
        findtime=5400,
        bantime=3600,
        usedns="no",
        ignoreip=("127.0.0.1/8", "::1", "192.0.2.77"),
        actions=(ActionSpec("note", "note", {"actionban": "true", "name": name}),),
    )
    return replace(spec, **changes)  # type: ignore[arg-type]


@dataclass
class FakeEngine:
    """Keeps specs and bans in dicts; `calls` is what it was asked to do."""

    specs: dict[str, JailSpec] = field(default_factory=lambda: {"demo": demo_jail(), "ddd": demo_jail("ddd")})
    server: ServerSpec = field(default_factory=ServerSpec)
    bans: dict[str, dict[str, Ban]] = field(default_factory=dict)
    banned_total: dict[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    reload_problems: tuple[Problem, ...] = ()
    reload_changes: tuple[JailChange, ...] = ()
    server_changes: tuple[OptionChange, ...] = ()
    health: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset({"192.0.2.77"})
    guarded: frozenset[str] = frozenset({"192.0.2.99"})
    failed: int = 2
    failed_total: int = 7
    now: float = NOW
    tick: float = 0  # seconds that pass with each ban
    calls: list[tuple[object, ...]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    reloading: asyncio.Event | None = None
    fault: str = ""
    tried: TrialStatus = field(default_factory=TrialStatus)

    def status(self) -> EngineStatus:
        return EngineStatus("0.1.0", self.now, tuple(self.specs), self.problems)

    def jail_spec(self, jail: str) -> JailSpec:
        try:
            return self.specs[jail]
        except KeyError:
            raise UnknownJail(jail) from None

    def jail_status(self, jail: str) -> JailStatus:
        spec = self.jail_spec(jail)
        return JailStatus(
            name=jail,
            backend=spec.backend.name,
            failed=self.failed,
            failed_total=self.failed_total,
            banned_total=self.banned_total.get(jail, 0),
            bans=tuple(self.bans.get(jail, {}).values()),
            files=tuple(path.pattern for path in spec.logpaths),
            journalmatch=spec.journalmatch,
            health=self.health.get(jail, ()),
        )

    def expressions(self, jail: str, option: str) -> Sequence[str]:
        """Return the expressions as they are written: tags are another room's."""
        written = getattr(self.jail_spec(jail).filter, option)
        return [written] if isinstance(written, str) else list(written or ())

    def bans_of(self, subject: Subject) -> Mapping[str, Ban]:
        found = ((jail, ban) for jail, bans in self.bans.items() for ban in bans.values())
        return {jail: ban for jail, ban in found if ban.subject.covers(subject)}

    async def origins(self, subjects: Sequence[Subject]) -> Sequence[Origin]:
        return [Origin(f"AS of {subject}", "JP", "apnic") for subject in subjects]

    async def counts(self, jail: str) -> JailCounts:
        self.jail_spec(jail)
        bans = tuple(self.bans.get(jail, {}).values())
        tally = Tally(Count(4312, 317_440), {ban.target: Count(7, 420) for ban in bans[:1]})
        return JailCounts(jail, bans, (tally,) if bans else (), {"note": "it counts no packets"})

    async def proofs(self, jail: str, subject: Subject | None) -> Sequence[ActionProof]:
        standing = self.bans.get(jail, {}).values()
        holdings = tuple(Holding(ban.target, True, ban.until) for ban in standing if subject in (None, ban.target))
        if subject is not None and not holdings:
            return ()
        barrier = Barrier(f"jail-{jail}", self.fault, ("tcp",), (PortRange(22, 22),), "", holdings)
        return [ActionProof(jail, "nftables", barrier), ActionProof(jail, "note", "it cannot be asked whom it bars")]

    async def ban(
        self,
        jail: str,
        subjects: Sequence[Subject],
        *,
        duration: Seconds | None = None,
        reason: str = "",
        force: bool = False,
    ) -> int:
        if not force and (guarded := [each for each in subjects if each.text in self.guarded]):
            raise Refused(f"{guarded[0]} is guarded")
        self.calls.append(("ban", jail, tuple(map(str, subjects)), duration, reason))
        length = self.jail_spec(jail).bantime if duration is None else duration
        self.now += self.tick
        standing = self.bans.setdefault(jail, {})
        for old in [standing[subject.text] for subject in subjects if subject.text in standing]:
            standing[old.subject.text] = replace(old, duration=self.now + length - old.time)  # prolonged
        fresh = [subject for subject in subjects if subject.text not in standing]
        for subject in fresh:
            standing[subject.text] = Ban(jail, subject, self.now, length, cause=Cause.BY_HAND, reason=reason)
        self.banned_total[jail] = self.banned_total.get(jail, 0) + len(fresh)
        return len(fresh)

    async def adopt(self, database: str) -> Adopted:
        self.calls.append(("adopt", database))
        return Adopted({"demo": 2}, {"demo": 1, "gone": 4}, {}, ("row 7 of bips is left out: its time is 'noon'",))

    async def unban(self, jail: str | None, subjects: Sequence[Subject] | None) -> Sequence[Ban]:
        lifted: list[Ban] = []
        for name in self.specs if jail is None else (self.jail_spec(jail).name,):
            standing = self.bans.get(name, {})
            for text, ban in list(standing.items()):
                whole = ban.failures > 0  # a prefix that a machine barred
                if subjects is None or any(
                    each.covers(ban.subject) or (whole and ban.subject.covers(each)) for each in subjects
                ):
                    lifted.append(standing.pop(text))
        return lifted

    async def attempt(self, jail: str, subject: Subject, lines: Sequence[str]) -> int:
        self.calls.append(("attempt", self.jail_spec(jail).name, subject.text, tuple(lines)))
        return int(subject.text not in self.ignored)

    async def change(self, jail: str, spec: JailSpec) -> None:
        self.jail_spec(jail)
        for pattern in spec.filter.failregex:
            if not re.search("<(HOST|ADDR|IP[46]|F-ID)>", pattern):
                raise Refused(f"No failure-id group in {pattern!r}")
        await asyncio.sleep(0)  # a real engine may take its time here
        self.specs[jail] = spec

    async def reload(self, request: Reload) -> Reloaded:
        self.calls.append(("reload", request))
        if self.reloading is not None:
            await self.reloading.wait()
        if request.jail == "broken":
            raise Refused("jail.local:3: option 'enabled' in section 'broken' already exists")
        if request.jail is not None and request.jail not in self.specs:
            raise UnknownJail(request.jail)
        return Reloaded(self.reload_changes, self.server_changes, self.reload_problems)

    async def apply(self, seconds: Seconds) -> Reloaded:
        if self.tried.until is not None:
            raise Refused("A configuration is on trial already")
        self.calls.append(("apply", seconds))
        self.tried = TrialStatus(until=self.now + seconds)
        return Reloaded(self.reload_changes, self.server_changes, self.reload_problems)

    async def confirm(self) -> None:
        if self.tried.until is None:
            raise Refused("No configuration awaits confirmation")
        self.tried = TrialStatus()

    def trial(self) -> TrialStatus:
        return self.tried

    async def stop_jail(self, jail: str) -> None:
        self.jail_spec(jail)
        del self.specs[jail]

    async def shut_down(self, *, keeps_bans: bool = False) -> None:
        self.calls.append(("shut down", keeps_bans))
        self.ended.set()

    async def flush_logs(self) -> str:
        return "rolled over"

    async def set_server(self, option: str, text: str) -> None:
        if option == "loglevel" and text.upper() not in {"CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"}:
            raise Refused(f"Invalid log level {text!r}")
        value: object = text.upper() if option == "loglevel" else text
        if option in {"dbmaxmatches", "dbpurgeage", "stacksize"}:
            value = int(text)
        self.server = replace(self.server, **{option: None if text == "None" else value})  # type: ignore[arg-type]

    async def add_jail(self, spec: JailSpec) -> None:
        if spec.name in self.specs:
            raise DuplicateJail(spec.name)
        self.specs[spec.name] = spec

    async def start_jail(self, jail: str) -> None:
        self.calls.append(("start", jail))
        if jail not in self.specs:
            raise UnknownJail(jail)

    async def set_idle(self, jail: str, *, is_idle: bool) -> None:
        self.calls.append(("idle", self.jail_spec(jail).name, is_idle))

    def _action(self, jail: str, name: str) -> ActionSpec:
        for action in self.jail_spec(jail).actions:
            if action.actname == name:
                return action
        raise UnknownAction(name)

    async def action_members(self, jail: str, action: str) -> Members:
        return Members(tuple(sorted({"actname", *self._action(jail, action).properties})), ("ban", "flush"))

    async def get_property(self, jail: str, action: str, name: str) -> object:
        known = {"actname": action, **self._action(jail, action).properties}
        if name not in known:
            raise Refused(f"action '{action}' of jail '{jail}' has no property '{name}'")
        return known[name]

    async def set_property(self, jail: str, action: str, name: str, text: str) -> None:
        old, spec = self._action(jail, action), self.jail_spec(jail)
        new = replace(old, properties={**old.properties, name: text})
        self.specs[jail] = replace(spec, actions=tuple(new if each is old else each for each in spec.actions))

    async def call_action(self, jail: str, action: str, method: str, arguments: Mapping[str, object]) -> object:
        self.calls.append(("call", jail, self._action(jail, action).actname, method, dict(arguments)))
        return None if method == "ban" else True

    async def add_action(self, jail: str, spec: ActionSpec) -> None:
        old = self.jail_spec(jail)
        if any(action.actname == spec.actname for action in old.actions):
            raise Refused(f"Action {spec.actname} already exists")
        self.specs[jail] = replace(old, actions=(*old.actions, spec))


def typo_problem() -> Problem:
    """A mistake with all its parts."""
    return Problem(
        Severity.ERROR, "filter 'sshdd' not found", Place("jail.local", 7), jail="web", remedy="did you mean sshd?"
    )
