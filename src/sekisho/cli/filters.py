"""Show the filters: which service each is for, what it counts, and an example of it.

With a name, all that is to be known of that filter: its modes, what the service must be told, the jails that use it.
Any other word is looked for in names, services and what counts. Works without a server.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from sekisho.cli.beautify import printable
from sekisho.cli.reach import DONE, complain
from sekisho.cli.tables import Table, paint, print_json, print_table
from sekisho.config.catalogue import Entry, read_catalogue
from sekisho.config.errors import ConfigError
from sekisho.config.files import Files
from sekisho.config.interpolate import Scope
from sekisho.config.layers import merge
from sekisho.config.load import constants_of, find_directory_or_stock

EXAMPLES = """\
sekisho filters                    all of them
sekisho filters postfix            one: modes, notes, an example, the jails that use it
sekisho filters apache webmail     those in which one of these words stands
sekisho filters --json             all of it, for a program
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("words", nargs="*", metavar="FILTER", help="a filter's name, or a word to look for")
    parser.add_argument("-c", "--config", metavar="DIR", help="the configuration [/etc/sekisho, else /etc/fail2ban]")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(args: argparse.Namespace) -> int:
    """Print the filters that were asked for; 1 when there are none."""
    try:
        directory = find_directory_or_stock(args.config)
    except ConfigError as error:
        return complain(str(error))
    files = Files(directory)
    jails, constants = merge(files, "jail"), constants_of(directory)
    entries = read_catalogue(files, jails, constants)
    found = select(entries, args.words)
    if not found:
        return complain(_missing(args.words, files))
    if args.json:
        print_json({"filters": [asdict(entry) for entry in found]})
    elif args.words and (len(found) == 1 or {entry.filter for entry in found} <= set(args.words)):
        scopes = {jail: Scope(jails, jail, constants=constants) for entry in found for jail in entry.jails}
        for entry in found:
            print("\n".join(_page(entry, scopes)))
    else:
        rows = [(entry.filter, _plain(entry.service), _plain(entry.counts)) for entry in found]
        print_table(Table("", ("FILTER", "SERVICE", "COUNTS"), rows))
    return DONE


def select(entries: Sequence[Entry], words: Sequence[str]) -> list[Entry]:
    """Return the filters that are so called, and for a word that names none those in which it stands; without, all."""
    names = {entry.filter for entry in entries}
    wanted = [word.lower() for word in words]
    named = {word for word in wanted if word in names}
    sought = [word for word in wanted if word not in names]
    return [
        entry
        for entry in entries
        if not words or entry.filter in named or any(word in _text_of(entry) for word in sought)
    ]


def _text_of(entry: Entry) -> str:
    return " ".join((entry.filter, entry.service, entry.counts, *entry.programs)).lower()


def _missing(words: Sequence[str], files: Files) -> str:
    names = files.names("filter.d")
    silent = [word for word in words if word in names]
    if silent:
        return f"filter '{silent[0]}' does not describe itself: a section [Catalogue] in its file would"
    near = difflib.get_close_matches(" ".join(words), names, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "all there are: sekisho filters"
    return f"no filter speaks of '{' '.join(words)}'; {hint}"


def _page(entry: Entry, scopes: dict[str, Scope]) -> Iterator[str]:
    """All that is to be known of a filter, a line each."""
    yield f"{paint(printable(entry.filter), 'bold')}: {printable(_plain(entry.service))}"
    yield from _rows("counts", [entry.counts])
    width = max((len(mode) for mode in entry.modes), default=0)
    yield from _rows(
        "modes",
        [
            f"{mode:<{width}}  {text}{' (default)' if mode == entry.default else ''}"
            for mode, text in entry.modes.items()
        ],
    )
    yield from _rows("needs", [entry.needs])
    yield from _rows("note", [entry.note])
    if entry.instead:
        yield from _rows("file", [f"{entry.instead} stands instead of the stock filter, of which this is said"])
    yield from _rows("example", entry.example, is_raw=True)
    yield from _rows("jails", [f"{jail}: {use_of(scopes[jail])}" for jail in entry.jails] or ["none"])


def use_of(scope: Scope) -> str:
    """Return what a jail bars and reads, as far as its options can be told."""
    port, backend = _expand(scope, "port"), _expand(scope, "backend")
    logs = " ".join(_expand(scope, "logpath").split())
    reads = "the journal" if backend.startswith("systemd") else logs or "nothing"
    is_on = _expand(scope, "enabled").lower() in ("true", "yes", "on", "1")
    return f"port {port or 'all'}, reads {reads}{', enabled' if is_on else ''}"


def _expand(scope: Scope, name: str) -> str:
    try:
        return (scope.expand(name) or "").strip()
    except ConfigError:  # a mistake that check tells
        return "?"


def _rows(title: str, texts: Sequence[str], *, is_raw: bool = False) -> Iterator[str]:
    for number, text in enumerate(filter(None, texts)):
        yield f"  {'' if number else title:<9}{printable(text if is_raw else _plain(text))}"


def _plain(text: str) -> str:
    """Return a description without the marks of code, which a terminal does not need."""
    return text.replace("`", "")
