"""Show every jail: those that run, those that a mistake keeps from running, and those that are off.

With a server it tells how they stand; without one, what the configuration says that they would be. A jail in error is
shown with the file and the line of the mistake, and how to mend it.
"""

from __future__ import annotations

import argparse
import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sekisho.cli.beautify import printable
from sekisho.cli.moment import span
from sekisho.cli.reach import DONE, FAILED, Unreached, add_reach_arguments, complain, reach
from sekisho.cli.tables import Table, paint, print_json, print_table
from sekisho.config.errors import ConfigError
from sekisho.config.files import Files
from sekisho.config.ini import DEFAULT
from sekisho.config.layers import merge
from sekisho.config.load import find_directory, understand
from sekisho.control.client import ControlError
from sekisho.model.problem import Problem, Severity, parse_problem
from sekisho.model.specs import JailSpec

EXAMPLES = """\
sekisho jails              what runs, and what should and does not
sekisho jails --all        the others of the configuration, too
sekisho jails --json       the same, for a program
"""


class State(enum.StrEnum):
    """How a jail stands."""

    RUNNING = "running"
    WAITING = "waiting"
    UNWELL = "unwell"
    ERROR = "in error"
    NOT_LOADED = "not loaded"
    READY = "ready"
    OFF = "off"


_COLOURS = {
    State.RUNNING: "green",
    State.READY: "green",
    State.WAITING: "yellow",
    State.UNWELL: "yellow",
    State.NOT_LOADED: "yellow",
    State.ERROR: "bold red",
    State.OFF: "dim",
}


@dataclass(frozen=True, slots=True)
class JailRow:
    """One jail. `counts` are failures and bans now, where a server told them; times are seconds."""

    name: str
    state: State
    reads: tuple[str, ...] = ()
    filter: str = ""
    actions: tuple[str, ...] = ()
    maxretry: int | None = None
    findtime: float | None = None
    bantime: float | None = None
    failed: int | None = None
    banned: int | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What the configuration says: the jails that can run, those in error, and those that are off."""

    jails: tuple[JailSpec, ...] = ()
    failed: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--all", action="store_true", help="also those that are configured, and not enabled")
    parser.add_argument("--json", action="store_true", help="one JSON document; times in seconds")
    add_reach_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the jails; 1 when one of them is in error."""
    try:
        written = _read(args.config)
    except ConfigError as error:
        written, unread = Written(), str(error)
    else:
        unread = ""
    try:
        rows, note = list(rows_with(reach(args, ["overview", "--most", "0"]), written)), unread
    except ControlError as error:
        if unread or not isinstance(error, Unreached):
            return complain(unread or str(error))
        rows, note = list(rows_without(written)), f"{error}; this is what the configuration says"
    shown = [row for row in rows if args.all or row.state is not State.OFF]
    if args.json:
        print_json({"note": note, "jails": [asdict(row) for row in shown]})
    else:
        _print(shown, note=note, off=len(rows) - len(shown))
    return FAILED if any(row.state is State.ERROR for row in rows) else DONE


def _read(directory: str | None) -> Written:
    where = find_directory(directory)
    files = Files(where)
    general, merged = merge(files, "fail2ban"), merge(files, "jail")
    configuration = understand(files, where, general, merged)
    off = [name for name in merged.sections if name != DEFAULT and name not in configuration.enabled]
    if configuration.broken:
        off = []  # what is enabled cannot be told either
    return Written(configuration.jails, configuration.failed, tuple(off), configuration.problems)


def rows_with(server: Mapping[str, Any], written: Written) -> Iterator[JailRow]:
    """Yield how the jails stand, by what a server tells (`overview`), and what is written besides."""
    running = {jail["name"] for jail in server["jails"]}
    problems = [parse_problem(problem) for problem in server["problems"]]
    for jail in server["jails"]:
        remarks = (*jail["health"], *_remarks(jail["name"], problems))
        yield JailRow(
            jail["name"],
            _state(jail),
            ("journal",) if jail["backend"].startswith("systemd") else tuple(jail["files"] or jail["logpath"]),
            jail["filter"],
            tuple(jail["actions"]),
            jail["maxretry"],
            jail["findtime"],
            jail["bantime"],
            jail["failed"],
            jail["banned"],
            remarks,
        )
    in_error = [problem.jail for problem in problems if problem.severity is Severity.ERROR and problem.jail]
    for name in sorted({*in_error, *written.failed} - running):
        yield JailRow(name, State.ERROR, remarks=_remarks(name, problems) or _remarks(name, written.problems))
    for spec in written.jails:
        if spec.name not in running and spec.name not in in_error:
            yield _row(spec, State.NOT_LOADED, ("enabled since the server last read it: sekisho reload",))
    for name in written.off:
        if name not in running:
            yield JailRow(name, State.OFF)


def rows_without(written: Written) -> Iterator[JailRow]:
    """Yield the jails as the configuration has them."""
    for spec in written.jails:
        yield _row(spec, State.READY, _remarks(spec.name, written.problems))
    for name in written.failed:
        yield JailRow(name, State.ERROR, remarks=_remarks(name, written.problems))
    for name in written.off:
        yield JailRow(name, State.OFF)


_WAITS = "; waiting for it"
"""How the server ends its remark on a log that is not there (sources.tail)."""


def _state(jail: Mapping[str, Any]) -> State:
    absent = [remark for remark in jail["health"] if remark.endswith(_WAITS)]
    if not jail["backend"].startswith("systemd") and jail["logpath"] and len(absent) >= len(jail["files"]):
        return State.WAITING
    return State.UNWELL if jail["health"] else State.RUNNING


def _row(spec: JailSpec, state: State, remarks: tuple[str, ...]) -> JailRow:
    reads = ("journal",) if spec.backend.is_journal else tuple(log.pattern for log in spec.logpaths)
    actions = tuple(action.actname for action in spec.actions)
    return JailRow(
        spec.name, state, reads, spec.filter.name, actions, spec.maxretry, spec.findtime, spec.bantime, remarks=remarks
    )


def _remarks(name: str, problems: Sequence[Problem]) -> tuple[str, ...]:
    """What is said of a jail: where, what, and how to mend it."""
    return tuple(
        f"{f'{problem.origin}: ' if problem.origin else ''}{problem.text}"
        + (f" ({problem.remedy})" if problem.remedy else "")
        for problem in problems
        if problem.jail == name
    )


def _print(rows: Sequence[JailRow], *, note: str, off: int) -> None:
    if note:
        print(paint(printable(note), "yellow"))
    columns = ("JAIL", "STATE", "FAILED", "BANNED", "LIMITS", "FILTER", "ACTIONS", "READS")
    if rows:
        print_table(Table("", columns, [_cells(row) for row in rows], frozenset({"FAILED", "BANNED"})))
    else:
        print("No jail is enabled.")
    for row in rows:
        for remark in row.remarks:
            print(f"{paint(printable(row.name), _COLOURS[row.state])}: {printable(remark)}")
    if off:
        print(paint(f"{off} more {'is' if off == 1 else 'are'} configured, and off: --all", "dim"))


def _cells(row: JailRow) -> list[str]:
    limits = ""
    if row.maxretry is not None and row.findtime is not None and row.bantime is not None:
        limits = f"{row.maxretry} in {span(row.findtime)}: {span(row.bantime)}"
    counts = ("" if count is None else str(count) for count in (row.failed, row.banned))
    return [row.name, row.state, *counts, limits, row.filter, ", ".join(row.actions), ", ".join(row.reads)]
