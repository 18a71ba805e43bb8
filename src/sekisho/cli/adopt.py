"""What `sekisho adopt` finds out and prints: the bans by jail, what differs, the logs' verdicts, how to switch.

Who takes the bans over is handed in, since this room knows of no ledger.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sekisho.cli.adopt_fail2ban import NoFail2ban, read_stream
from sekisho.cli.adopt_shadow import Shadow, run_shadow
from sekisho.cli.beautify import printable
from sekisho.cli.tables import Table, paint, print_table
from sekisho.config.comparison import REFUSED, Difference, compare
from sekisho.config.fail2ban_database import find_database
from sekisho.config.load import ConfigError, find_directory, load
from sekisho.config.stream import stream_of
from sekisho.model.adoption import AdoptionError, Outcome
from sekisho.model.problem import Problem, Severity
from sekisho.model.specs import Configuration

DONE, FAILED, MISUSED = 0, 1, 2

FAIL2BAN = Path("/etc/fail2ban")

SWITCH = ("systemctl disable --now fail2ban", "systemctl enable --now sekisho")
BACK = ("systemctl disable --now sekisho", "systemctl enable --now fail2ban")

Hands = Callable[[Path, Configuration], Outcome]
"""Does something about the bans in a database; raises AdoptionError."""

EXAMPLES = """\
sekisho adopt --dry-run                        what there is, and what differs; nothing is taken over
sekisho adopt                                  take over; again later: what is new since
sekisho adopt --shadow /var/log/auth.log       and compare both engines' verdicts on a log
sekisho adopt -c ./etc --from ./copy.sqlite3   another tree, another database
"""

_LONGEST = 60  # characters of a value in a table; --json has it whole
_MOST_REMARKS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("-c", "--config", metavar="DIR", help=f"Fail2ban's configuration [{FAIL2BAN}]")
    parser.add_argument("--from", dest="database", metavar="DATABASE", help="its database [as its fail2ban.conf says]")
    parser.add_argument("-n", "--dry-run", action="store_true", help="take nothing over, only tell")
    parser.add_argument("--shadow", nargs="+", default=[], metavar="LOG", help="compare the verdicts on these logs")
    parser.add_argument("--jail", metavar="NAME", help="with --shadow: by this jail's rules, whatever logs it reads")
    parser.add_argument("--json", action="store_true", help="one JSON document")


@dataclass(frozen=True, slots=True)
class Report:
    """All that there is to say. `compared` is why Fail2ban was not asked, empty where it was."""

    directory: Path
    database: Path | None
    outcome: Outcome | None
    trouble: str
    configuration: Configuration
    differences: Mapping[str, tuple[Difference, ...]]
    uncompared: str
    shadows: tuple[Shadow, ...]


def run_with(args: argparse.Namespace, *, look: Hands, take_over: Hands) -> int:
    """Look or take over, and report; 1 where the bans could not be, 2 where there is no such configuration."""
    directory = Path(args.config) if args.config else FAIL2BAN
    try:
        find_directory(str(directory))
        configuration = load(directory)
        ours = configuration if args.config else load(find_directory(None))
    except ConfigError as error:
        print(f"sekisho adopt: {printable(str(error))}", file=sys.stderr)
        return MISUSED
    if args.jail and not args.shadow:
        print("sekisho adopt: --jail goes with --shadow", file=sys.stderr)
        return MISUSED
    report = _find_out(args, directory, configuration, ours, look if args.dry_run else take_over)
    if args.json:
        print(json.dumps(_document(report), indent=2))
    else:
        _print(report)
    return FAILED if report.trouble or any(shadow.trouble for shadow in report.shadows) else DONE


def _find_out(
    args: argparse.Namespace, directory: Path, configuration: Configuration, ours: Configuration, adopt: Hands
) -> Report:
    database = Path(args.database) if args.database else find_database(directory)
    outcome, trouble, uncompared = None, "", ""
    differences: Mapping[str, tuple[Difference, ...]] = {}
    if configuration.broken or ours.broken:
        trouble = "the configuration cannot be used: see sekisho check"
    elif database is None:
        trouble = "Fail2ban keeps no database there (dbfile = None): there is nothing to take over"
    else:
        try:
            outcome = adopt(database, ours)
        except AdoptionError as error:
            trouble = str(error)
    try:
        differences = compare(read_stream(directory), stream_of(configuration))
    except NoFail2ban as error:
        uncompared = str(error)
    shadows = () if configuration.broken else run_shadow(directory, args.shadow, jail=args.jail)
    return Report(directory, database, outcome, trouble, configuration, differences, uncompared, tuple(shadows))


def _print(report: Report) -> None:
    print(f"Fail2ban's configuration: {printable(str(report.directory))}")
    print(f"Fail2ban's database: {printable(str(report.database or 'none'))}\n")
    if report.outcome is not None:
        _print_outcome(report.outcome, report.configuration)
    if report.trouble:
        print(paint(f"No ban was taken over: {printable(report.trouble)}", "bold red"))
    print()
    _print_differences(report)
    for shadow in report.shadows:
        print()
        _print_shadow(shadow)
    if not report.trouble:
        print("\nTo switch:")
        print("".join(f"  {line}\n" for line in SWITCH) + "To go back:")
        print("".join(f"  {line}\n" for line in BACK), end="")


def _print_outcome(outcome: Outcome, configuration: Configuration) -> None:
    jails = sorted({*outcome.standing, *outcome.past, *outcome.known})
    runs = {jail.name for jail in configuration.jails}
    rows = [
        (
            name,
            *(str(numbers.get(name, 0)) for numbers in (outcome.standing, outcome.past, outcome.known)),
            "" if name in runs else "not enabled: its bans wait in the ledger",
        )
        for name in jails
    ]
    total = sum(outcome.standing.values())
    done = {
        "nobody": f"{total} bans stand; nothing was taken over, as you wished",
        "daemon": f"{total} bans taken over by the running daemon, and in force",
        "ledger": f"{total} bans taken over into the ledger"
        + (f", {outcome.barred} in the firewall already" if outcome.barred else ""),
    }[outcome.by]
    names = ("jail", "standing", "over", "known already", "")
    print_table(Table(done, names, rows, frozenset(names[1:4])) if rows else Table(done, ("jail",), ()))
    for text in outcome.troubles:
        print(paint(printable(text), "red"))
    if outcome.unread:
        print(f"{outcome.unread} rows of the database could not be read:")
        for remark in outcome.remarks[:_MOST_REMARKS]:
            print(f"  {printable(remark)}")
        if outcome.unread > _MOST_REMARKS:
            print(f"  ... and {outcome.unread - _MOST_REMARKS} more (--json tells which)")


def _print_differences(report: Report) -> None:
    natives = [
        f"{jail.name} ({', '.join(native)})"
        for jail in report.configuration.jails
        if (native := [action.actname for action in jail.actions if action.native in {"nftables", "ipset"}])
    ]
    if report.uncompared:
        print(f"What Fail2ban makes of the tree is not known: {printable(report.uncompared)}")
    else:
        equal = [name for name, found in report.differences.items() if not found]
        if equal:
            print(f"The same filter, times, logs and actions: {printable(', '.join(equal))}")
        for name, found in report.differences.items():
            if found:
                rows = [(each.what, _short(each.theirs), _short(each.ours)) for each in found]
                print_table(Table(f"{name}: {_meaning(found)}", ("", "Fail2ban", "Sekisho"), rows))
    if natives:
        print(f"Barred by the built-in firewall, without commands: {printable(', '.join(natives))}")
    for problem in _problems(report.configuration):
        print(printable(f"{problem.severity.value + ':':<9}{problem}").replace("\n", " "))


def _meaning(found: Sequence[Difference]) -> str:
    said = {each.what: each for each in found}
    if REFUSED in said:
        who = "Fail2ban" if said[REFUSED].ours is None else "Sekisho" if said[REFUSED].theirs is None else "neither"
        return f"{who} refuses it" if who != "neither" else "both refuse it, in other words"
    return "not as Fail2ban has it"


def _problems(configuration: Configuration) -> list[Problem]:
    return [problem for problem in configuration.problems if problem.severity is Severity.ERROR]


def _short(value: object) -> str:
    text = "(not set)" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _print_shadow(shadow: Shadow) -> None:
    if shadow.trouble:
        print(paint(printable(f"{shadow.log} by {shadow.jail or 'no jail'}: {shadow.trouble}"), "red"))
        return
    heading = (
        f"{shadow.log} by {shadow.jail}: {shadow.lines} lines, {shadow.theirs} failures by Fail2ban,"
        f" {shadow.ours} by Sekisho, {len(shadow.differences)} differences"
    )
    rows = [(str(each.line or "?"), each.theirs, each.ours, each.text) for each in shadow.differences]
    print_table(Table(heading, ("line", "Fail2ban", "Sekisho", "text"), rows, frozenset({"line"}))
                if rows else Table(heading, ("all lines are judged alike",), ()))  # fmt: skip


def _document(report: Report) -> dict[str, Any]:
    return {
        "directory": str(report.directory),
        "database": None if report.database is None else str(report.database),
        "taken": None if report.outcome is None else asdict(report.outcome),
        "trouble": report.trouble,
        "compared": not report.uncompared,
        "uncompared": report.uncompared,
        "jails": {name: [asdict(each) for each in found] for name, found in report.differences.items()},
        "problems": [problem.document() for problem in report.configuration.problems],
        "shadow": [asdict(shadow) for shadow in report.shadows],
        "switch": list(SWITCH),
        "back": list(BACK),
    }
