"""Look for what keeps bans from barring on this host, and say how to mend it.

Rules of others beside ours, a kernel or rights that lack something, ports that nobody listens on, Fail2ban running
too, a journal, log or ledger out of reach. Changes nothing; works without a running daemon. Best called as root.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from sekisho.cli import vitals
from sekisho.cli.beautify import printable
from sekisho.cli.diagnosis import (
    Finding,
    Level,
    judge_chains,
    judge_configuration,
    judge_daemon,
    judge_disk,
    judge_doors,
    judge_journal,
    judge_legacy,
    judge_log,
    judge_nft,
    judge_rights,
    judge_rivals,
)
from sekisho.cli.ipset_diagnosis import judge_front, judge_ipset
from sekisho.cli.reach import DONE, FAILED, MISUSED, add_reach_arguments, reach
from sekisho.cli.tables import paint, print_json
from sekisho.config.advice.system import judge_system, told_system
from sekisho.config.load import ConfigError, find_directory
from sekisho.config.survey import Survey, survey
from sekisho.control.client import ControlError
from sekisho.model.problem import Severity

EXAMPLES = """\
sekisho doctor                   what is well, and what is not
sekisho doctor --json            one JSON document, for a program
"""

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="one JSON document")
    add_reach_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print every finding; 1 when one is an error."""
    try:
        tree = survey(find_directory(args.config))
    except ConfigError as error:
        print(f"sekisho doctor: {printable(str(error))}", file=sys.stderr)
        return MISUSED
    findings = [*examine(tree), judge_daemon(_ask_daemon(args))]
    if args.json:
        told = [{"level": each.level.value, "what": each.what, "remedy": each.remedy} for each in findings]
        print_json({"findings": told})
    else:
        for each in findings:
            remedy = f" ({each.remedy})" if each.remedy else ""
            print(paint(f"{each.level.value:<9}", _COLOURS[each.level]) + printable(each.what + remedy))
    return FAILED if any(each.level is Level.ERROR for each in findings) else DONE


def examine(tree: Survey) -> Iterator[Finding]:
    """Yield what is found of the host and of what the configuration needs of it."""
    configuration = tree.configuration
    server, jails = configuration.server, configuration.jails
    pid = vitals.read_pid(server.pidfile)
    doubts = [Finding(Level.WARNING, doubt.text, doubt.remedy) for doubt in judge_system(tree)]
    yield from doubts or [Finding(Level.OK, told_system(tree))]
    yield judge_configuration(sum(problem.severity is Severity.ERROR for problem in configuration.problems))
    nft = vitals.find_program("nft")
    natives = {action.native for jail in jails for action in jail.actions} & {"nftables", "ipset"}
    complaint = vitals.try_rules(nft) if nft and "nftables" in natives else ""
    trial = vitals.try_ipset() if "ipset" in natives or ("nftables" in natives and (complaint or not nft)) else None
    if trial is not None and trial.stands_in:
        natives = {"ipset"}
    if "nftables" in natives:
        yield judge_nft(nft, complaint)
    if "ipset" in natives and trial is not None:
        yield from judge_ipset(trial)
        yield from judge_front(vitals.read_front())
    capabilities = vitals.read_capabilities(pid) if pid else 0
    yield judge_rights(*(("the daemon", capabilities) if capabilities else ("this shell", vitals.read_capabilities())))
    if natives != {"ipset"}:
        yield from judge_legacy(vitals.read_legacy())
    if nft and os.geteuid() == 0:
        yield from judge_chains(vitals.read_ruleset(nft))
    yield judge_rivals(vitals.find_rivals(pid))
    yield from judge_doors(vitals.doors_of(jails), vitals.read_listening())
    readers = [jail.name for jail in jails if jail.backend.is_journal]
    yield judge_journal(readers, vitals.try_journal() if readers else "")
    yield judge_log(server.logtarget, vitals.try_log(server.logtarget))
    ledger = Path(server.dbfile or os.devnull)
    yield judge_disk(server.dbfile, vitals.read_free(ledger), vitals.try_file(ledger))


def _ask_daemon(args: argparse.Namespace) -> str:
    try:
        reach(args, ["ping"])
    except ControlError as error:
        return str(error)
    return ""
