"""Show what the configuration comes to: each value in effect, and the file and line that set it.

`config show` lists the server's options and the jails; `config show JAIL` a jail's options, those of its filter and
of its actions, as they are after everything has been put in. On a terminal, what the stock sets is dim. What a filter
builds its expressions from (`__name`) is in the JSON document only.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from sekisho.cli.beautify import printable
from sekisho.cli.reach import DONE, MISUSED, complain, nearest
from sekisho.cli.tables import paint, print_json
from sekisho.config.errors import ConfigError
from sekisho.config.files import is_stock
from sekisho.config.ini import DEFAULT
from sekisho.config.load import find_directory
from sekisho.config.options import JAIL
from sekisho.config.survey import JailView, Part, Survey, survey
from sekisho.model.problem import Origin
from sekisho.model.specs import ServerSpec

EXAMPLES = """\
sekisho config show               the server's options, and the jails
sekisho config show sshd          all that is in effect for one jail, and who set it
sekisho config show sshd --json   the same, for a program
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("what", choices=["show"], help="show: what is in effect")
    parser.add_argument("jail", nargs="?", metavar="JAIL", help="this jail")
    parser.add_argument("-c", "--config", metavar="DIR", help="the configuration [/etc/sekisho, else /etc/fail2ban]")
    parser.add_argument("--json", action="store_true", help="one JSON document")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A value in effect; `file` None where it is built in, and `stock` where Sekisho's own files set it."""

    name: str
    value: str
    file: str | None = None
    line: int | None = None
    stock: bool = True


def run(args: argparse.Namespace) -> int:
    """Print what is in effect; 1 for a jail that cannot be shown."""
    try:
        directory = find_directory(args.config)
    except ConfigError as error:
        complain(str(error))
        return MISUSED
    tree = survey(directory)
    if args.jail is None:
        groups = {"server": list(_of_server(tree))}
        names = [jail.spec.name for jail in tree.jails]
        if args.json:
            print_json({**_documents(groups), "jails": names})
        else:
            _print(groups)
            print(f"jails: {', '.join(names) or 'none'}")
        return DONE
    jail = next((each for each in tree.jails if each.spec.name == args.jail), None)
    if jail is None:
        return complain(_why_not(tree, args.jail))
    groups = {f"jail {jail.spec.name}": list(_of_jail(jail))}
    for part in jail.parts:
        called = part.spec.actname if part.spec else part.name
        groups[f"{part.folder.removesuffix('.d')} {called}"] = list(_of_part(part, jail))
    if args.json:
        print_json(_documents(groups))
    else:
        _print(groups)
    return DONE


def _why_not(tree: Survey, name: str) -> str:
    known = [section for section in tree.merged.sections if section != DEFAULT]
    if tree.configuration.broken:
        return "the configuration cannot be used; sekisho check tells why"
    if name in tree.configuration.failed:
        return f"jail '{name}' is in error; sekisho check tells why"
    if name in known:
        return f"jail '{name}' is not enabled; set `enabled = true` in its section"
    return f"no jail '{name}'; {nearest(name, known)}"


def _shown(name: str, value: str, origin: Origin | None) -> _Shown:
    if origin is None:
        return _Shown(name, value)
    return _Shown(name, value, origin.file, origin.line or None, is_stock(origin))


def _of_server(tree: Survey) -> Iterator[_Shown]:
    for field in fields(ServerSpec):
        option = tree.general.find("Definition", field.name)
        value = getattr(tree.configuration.server, field.name)
        yield _shown(field.name, str(value), option.origin if option else None)


def _of_jail(jail: JailView) -> Iterator[_Shown]:
    for name, setting in jail.spec.settings.items():
        yield _shown(name, setting.text, setting.origin)
    for row in JAIL:
        if row.name not in jail.spec.settings and row.default:
            yield _shown(row.name, row.default, None)


def _of_part(part: Part, jail: JailView) -> Iterator[_Shown]:
    place = jail.spec.settings["filter" if part.spec is None else "action"].origin
    names = part.definition.names() if part.spec is None else list(part.spec.properties)
    for name in names:
        try:
            value = part.definition.value(name) if part.spec is None else part.spec.properties[name]
        except ConfigError:  # an option that nobody reads may be broken
            continue
        if value is not None:
            yield _shown(
                name, value, None if name in _GIVEN and name not in part.arguments else part.origin(name, place)
            )


_GIVEN = frozenset({"name", "actname", "logtype"})
"""What each action and each filter is given unasked."""


def _documents(groups: dict[str, list[_Shown]]) -> dict[str, Any]:
    return {group: [asdict(each) for each in shown] for group, shown in groups.items()}


def _print(groups: dict[str, list[_Shown]]) -> None:
    for group, shown in groups.items():
        print(paint(printable(group), "bold"))
        for each in (each for each in shown if not each.name.startswith("_")):
            line = f":{each.line}" if each.line else ""
            where = f"{each.file}{line}" if each.file else "built in"
            first, *others = _lines(each.value)
            rows = [f"  {each.name} = {first}", *(f"      {other}" for other in others)]
            rows[-1] += f"    # {where}"
            print("\n".join(paint(row, "dim") if each.stock else row for row in rows))


def _lines(text: str) -> list[str]:
    """The lines of a value, none of which can steer a terminal."""
    return [printable(line) for line in text.strip().split("\n") if line.strip()] or [""]
