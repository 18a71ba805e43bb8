"""The `fail2ban-regex` that administrators know: try expressions or a filter on a log or on a line (COMPAT 7).

Every expression is tried on every line (with `-o`, up to the first that matches), age does not matter, and the exit
status is 0 whatever was found; 255 says that it could not be tried at all, 2 that the command line is none. A log line
is a stranger's text: on a terminal it is shown without anything that a terminal would obey; a pipe gets it as it is,
since scripts compare it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sekisho.cli.beautify import printable
from sekisho.cli.journal_lines import JournalError
from sekisho.cli.logtext import admitted_year
from sekisho.cli.regex_lines import find_lines
from sekisho.cli.regex_output import Output, parse_output
from sekisho.cli.regex_progress import progress_of
from sekisho.cli.regex_report import MOST_LINES, Report, Wishes
from sekisho.cli.regex_rules import Chosen, Unusable, choose_rules
from sekisho.cli.regex_trial import Trial
from sekisho.config.load import DIRECTORIES, ConfigError
from sekisho.control.client import SPEAKS
from sekisho.match.filter import compile_filter
from sekisho.match.rule import RuleError
from sekisho.match.zones import zone_offset

DONE, FAILED, INTERRUPTED = 0, 255, 130
_PROGRAM = "fail2ban-regex"
_ABOUT = """\
LOG is a file, a line (or several, with real newlines), or systemd-journal[options].
REGEX is an expression, a filter's file, or the name of a jail or of a filter, with options (sshd[mode=aggressive]).
IGNOREREGEX replaces the filter's own."""
_LEVELS = ("critical", "error", "warning", "notice", "info", "msg", "debug", "tracedebug", "heavydebug")


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    parser = build_parser()
    try:
        args, others = parser.parse_known_intermixed_args(sys.argv[1:] if arguments is None else arguments)
        if unknown := next((word for word in others if word.startswith("-") and word != "--"), None):
            parser.error(f"no such option: {unknown.partition('=')[0]}")
    except SystemExit as end:
        return int(end.code or 0)
    if args.version or args.V:
        print(SPEAKS if args.V else f"{_PROGRAM} {SPEAKS}")
        return DONE
    if misuse := _misuse(args, others):
        parser.print_help()
        print(f"\nERROR: {misuse}", file=sys.stderr)
        return FAILED
    try:
        run(args)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return INTERRUPTED
    except (Unusable, RuleError, ConfigError, JournalError, OSError, UnicodeError) as error:
        print(_shown(f"ERROR: {error}"))
        return FAILED
    return DONE


def build_parser() -> argparse.ArgumentParser:
    """The command line, as COMPAT 7 has it."""
    parser = argparse.ArgumentParser(
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
    add("-L", "--maxlines", type=int, metavar="N", help="lines that an expression may reach over, and that are listed")
    add("-m", "--journalmatch", metavar="MATCH", help="which journal entries to try")
    add("-l", "--log-level", default="critical", metavar="LEVEL", help="accepted; remarks go to the report")
    add("-V", action="store_true", help="print the version for programs")
    add("--version", action="store_true", help="print the version")
    add("-v", "--verbose", action="count", default=0, help="list every expression and who was found")
    add("--verbosity", dest="verbose", type=int, metavar="N", help="verbosity as a number")
    add("--verbose-date", "--VD", action="store_true", help="with -v: show what the date templates stand for")
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


def _misuse(args: argparse.Namespace, others: Sequence[str]) -> str | None:
    """What is wrong with words that are each known."""
    for kind in ("missed", "ignored"):
        if getattr(args, f"print_no_{kind}") and getattr(args, f"print_all_{kind}"):
            return f"--print-no-{kind} and --print-all-{kind} are mutually exclusive."
    if args.log is None or args.regex is None or [word for word in others if word != "--"]:
        return "provide both <LOG> and <REGEX>."
    return None


def run(args: argparse.Namespace) -> None:
    """Try it, and print what was found. Raises what `main` answers for."""
    if args.log_level.lower() not in _LEVELS and not args.log_level.isdigit():
        raise Unusable(f"Invalid log level {args.log_level!r}")
    say = _say_nothing if args.out else _say
    now = time.time()
    say("\nRunning tests\n=============\n")
    if args.timezone and zone_offset(args.timezone) is None:
        raise Unusable(f"Unknown or unsupported time zone: {args.timezone!r}")
    directory = Path(args.config) if args.config else next((path for path in DIRECTORIES if path.is_dir()), None)
    chosen = Chosen(
        args.regex,
        ignoreregex=args.ignoreregex,
        directory=directory,
        directory_name=args.config or str(directory or ""),
        maxlines=args.maxlines or None,
        datepattern=args.datepattern or None,
        journal=args.log.startswith("systemd-journal"),
    )
    rules = choose_rules(chosen)
    say("\n".join(rules.heading))
    compiled = compile_filter(
        rules.spec,
        usedns=args.usedns or ("raw" if args.raw else rules.usedns),
        logtimezone=args.timezone or rules.logtimezone,
        logencoding=args.encoding or "auto",
        last_year=admitted_year(now),
    )
    log = find_lines(args.log, compiled, encoding=args.encoding, journalmatch=args.journalmatch)
    say("\n".join(log.heading) + "\n")
    sink: Report | Output
    if args.out:
        sink = Output(parse_output(args.out, compiled), _say, args.invert)
    else:
        sink = Report(compiled, _wishes(args), now)
    begin = time.perf_counter()
    with progress_of(log) as advance:
        Trial(compiled, sink, now=now, check_all=not (args.no_check_all or args.out)).run(log, advance)
    if isinstance(sink, Report):
        for line in sink.render(time.perf_counter() - begin):
            _say(line)


def _say_nothing(_text: str) -> None:
    """With `-o`, only results are printed."""


def _say(text: str) -> None:
    print(_shown(text))


def _shown(text: str) -> str:
    return printable(text) if sys.stdout.isatty() else text


def _wishes(args: argparse.Namespace) -> Wishes:
    listed = {kind for kind in ("missed", "ignored") if not getattr(args, f"print_no_{kind}")}
    unlimited = {kind for kind in ("matched", "missed", "ignored") if getattr(args, f"print_all_{kind}")}
    return Wishes(
        verbose=args.verbose > 0,
        dates=args.verbose_date,
        debuggex=args.debuggex,
        listed=frozenset(listed | unlimited),
        unlimited=frozenset(unlimited),
        most=args.maxlines or MOST_LINES,
    )


if __name__ == "__main__":
    sys.exit(main())
