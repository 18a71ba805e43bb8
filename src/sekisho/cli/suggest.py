"""Suggest the jails for what runs on this host, as a jail.local that says why; --write puts it there.

Looks at processes, installed programs, log files and units, and changes nothing. No jail is suggested that has nothing
to read. --write never touches a file that exists: beside a jail.local it writes jail.d/suggested.conf, over which the
jail.local wins.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from sekisho.cli.beautify import printable
from sekisho.cli.inventory import Inventory
from sekisho.cli.reach import DONE, complain
from sekisho.cli.suggestion import Candidate, render, suggest
from sekisho.cli.tables import print_json
from sekisho.config.catalogue import read_catalogue
from sekisho.config.errors import ConfigError
from sekisho.config.files import Files
from sekisho.config.interpolate import Scope
from sekisho.config.layers import Merged, merge
from sekisho.config.load import DIRECTORIES, constants_of, find_directory_or_stock, load_filter
from sekisho.config.options import parse_bool, parse_lines
from sekisho.config.server import read_server

EXAMPLES = """\
sekisho suggest                    what a jail.local for this host would hold, and why
sekisho suggest --write            the same, written where the server will read it
sekisho suggest --root /mnt        for the host whose disk is mounted there
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--write", action="store_true", help="write it: jail.local, or else jail.d/suggested.conf")
    parser.add_argument("--root", metavar="DIR", default="/", help="where the host's files are [/]")
    parser.add_argument("-c", "--config", metavar="DIR", help="the configuration [/etc/sekisho, else /etc/fail2ban]")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(args: argparse.Namespace) -> int:
    """Print what is suggested, or write it; 1 when it cannot be written."""
    root = Path(args.root)
    try:
        directory = find_directory_or_stock(args.config, root=root)
    except ConfigError as error:
        return complain(str(error))
    files = Files(directory, root=root)
    merged = merge(files, "jail")
    enabled = [jail for jail, scope in _scopes(files, merged).items() if _is_on(scope)]
    candidates = [each for each in read_candidates(files, merged) if each.jail not in enabled]
    suggestions, omissions = suggest(candidates, Inventory(root))
    if not enabled and all(each.reads.startswith("the bans") for each in suggestions):
        suggestions = []  # nobody will be banned, let alone twice
    head = [f"Suggested by `sekisho suggest` for {files.system.name}."]
    if enabled:
        head.append(f"Enabled already: {', '.join(enabled)}.")
    if not suggestions:
        head.append("Nothing else was found that a jail would protect.")
    lines = list(render(suggestions, omissions, head))
    written = None
    if args.write and not suggestions:
        return complain("there is nothing to write: no other service was found that a jail would protect")
    if args.write:
        try:
            written = _write("\n".join(lines) + "\n", directory or root / DIRECTORIES[0].relative_to("/"))
        except OSError as error:
            return complain(str(error))
    if args.json:
        print_json(
            {
                "system": asdict(files.system),
                "enabled": enabled,
                "jails": [asdict(each) for each in suggestions],
                "left_out": [asdict(each) for each in omissions],
                "written": written and str(written),
            }
        )
    elif written:
        print(f"{printable(str(written))} is written; look it over, and then: sekisho check, sekisho reload")
    else:
        print("\n".join(map(printable, lines)))
    return DONE


def read_candidates(files: Files, jails: Merged) -> Iterator[Candidate]:
    """Yield the jails of the tree whose filters are in the catalogue, as far as they can be understood."""
    constants = constants_of(files.directory)
    own_log = read_server(merge(files, "fail2ban"), {}, constants)[0].logtarget
    scopes = _scopes(files, jails)
    entries = {jail: entry for entry in read_catalogue(files, jails, constants) for jail in entry.jails}
    for jail, scope in scopes.items():
        if jail not in entries:
            continue
        entry = entries[jail]
        try:
            journalmatch = load_filter(files.directory, entry.filter).journalmatch
            logs = parse_lines(scope.expand("logpath") or "")
            backend = scope.expand("backend") or ""
        except ConfigError:  # a mistake that check tells
            continue
        logpaths = tuple(log.removesuffix(" head").removesuffix(" tail") for log in logs)
        yield Candidate(
            jail,
            entry,
            logpaths,
            journalmatch,
            reads_journal=backend.strip().startswith("systemd"),
            feeds_itself=entry.filter == "recidive" and own_log in logpaths,
        )


def _scopes(files: Files, jails: Merged) -> dict[str, Scope]:
    constants = constants_of(files.directory)
    return {jail: Scope(jails, jail, constants=constants) for jail in jails.sections if jail != "DEFAULT"}


def _is_on(scope: Scope) -> bool:
    try:
        return parse_bool(scope.expand("enabled") or "false")
    except (ConfigError, ValueError):  # a mistake that check tells
        return False


def _write(text: str, directory: Path) -> Path:
    """Write a new file that the server will read, and return its path; raises OSError, which says what to do."""
    path = directory / "jail.local"
    if path.exists():
        path = directory / "jail.d" / "suggested.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        remedy = "move what you want of it to jail.local, and remove it"
        raise FileExistsError(f"{path} exists, and is left as it is: {remedy}") from None
    return path
