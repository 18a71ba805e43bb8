"""What a reload has to do: the smallest set of changes between two sets of jails. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from sekisho.model.specs import ActionSpec, JailSpec


class Aspect(enum.Flag):
    """Which part of a running jail a new specification touches."""

    JUDGING = enum.auto()
    EXEMPTIONS = enum.auto()
    MATCHING = enum.auto()
    SOURCES = enum.auto()
    ACTIONS = enum.auto()


_ASPECT_OF: Mapping[str, Aspect] = {
    "maxretry": Aspect.JUDGING,
    "maxmatches": Aspect.JUDGING,
    "findtime": Aspect.JUDGING,
    "bantime": Aspect.JUDGING,
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


def aspects(old: JailSpec, new: JailSpec) -> Aspect:
    """Return what differs between two specifications of one jail."""
    touched = Aspect(0)
    for option, aspect in _ASPECT_OF.items():
        if getattr(old, option) != getattr(new, option):
            touched |= aspect
    return touched


@dataclass(frozen=True, slots=True)
class Difference:
    """From the running jails to the wanted ones, in the order of the wanted ones."""

    stop: tuple[str, ...]
    start: tuple[JailSpec, ...]
    change: tuple[tuple[JailSpec, Aspect], ...]


def difference(
    running: Mapping[str, JailSpec], wanted: Mapping[str, JailSpec], *, keep: frozenset[str] = frozenset()
) -> Difference:
    """Compare; a jail named in `keep` goes on as it runs although it is not among the wanted."""
    return Difference(
        stop=tuple(name for name in running if name not in wanted and name not in keep),
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
