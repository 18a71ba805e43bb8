"""What an action has to be looked at and called by hand: its properties and its methods (COMPAT 6.3).

An action of commands, or one that is built in, has its options as properties and the steps of its life as methods. A
Python action has what its author gave it. Properties and methods that only serve Fail2ban's own code are named too,
since scripts may list them; calling those is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from sekisho.engine.api import Refused, UnknownAction
from sekisho.engine.clock import Clock
from sekisho.engine.jail import Jail
from sekisho.engine.worker import Worker
from sekisho.model.action import ActionError, Failed, Liftable, Members, Reloadable, Scripted
from sekisho.model.address import parse_subject
from sekisho.model.specs import ActionSpec, JailSpec
from sekisho.model.verdict import Ban, Cause

T = TypeVar("T")

UNSET: Mapping[str, str] = dict.fromkeys(
    (
        "actionban", "actioncheck", "actionflush", "actionreban", "actionreload", "actionrepair", "actionstart",
        "actionstop", "actionunban", "ESCAPE_CRE", "ESCAPE_VN_CRE",
    ),
    "",
) | {"timeout": "60", "banEpoch": "1"}  # fmt: skip
"""The properties of every action of commands, and what they are until they are set."""

_INSIDE = ("clearAllParams", "escapeTag", "executeCmd", "invalidateBanEpoch", "replaceDynamicTags", "replaceTag")
_STEPS = ("ban", "consistencyCheck", "flush", "prolong", "reban", "reload", "start", "stop", "unban")


def spec_of(jail: Jail, name: str) -> ActionSpec:
    """Return what the jail's action of that actname is specified as. Raises UnknownAction."""
    for spec in jail.spec.actions:
        if spec.actname == name:
            return spec
    raise UnknownAction(name)


def _worker_of(jail: Jail, name: str) -> Worker:
    spec_of(jail, name)
    for worker in jail.workers:
        if worker.action.name == name:
            return worker
    raise Refused(f"action '{name}' of jail '{jail.name}' is not at work")


def scripted(jail: Jail, name: str) -> tuple[Worker, Scripted] | None:
    """Return the action and its worker, where it was written in Python and is at work."""
    for worker in jail.workers:
        if worker.action.name == name and isinstance(worker.action, Scripted):
            return worker, worker.action
    return None


async def members_of(jail: Jail, name: str) -> Members:
    """Return what the action has. Raises UnknownAction."""
    spec = spec_of(jail, name)
    if found := scripted(jail, name):
        worker, action = found
        return await _in_turn(worker, action.members)
    named = {*UNSET, *spec.properties, *(("actname",) if spec.properties else ())}
    return Members(tuple(sorted(named)), tuple(sorted({*_STEPS, *_INSIDE})))


async def property_of(jail: Jail, name: str, key: str) -> object:
    """Return one property. Raises UnknownAction, and Refused where there is none of that name."""
    spec = spec_of(jail, name)
    if found := scripted(jail, name):
        worker, action = found
        return await _in_turn(worker, lambda: action.get(key))
    known = {**UNSET, **spec.properties, **({"actname": name} if spec.properties else {})}
    if key not in known:
        raise Refused(f"action '{name}' of jail '{jail.name}' has no property '{key}'")
    return known[key]


def with_property(jail: Jail, name: str, key: str, text: str) -> JailSpec:
    """Return the jail's specification with one property of one action changed. Raises UnknownAction."""
    old = spec_of(jail, name)
    new = replace(old, properties=MappingProxyType({**old.properties, key: text}))
    if key == "actionban":
        new = replace(new, native=None)  # a command of the administrator's goes before the built-in
    return replace(jail.spec, actions=tuple(new if action is old else action for action in jail.spec.actions))


async def set_scripted(jail: Jail, name: str, key: str, text: str) -> bool:
    """Give a property of a Python action a value; False where it is an action of another kind. Raises Refused."""
    spec_of(jail, name)
    found = scripted(jail, name)
    if found is None:
        return False
    worker, action = found
    await _in_turn(worker, lambda: action.set(key, text))
    return True


Change = Callable[[str, JailSpec], Awaitable[None]]
"""Replaces a jail's specification; raises Refused when the new one does not hold."""


async def add(jail: Jail, spec: ActionSpec, *, change: Change) -> None:
    """Give a jail one more action. Raises Refused when it has one of that name, or the action cannot be."""
    if any(action.actname == spec.actname for action in jail.spec.actions):
        raise Refused(f"Action {spec.actname} already exists")
    await _change(jail, spec.actname, replace(jail.spec, actions=(*jail.spec.actions, spec)), change)


async def set_property(jail: Jail, name: str, key: str, text: str, *, change: Change) -> None:
    """Give a property a value. Raises UnknownAction, and Refused where the value does not hold."""
    if not await set_scripted(jail, name, key, text):
        await _change(jail, name, with_property(jail, name, key, text), change)


async def _change(jail: Jail, name: str, spec: JailSpec, change: Change) -> None:
    """Replace a jail's specification for the sake of one action; one that cannot be changes nothing."""
    old = jail.spec
    await change(jail.name, spec)
    if trouble := jail.trouble_with(name):
        await change(jail.name, old)
        raise Refused(trouble)


async def call(jail: Jail, name: str, method: str, arguments: Mapping[str, object], *, clock: Clock) -> object:
    """Call a method; what it returns. Raises UnknownAction, and Refused when there is none, or it fails."""
    worker = _worker_of(jail, name)
    if found := scripted(jail, name):
        action = found[1]
        return await _in_turn(worker, lambda: action.call(method, arguments))
    if method not in _STEPS:
        raise Refused(f"'{method}' is a part of Fail2ban's own code: there is nothing to call it for here")
    if method == "consistencyCheck":
        await worker.retry(tuple(jail.standing))
        return True
    return await _in_turn(worker, lambda: _take_step(worker, method, jail, arguments, clock))


async def _take_step(
    worker: Worker, step: str, jail: Jail, arguments: Mapping[str, object], clock: Clock
) -> bool | None:
    action = worker.action
    match step:
        case "start":
            _check(await action.start(tuple(jail.standing)))
        case "stop":
            await action.stop(tuple(jail.standing))
        case "flush" if isinstance(action, Liftable):
            await action.lift()
        case "reload" if isinstance(action, Reloadable):
            await action.reload()
        case "ban" | "reban" | "prolong":
            _check(await action.ban([_ban_of(jail, arguments, clock)]))
            return None
        case "unban":
            _check(await action.unban([_ban_of(jail, arguments, clock)]))
            return None
    return True


def _ban_of(jail: Jail, arguments: Mapping[str, object], clock: Clock) -> Ban:
    """Return the ban that `{"aInfo": {"ip": ADDRESS}}` is about: the one that stands, or one made for the purpose."""
    about = arguments.get("aInfo")
    if not isinstance(about, Mapping) or not isinstance(about.get("ip"), str):
        raise Refused('expected: {"aInfo": {"ip": ADDRESS}}')
    subject = parse_subject(about["ip"])
    standing = jail.standing.get(subject)
    return standing or Ban(jail.name, subject, clock.now(), jail.spec.bantime, cause=Cause.BY_HAND)


def _check(failed: Sequence[Failed]) -> None:
    if failed:
        raise Refused("; ".join(failure.reason for failure in failed[:3]))


async def _in_turn(worker: Worker, do: Callable[[], Awaitable[T]]) -> T:
    try:
        return await worker.in_turn(do)
    except ActionError as error:
        raise Refused(str(error)) from error
