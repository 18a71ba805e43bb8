"""Where the expressions of a fail2ban-regex come from: the command line, a jail, a filter by name or file (COMPAT 7).

A word is taken for a jail's name first, then for a filter; what is neither is an expression.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os.path import dirname, isfile
from pathlib import Path

from sekisho.config.brackets import parse_brackets
from sekisho.config.files import STOCK
from sekisho.config.load import load, load_filter, options_of_filter
from sekisho.match.datepattern import parse_datepatterns
from sekisho.model.specs import FilterSpec

_SHORT = 53  # characters of a line shown above the report
_JAIL = re.compile(r"[\w-]+")
_FILTER = re.compile(r"(?:filter\.d/)?([\w.-]+?)(\.conf|\.local)?")


class Unusable(Exception):  # noqa: N818 - ends the command, with a text for the user
    """What was asked cannot be tried; the text says why."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the command line says of the rules. None: nothing. `directory_name` is the directory as it was written."""

    regex: str
    ignoreregex: str | None = None
    directory: Path | None = None
    directory_name: str = ""
    maxlines: int | None = None
    datepattern: str | None = None
    journal: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The expressions, with what a jail says beside them; `heading` is how the report names where they come from.

    `says_maxlines`: the filter itself says how many lines an expression may reach over, be it one.
    """

    spec: FilterSpec
    heading: tuple[str, ...]
    says_maxlines: bool = False
    usedns: str | None = None
    logtimezone: str | None = None


def choose_rules(chosen: Chosen) -> Rules:
    """The rules that were chosen. Raises Unusable, RuleError, ConfigError."""
    if chosen.maxlines is not None and chosen.maxlines < 1:
        raise Unusable("maxlines must be integer greater than zero")
    given = _settings(chosen.maxlines, chosen.datepattern)
    found = _jail(chosen) or _filter(chosen)
    if found is None:
        found = Rules(
            FilterSpec("fail2ban-regex", (chosen.regex,)), (f"Use   failregex line : {shortened(chosen.regex)}",)
        )
        own = []
    else:
        lines = found.spec.maxlines if chosen.maxlines is None and found.says_maxlines else None
        dates = "\n".join(found.spec.datepattern) if chosen.datepattern is None else None
        own = _settings(lines, dates or None)
    spec = replace(
        found.spec,
        maxlines=chosen.maxlines or found.spec.maxlines,
        datepattern=tuple(chosen.datepattern.split("\n")) if chosen.datepattern else found.spec.datepattern,
    )
    heading = [*given, *found.heading, *own]
    if chosen.ignoreregex is not None:
        ignores, told = _ignores(chosen.ignoreregex, chosen.directory)
        spec = replace(spec, ignoreregex=ignores)
        heading.append(told)
    return replace(found, spec=spec, heading=tuple(heading))


def shortened(text: str) -> str:
    """A text as it is shown above the report."""
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 3]}..."


def _settings(maxlines: int | None, datepattern: str | None) -> list[str]:
    told = [f"Use         maxlines : {maxlines}"] if maxlines is not None else []
    if datepattern is not None:
        templates = parse_datepatterns(datepattern.split("\n"))
        name = templates[0].name if len(templates) < 3 else "Default Detectors"
        told.append(f"Use      datepattern : {datepattern} : {name}")
    return told


def _jail(chosen: Chosen) -> Rules | None:
    directory, name = chosen.directory, chosen.regex
    if directory is None or not _JAIL.fullmatch(name) or not directory.is_dir():
        return None
    jail = next((jail for jail in load(directory).jails if jail.name == name), None)
    if jail is None:
        return None
    heading = (f"Use             jail : {name}", _told(jail.filter.name, chosen.directory_name))
    return Rules(jail.filter, heading, jail.filter.maxlines > 1, jail.usedns, jail.logtimezone)


def _filter(chosen: Chosen) -> Rules | None:
    try:
        name, options = parse_brackets(chosen.regex)
    except ValueError:
        return None
    if isfile(name):  # noqa: PTH113 - Path raises where a name is too long
        path = str(Path(name).resolve())
        base = dirname(dirname(name)) if "/" in name else chosen.directory_name  # noqa: PTH120 - as it was written
        return _from_file(chosen, path, options, _told(Path(name).stem, base or str(Path(path).parent.parent)))
    found = _FILTER.fullmatch(name)
    if found is None or not _is_filter(found[1], found[2], chosen.directory):
        return None
    return _from_file(chosen, found[1], options, _told(found[1], chosen.directory_name or str(STOCK)))


def _from_file(chosen: Chosen, name: str, options: Mapping[str, str], told: str) -> Rules:
    heading = [told, f"Use   filter options : {options}"] if options else [told]
    spec = load_filter(chosen.directory, name, options, journal=chosen.journal)
    return Rules(spec, tuple(heading), "maxlines" in options_of_filter(chosen.directory, name, options))


def _is_filter(stem: str, end: str | None, directory: Path | None) -> bool:
    ends = (end,) if end else (".conf", ".local")
    places = [STOCK, *([directory] if directory else [])]
    return any((place / "filter.d" / f"{stem}{each}").is_file() for place in places for each in ends)


def _told(name: str, base: str) -> str:
    return f"Use   failregex filter file : {name}, basedir: {base}"


def _ignores(text: str, directory: Path | None) -> tuple[tuple[str, ...], str]:
    """The expressions that replace the filter's ignoreregex, and how the report names them."""
    if isfile(text):  # noqa: PTH113 - Path raises where a name is too long
        return load_filter(directory, str(Path(text).resolve())).ignoreregex, f"Use ignoreregex file : {text}"
    return (text,), f"Use ignoreregex line : {shortened(text)}"
