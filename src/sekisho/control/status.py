"""How the engine's state is told: Fail2ban's trees (COMPAT 6.4), and one document for our own programs.

A tree is a list of (label, value) pairs; a value that is again a list of pairs is a branch. Order is meaning.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

from sekisho.control.protocol import Mapped, Value
from sekisho.engine.api import EngineApi, JailStatus, OptionChange, Reloaded
from sekisho.model.address import Subject
from sekisho.model.problem import Problem
from sekisho.model.specs import JailSpec
from sekisho.model.verdict import Ban

FLAVORS = ("basic", "short", "stats", "cymru")


def tree_of_server(engine: EngineApi) -> list[tuple[str, Value]]:
    """Return how many jails there are, and their names in order of the alphabet."""
    names = sorted(engine.status().jails)
    return [("Number of jail", len(names)), ("Jail list", ", ".join(names))]


def tree_of_jail(status: JailStatus, flavor: str = "basic", more: Sequence[tuple[str, Value]] = ()) -> Value:
    """Return how one jail stands, as `flavor` shows it, and `more` rows about its actions."""
    if flavor == "stats":
        return [status.backend, (status.failed, status.failed_total), (len(status.bans), status.banned_total)]
    where: tuple[str, Value] = ("File list", list(status.files))
    if status.backend.startswith("systemd"):
        where = ("Journal matches", " + ".join(status.journalmatch))
    actions: list[tuple[str, Value]] = [
        ("Currently banned", len(status.bans)),
        ("Total banned", status.banned_total),
    ]
    if flavor != "short":
        actions.append(("Banned IP list", Mapped(status.bans, address_of)))
    return [
        ("Filter", [("Currently failed", status.failed), ("Total failed", status.failed_total), where]),
        ("Actions", [*actions, *more]),
    ]


async def origin_rows(engine: EngineApi, status: JailStatus) -> list[tuple[str, Value]]:
    """Return the rows that the flavor `cymru` adds to a jail's actions: whose networks the banned are in."""
    origins = await engine.origins([ban.target for ban in status.bans])
    return [
        ("Banned ASN list", [origin.asn for origin in origins]),
        ("Banned Country list", [origin.country for origin in origins]),
        ("Banned RIR list", [origin.registry for origin in origins]),
    ]


def address_of(ban: Ban) -> str:
    """Return whom the ban bars, as it was named."""
    return ban.subject.text


def by_end(bans: tuple[Ban, ...]) -> list[Ban]:
    """Return the bans in the order in which they will end, those without an end last."""
    return sorted(bans, key=lambda ban: math.inf if ban.until is None else ban.until)


def render_ban_time(ban: Ban) -> str:
    r"""Return `ADDRESS \tSTART + SECONDS = END` in local time (COMPAT 6.3, `banip --with-time`)."""
    end = "9999-12-31 23:59:59" if ban.until is None else _render_time(ban.until)
    return f"{ban.subject} \t{_render_time(ban.time)} + {int(ban.duration)} = {end}"


def _render_time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def document(
    engine: EngineApi, names: Sequence[str], *, covering: Subject | None = None, most: int | None = None
) -> Mapping[str, Value]:
    """Return everything about the named jails (none: all) and the server.

    Of bans only those that cover somebody, where it is said whom, and of each jail no more than `most`.
    """
    status = engine.status()
    return {
        "version": status.version,
        "started": status.started,
        "jails": [
            _jail_document(engine.jail_status(name), engine.jail_spec(name), covering, most)
            for name in names or sorted(status.jails)
        ],
        "problems": [problem.document() for problem in status.problems],
    }


def _jail_document(jail: JailStatus, spec: JailSpec, covering: Subject | None, most: int | None) -> Mapping[str, Value]:
    bans = tuple(ban for ban in jail.bans if covering is None or ban.subject.covers(covering))
    return {
        "name": jail.name,
        "backend": jail.backend,
        "filter": spec.filter.name,
        "actions": [action.actname for action in spec.actions],
        "maxretry": spec.maxretry,
        "findtime": spec.findtime,
        "bantime": spec.bantime,
        "ipv4_prefix": spec.ipv4_prefix,
        "ipv6_prefix": spec.ipv6_prefix,
        "failed": jail.failed,
        "failed_total": jail.failed_total,
        "banned": len(jail.bans),
        "banned_total": jail.banned_total,
        "files": jail.files,
        "logpath": [log.pattern for log in spec.logpaths],
        "journalmatch": jail.journalmatch,
        "health": jail.health,
        "bans": Mapped(by_end(bans)[:most], ban_document),
    }


def ban_document(ban: Ban) -> Mapping[str, Value]:
    """Return one ban; times in seconds since the epoch, `until` null where it has no end."""
    return {
        "jail": ban.jail,
        "address": ban.subject.text,
        "time": ban.time,
        "until": ban.until,
        "failures": ban.failures,
        "count": ban.count,
        "cause": ban.cause.value,
        "reason": ban.reason,
    }


def reload_document(outcome: Reloaded) -> Mapping[str, Value]:
    """Return what a reload did, or would do, for `sekisho reload`."""
    return {
        "jails": [
            {
                "jail": change.jail,
                "fate": change.fate.value,
                "note": change.note,
                "options": [_change_document(option) for option in change.options],
            }
            for change in outcome.jails
        ],
        "server": [_change_document(option) for option in outcome.server],
        "problems": [problem.document() for problem in outcome.problems],
    }


def _change_document(change: OptionChange) -> Mapping[str, Value]:
    return {"option": change.option, "old": change.old, "new": change.new, "effect": change.effect}


def notes_of(problems: tuple[Problem, ...]) -> tuple[str, ...]:
    """Return the problems as remarks for the user's screen."""
    return tuple(f"{problem.severity.name} {problem}" for problem in problems)
