"""The `fail2ban-regex` that administrators know: try expressions or a filter on a log or on a line (COMPAT 7).

Every expression is tried on every line, age does not matter, and the exit status is 0 whatever was found; 255 says
that it could not be tried at all.
"""

from __future__ import annotations

import argparse
import locale
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from sekisho import __version__
from sekisho.cli.journal_lines import JournalError, journal_lines
from sekisho.cli.logtext import admitted_year, read_blocks, resolved, split_lines
from sekisho.cli.regex_output import Output, parse_output
from sekisho.cli.regex_report import Report, Wishes
from sekisho.config.brackets import parse_brackets
from sekisho.config.files import STOCK
from sekisho.config.load import DIRECTORIES, ConfigError, load, load_filter
from sekisho.match.datepattern import parse_datepatterns
from sekisho.match.filter import CompiledFilter, compile_filter
from sekisho.match.matcher import Matcher
from sekisho.match.rule import RuleError
from sekisho.model.specs import FilterSpec

DONE, FAILED = 0, 255
_PROGRAM = "fail2ban-regex"
_ABOUT = """\
LOG is a file, a line (or several, with real newlines), or systemd-journal[options].
REGEX is an expression, a filter's file, or the name of a jail or of a filter, with options (sshd[mode=aggressive]).
IGNOREREGEX replaces the filter's own."""
_LEVELS = ("critical", "error", "warning", "notice", "info", "msg", "debug", "tracedebug", "heavydebug")
_SHORT = 53  # characters of a line shown above the report


class Unusable(Exception):  # noqa: N818 - ends the command, with a text for the user
    """What was asked cannot be tried; the text says why."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """Where the expressions come from: `heading` is how the report names that."""

    spec: FilterSpec
    heading: tuple[str, ...]
    usedns: str | None = None
    logtimezone: str | None = None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"{self.format_usage()}\nERROR: {message}")
        raise SystemExit(FAILED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    parser = build_parser()
    try:
        args = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    except SystemExit as end:
        return int(end.code or 0)
    if args.version or args.V:
        print(__version__ if args.V else f"{_PROGRAM} {__version__}")
        return DONE
    if not args.log or args.regex is None:
        print(parser.format_help())
        print("ERROR: provide both <LOG> and <REGEX>.")
        return FAILED
    try:
        run(args)
    except (Unusable, RuleError, ConfigError, JournalError, OSError) as error:
        print(f"ERROR: {error}")
        return FAILED
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def build_parser() -> argparse.ArgumentParser:
    """The command line, as COMPAT 7 has it."""
    parser = _Parser(
        prog=_PROGRAM,
        description="Try expressions or a filter on a log.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("log", nargs="?", metavar="LOG")
    add("regex", nargs="?", metavar="REGEX")
    add("ignoreregex", nargs="?", metavar="IGNOREREGEX")
    add("-c", "--config", metavar="DIR", help="configuration directory")
    add("-d", "--datepattern", metavar="PATTERN", help="how dates are written")
    add("--timezone", "--TZ", dest="timezone", metavar="ZONE", help="zone of dates that name none (logtimezone)")
    add("-e", "--encoding", metavar="CODEC", help="the log's encoding")
    add("-r", "--raw", action="store_true", help="host names are not looked up")
    add("--usedns", metavar="MODE", help="yes, warn, no or raw")
    add("-L", "--maxlines", type=int, metavar="N", help="lines that an expression may reach over")
    add("-m", "--journalmatch", metavar="MATCH", help="which journal entries to try")
    add("-l", "--log-level", default="critical", metavar="LEVEL", help="accepted; remarks go to the report")
    add("-V", action="store_true", help="print the version for programs")
    add("--version", action="store_true", help="print the version")
    add("-v", "--verbose", action="count", default=0, help="list every expression and who was found")
    add("--verbosity", type=int, default=None, metavar="N", help="verbosity as a number")
    add("--verbose-date", "--VD", action="store_true", help="show the expressions of date templates")
    add("-D", "--debuggex", action="store_true", help="add links to debuggex.com")
    add("--no-check-all", action="store_true", help="stop at the first expression that matches, as the daemon does")
    add("-o", "--out", metavar="TOKEN", help="print results only: id, ip, msg, row, a group, or text with <tags>")
    add("-i", "--invert", action="store_true", help="with -o msg: the lines that do not match")
    for kind in ("missed", "ignored"):
        add(f"--print-no-{kind}", action="store_true", help=f"do not list {kind} lines")
    for kind in ("matched", "missed", "ignored"):
        add(f"--print-all-{kind}", action="store_true", help=f"list all {kind} lines")
    add("-t", "--log-traceback", action="store_true", help=argparse.SUPPRESS)
    add("--full-traceback", action="store_true", help=argparse.SUPPRESS)
    return parser


def run(args: argparse.Namespace) -> None:
    """Try it, and print what was found. Raises Unusable, RuleError, ConfigError, JournalError, OSError."""
    if args.log_level.lower() not in _LEVELS and not args.log_level.isdigit():
        raise Unusable(f"Invalid log level {args.log_level!r}")
    say = print if args.out is None else _say_nothing
    now = time.time()
    say("\nRunning tests\n=============\n")
    directory = Path(args.config) if args.config else next((path for path in DIRECTORIES if path.is_dir()), None)
    rules = _find_rules(args, directory)
    say("\n".join(rules.heading))
    if args.ignoreregex is not None:
        ignores, heading = _ignores(args.ignoreregex, directory)
        rules = replace(rules, spec=replace(rules.spec, ignoreregex=ignores))
        say(heading)
    compiled = compile_filter(
        rules.spec,
        usedns="raw" if args.raw else args.usedns or rules.usedns,
        logtimezone=args.timezone or rules.logtimezone,
        logencoding=args.encoding or "auto",
        last_year=admitted_year(now),
    )
    if args.verbose_date:
        say("\n".join(f"|  {each.name} : {each.regex.pattern}" for each in compiled.detector.templates))
    headings, lines = _find_lines(args, compiled)
    say("\n".join(headings) + "\n")
    _try(args, compiled, lines, now=now, output=None if args.out is None else parse_output(args.out))


def _say_nothing(_text: str) -> None:
    """With `-o`, only results are printed."""


def _try(
    args: argparse.Namespace,
    compiled: CompiledFilter,
    lines: Iterator[tuple[str, float | None]],
    *,
    now: float,
    output: Output | None,
) -> None:
    matcher = Matcher(compiled, jail=_PROGRAM)
    report = Report(compiled, _wishes(args), now)
    begin = time.perf_counter()
    for line, stamp in lines:
        if not line or line.startswith("#"):
            continue
        verdict = resolved(matcher.examine(line, now=now, stamp=stamp, check_all=not args.no_check_all))
        if output is None:
            report.add(line, verdict)
        else:
            output.write(line, verdict, inverted=args.invert)
    if output is None:
        print(report.render(time.perf_counter() - begin))


def _wishes(args: argparse.Namespace) -> Wishes:
    listed = {kind for kind in ("missed", "ignored") if not getattr(args, f"print_no_{kind}")}
    unlimited = {kind for kind in ("matched", "missed", "ignored") if getattr(args, f"print_all_{kind}")}
    return Wishes(
        verbose=(args.verbose if args.verbosity is None else args.verbosity) > 0,
        debuggex=args.debuggex,
        listed=frozenset(listed | unlimited),
        unlimited=frozenset(unlimited),
    )


# -- the expressions


def _find_rules(args: argparse.Namespace, directory: Path | None) -> _Rules:
    journal = args.log.startswith("systemd-journal")
    rules = _jail_rules(args.regex, directory) or _filter_rules(args.regex, directory, journal=journal)
    spec = rules.spec if rules else FilterSpec(_PROGRAM, (args.regex,))
    if args.maxlines is not None:
        if args.maxlines < 1:
            raise Unusable(f"maxlines must be at least 1, not {args.maxlines}")
        spec = replace(spec, maxlines=args.maxlines)
    if args.datepattern is not None:
        spec = replace(spec, datepattern=(args.datepattern,))
    settings = [f"Use         maxlines : {spec.maxlines}"] if rules or args.maxlines is not None else []
    if spec.datepattern:
        templates = parse_datepatterns(spec.datepattern)
        name = templates[0].name if len(templates) < 3 else "Default Detectors"
        settings.append(f"Use      datepattern : {chr(10).join(spec.datepattern)} : {name}")
    if rules is None:
        return _Rules(spec, (*settings, f"Use   failregex line : {_shortened(args.regex)}"))
    return replace(rules, spec=spec, heading=(*rules.heading, *settings))


def _jail_rules(text: str, directory: Path | None) -> _Rules | None:
    if directory is None or not re.fullmatch(r"[\w-]+", text) or not directory.is_dir():
        return None
    jail = next((jail for jail in load(directory).jails if jail.name == text), None)
    if jail is None:
        return None
    heading = (
        f"Use             jail : {text}",
        f"Use   failregex filter file : {jail.filter.name}, basedir: {directory}",
    )
    return _Rules(jail.filter, heading, jail.usedns, jail.logtimezone)


def _filter_rules(text: str, directory: Path | None, *, journal: bool) -> _Rules | None:
    try:
        name, options = parse_brackets(text)
    except ValueError:
        return None
    bare = name.removeprefix("filter.d/")
    if Path(name).is_file():
        name = str(Path(name).resolve())
    elif re.fullmatch(r"[\w.-]+", bare) and _is_filter(bare, directory):
        name = re.sub(r"\.(conf|local)$", "", bare)
    else:
        return None
    spec = load_filter(directory, name, options, journal=journal)
    path = Path(text)
    base = path.parent.parent if path.is_file() and path.parent.name == "filter.d" else directory or STOCK
    heading = [f"Use   failregex filter file : {Path(name).stem if '/' in name else name}, basedir: {base}"]
    if options:
        heading.append(f"Use   filter options : {options}")
    return _Rules(spec, tuple(heading))


def _is_filter(name: str, directory: Path | None) -> bool:
    stem = re.sub(r"\.(conf|local)$", "", name)
    places = [STOCK, *([directory] if directory else [])]
    return any((place / "filter.d" / f"{stem}{end}").is_file() for place in places for end in (".conf", ".local"))


def _ignores(text: str, directory: Path | None) -> tuple[tuple[str, ...], str]:
    """The expressions that replace the filter's ignoreregex, and how the report names them."""
    if text and Path(text).is_file():
        return load_filter(directory, str(Path(text).resolve())).ignoreregex, f"Use ignoreregex file : {text}"
    return ((text,) if text else ()), f"Use ignoreregex line : {_shortened(text)}"


# -- the lines


def _find_lines(
    args: argparse.Namespace, compiled: CompiledFilter
) -> tuple[list[str], Iterator[tuple[str, float | None]]]:
    text: str = args.log
    if re.match(r"systemd-journal(\[|$)", text):
        matches = [args.journalmatch] if args.journalmatch else list(compiled.spec.journalmatch)
        heading = ["Use         systemd journal", "Use         encoding : UTF-8"]
        if matches:
            heading.append(f"Use    journal match : {' + '.join(matches)}")
        return heading, _from_journal(parse_brackets(text)[1], matches)
    if len(text) < 4096 and "\n" not in text and Path(text).is_file():
        encoding = args.encoding or locale.getpreferredencoding(do_setlocale=False)
        heading = [f"Use         log file : {text}", f"Use         encoding : {encoding}"]
        return heading, _from_file(Path(text), compiled)
    lines = text.split("\n")
    if len(lines) == 1:
        heading = [f"Use      single line : {_shortened(text)}"]
    else:
        heading = [f"Use      multi line : {len(lines)} line(s)"]
        heading += [f"| {number:2d}: {_shortened(line)}" for number, line in enumerate(lines, 1)] + ["`-"]
    return heading, ((line, None) for line in lines)


def _from_file(path: Path, compiled: CompiledFilter) -> Iterator[tuple[str, float | None]]:
    with path.open("rb") as log:
        for block in read_blocks(log):
            for raw in split_lines(block):
                yield compiled.decode(raw)[0], None


def _from_journal(options: Mapping[str, str], matches: Sequence[str]) -> Iterator[tuple[str, float | None]]:
    yield from journal_lines(options, matches)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 3]}..."


if __name__ == "__main__":
    sys.exit(main())
