"""What a reload has to do: the smallest set of changes between two sets of jails. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from sekisho.engine.api import Refused, Reload
from sekisho.model.problem import Severity
from sekisho.model.specs import ActionSpec, Configuration, JailSpec


class Aspect(enum.Flag):
    """Which part of a running jail a new specification touches."""

    JUDGING = enum.auto()
    EXEMPTIONS = enum.auto()
    MATCHING = enum.auto()
    SOURCES = enum.auto()
    ACTIONS = enum.auto()


ASPECT_OF: Mapping[str, Aspect] = {
    "maxretry": Aspect.JUDGING,
    "maxmatches": Aspect.JUDGING,
    "findtime": Aspect.JUDGING,
    "bantime": Aspect.JUDGING,
    "ipv4_prefix": Aspect.JUDGING,
    "ipv6_prefix": Aspect.JUDGING,
    "escalation": Aspect.JUDGING,
    "ignoreip": Aspect.EXEMPTIONS,
    "ignoreself": Aspect.EXEMPTIONS,
    "ignorecommand": Aspect.EXEMPTIONS,
    "filter": Aspect.MATCHING,
    "usedns": Aspect.MATCHING,
    "logtimezone": Aspect.MATCHING,
    "logencoding": Aspect.MATCHING,
    "backend": Aspect.SOURCES,
    "logpaths": Aspect.SOURCES,
    "journalmatch": Aspect.SOURCES,
    "actions": Aspect.ACTIONS,
}
"""The aspect of each field of a JailSpec; all of them are applied to the running jail, none restarts it."""


def aspects(old: JailSpec, new: JailSpec) -> Aspect:
    """Return what differs between two specifications of one jail."""
    touched = Aspect(0)
    for option, aspect in ASPECT_OF.items():
        if getattr(old, option) != getattr(new, option):
            touched |= aspect
    return touched


@dataclass(frozen=True, slots=True)
class Difference:
    """From the running jails to the wanted ones, in the order of the wanted ones."""

    stop: tuple[str, ...]
    start: tuple[JailSpec, ...]
    change: tuple[tuple[JailSpec, Aspect], ...]


def wanted_jails(request: Reload, fresh: Configuration, running: Mapping[str, JailSpec]) -> dict[str, JailSpec]:
    """Return the jails that shall run after a reload; one whose new specification is wrong goes on as it is.

    Raises Refused when the tree cannot be used, or when the one jail that is asked for is in error or unknown.
    """
    if fresh.broken:
        mistakes = [str(problem) for problem in fresh.problems if problem.severity is Severity.ERROR]
        raise Refused("Failed during configuration: " + "; ".join(mistakes))
    found = {spec.name: spec for spec in fresh.jails}
    jail = request.jail
    if jail is None:
        return found | {name: spec for name, spec in running.items() if name in fresh.failed}
    if jail in found:
        return {**running, jail: found[jail]}
    if jail in fresh.failed:
        mistakes = [str(problem) for problem in fresh.problems if problem.jail in (None, jail)]
        raise Refused(f"Errors in jail {jail!r}: " + "; ".join(mistakes))
    if jail not in running and not request.if_exists:
        raise Refused(f"Failed during configuration: No section: '{jail}'")
    return {name: spec for name, spec in running.items() if name != jail}


def difference(running: Mapping[str, JailSpec], wanted: Mapping[str, JailSpec]) -> Difference:
    """Compare what runs with what shall run."""
    return Difference(
        stop=tuple(name for name in running if name not in wanted),
        start=tuple(spec for name, spec in wanted.items() if name not in running),
        change=tuple(
            (spec, touched)
            for name, spec in wanted.items()
            if name in running and (touched := aspects(running[name], spec))
        ),
    )


def actions_to_exchange(old: tuple[ActionSpec, ...], new: tuple[ActionSpec, ...]) -> tuple[set[str], set[str]]:
    """Return the actnames to take down and those to bring up; an action that is the same in both stays."""
    before = {action.actname: action for action in old}
    after = {action.actname: action for action in new}
    changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    return (before.keys() - after.keys()) | changed, (after.keys() - before.keys()) | changed
