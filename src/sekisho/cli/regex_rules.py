"""Where `fail2ban-regex` takes its expressions from: the command line, a filter, or a jail (COMPAT 7)."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sekisho.cli.logtext import admitted_year
from sekisho.cli.regex_lines import shortened
from sekisho.config.brackets import parse_brackets
from sekisho.config.files import STOCK
from sekisho.config.filters import read_texts
from sekisho.config.load import define_filter, load, load_filter
from sekisho.match.datepattern import parse_datepatterns
from sekisho.match.filter import CompiledFilter, compile_filter
from sekisho.match.rule import RuleError
from sekisho.model.specs import FilterSpec

_SINGLE = 2  # templates that one pattern can become: the one at the start of a line, and the one anywhere
_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Rules:
    """Expressions with the settings of the jail that they come from; `heading` is how the report names them."""

    spec: FilterSpec
    heading: tuple[str, ...]
    usedns: str | None = None
    logtimezone: str | None = None

    def compiled(self, args: argparse.Namespace, *, now: float) -> CompiledFilter:
        """The expressions ready to match; what the command line says goes before what the jail says."""
        return compile_filter(
            self.spec,
            usedns="raw" if args.raw else args.usedns or self.usedns,
            logtimezone=args.timezone or self.logtimezone,
            logencoding=args.encoding or "auto",
            last_year=admitted_year(now),
        )


def find_rules(args: argparse.Namespace, directory: Path | None) -> Rules:
    """The rules that the command line names. Raises ConfigError, RuleError."""
    if args.maxlines is not None and args.maxlines < 0:
        raise RuleError(f"maxlines must not be negative, it is {args.maxlines}")
    journal = args.log.startswith("systemd-journal")
    rules = _of_jail(args, directory) or _of_filter(args, directory, journal=journal) or _of_line(args)
    given = []
    if args.maxlines:
        rules = replace(rules, spec=replace(rules.spec, maxlines=args.maxlines))
        given.append(_maxlines(args.maxlines))
    if args.datepattern:
        rules = replace(rules, spec=replace(rules.spec, datepattern=(args.datepattern,)))
        given.append(_datepattern(rules.spec))
    rules = replace(rules, heading=(*given, *rules.heading))
    return rules if args.ignoreregex is None else _with_ignores(rules, args.ignoreregex, directory)


def _of_line(args: argparse.Namespace) -> Rules:
    return Rules(FilterSpec("fail2ban-regex", (args.regex,)), (f"Use   failregex line : {shortened(args.regex)}",))


def _of_jail(args: argparse.Namespace, directory: Path | None) -> Rules | None:
    name = args.regex
    if directory is None or not re.fullmatch(r"[\w-]+", name) or not directory.is_dir():
        return None
    jail = next((jail for jail in load(directory).jails if jail.name == name), None)
    if jail is None:
        return None
    named = [
        f"Use             jail : {name}",
        f"Use   failregex filter file : {jail.filter.name}, basedir: {directory}",
    ]
    # the parameters that the jail gives its filter decide nothing about whether the filter speaks of maxlines
    settings = _settings(args, jail.filter, directory, jail.filter.name)
    return Rules(jail.filter, (*named, *settings), jail.usedns, jail.logtimezone)


def _of_filter(args: argparse.Namespace, directory: Path | None, *, journal: bool) -> Rules | None:
    try:
        name, options = parse_brackets(args.regex)
    except ValueError:
        return None
    bare, path = name.removeprefix("filter.d/"), Path(name)
    if path.is_file():
        named, name = path.stem, str(path.resolve())
        base = path.parent.parent if path.parent.name == "filter.d" else directory or STOCK
    elif re.fullmatch(r"[\w.-]+", bare) and _is_filter(bare, directory):
        named = name = re.sub(r"\.(conf|local)$", "", bare)
        base = directory or STOCK
    else:
        return None
    spec = load_filter(directory, name, options, journal=journal)
    heading = [f"Use   failregex filter file : {named}, basedir: {base}"]
    if options:
        heading.append(f"Use   filter options : {options}")
    return Rules(spec, (*heading, *_settings(args, spec, directory, name, options)))


def _is_filter(name: str, directory: Path | None) -> bool:
    stem = re.sub(r"\.(conf|local)$", "", name)
    places = [STOCK, *([directory] if directory else [])]
    return any((place / "filter.d" / f"{stem}{end}").is_file() for place in places for end in (".conf", ".local"))


def _settings(
    args: argparse.Namespace, spec: FilterSpec, directory: Path | None, name: str, options: Mapping[str, str] = _NONE
) -> list[str]:
    """How the report names what the filter itself sets, unless the command line has set it already."""
    settings = []
    if not args.maxlines and "maxlines" in read_texts(define_filter(directory, name, options)[1]):
        settings.append(_maxlines(spec.maxlines))
    if not args.datepattern and spec.datepattern:
        settings.append(_datepattern(spec))
    return settings


def _maxlines(number: int) -> str:
    return f"Use         maxlines : {number}"


def _datepattern(spec: FilterSpec) -> str:
    templates = parse_datepatterns(spec.datepattern)
    name = templates[0].name if len(templates) <= _SINGLE else "Default Detectors"
    return f"Use      datepattern : {chr(10).join(spec.datepattern)} : {name}"


def _with_ignores(rules: Rules, text: str, directory: Path | None) -> Rules:
    """The rules with other exceptions than their own."""
    if text and Path(text).is_file():
        ignores, named = load_filter(directory, str(Path(text).resolve())).ignoreregex, "file"
    else:
        ignores, named = (text,), "line"
    heading = (*rules.heading, f"Use ignoreregex {named} : {shortened(text) if named == 'line' else text}")
    return replace(rules, spec=replace(rules.spec, ignoreregex=ignores), heading=heading)
