"""The `fail2ban-regex` that administrators know: try expressions or a filter on a log or on a line (COMPAT 7).

Every expression is tried on every line, age does not matter, and the exit status is 0 whatever was found; 255 says
that it could not be tried at all, or not to the end.

What a stranger wrote is shown as it is to a program that reads our output, and escaped on a terminal.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sekisho import __version__
from sekisho.cli.beautify import printable
from sekisho.cli.journal_lines import JournalError
from sekisho.cli.regex_lines import find_lines, shortened
from sekisho.cli.regex_output import Output, parse_output
from sekisho.cli.regex_progress import with_bar
from sekisho.cli.regex_report import MOST_LINES, Report, Wishes
from sekisho.cli.regex_rules import find_rules
from sekisho.cli.regex_trial import Trial
from sekisho.config.load import DIRECTORIES, ConfigError
from sekisho.match.rule import RuleError

DONE, FAILED = 0, 255
_PROGRAM = "fail2ban-regex"
_ABOUT = """\
LOG is a file, a line (or several, with real newlines), or systemd-journal[options].
REGEX is an expression, a filter's file, or the name of a jail or of a filter, with options (sshd[mode=aggressive]).
IGNOREREGEX, an expression or a filter's file, replaces the filter's own."""
_LEVELS = ("critical", "error", "warning", "notice", "info", "msg", "debug", "tracedebug", "heavydebug")
_OPPOSITES = ("missed", "ignored")


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    parser = build_parser()
    try:
        args = parser.parse_intermixed_args(sys.argv[1:] if arguments is None else arguments)
    except SystemExit as end:
        return int(end.code or 0)
    if args.version or args.V:
        print(__version__ if args.V else f"{_PROGRAM} {__version__}")
        return DONE
    if (mistake := _misused(args)) is not None:
        print(parser.format_help())
        print(f"ERROR: {mistake}", file=sys.stderr)
        return FAILED
    try:
        return run(args)
    except (RuleError, ConfigError, JournalError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # the reader of our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return DONE
        _say(f"ERROR: {error}")
        return FAILED


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
    add("-L", "--maxlines", type=int, metavar="N", help="lines that an expression may reach over, and lines listed")
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
    for kind in _OPPOSITES:
        add(f"--print-no-{kind}", action="store_true", help=f"do not list {kind} lines")
    for kind in ("matched", *_OPPOSITES):
        add(f"--print-all-{kind}", action="store_true", help=f"list all {kind} lines")
    add("-t", "--log-traceback", action="store_true", help=argparse.SUPPRESS)
    add("--full-traceback", action="store_true", help=argparse.SUPPRESS)
    return parser


def _misused(args: argparse.Namespace) -> str | None:
    """What is wrong with the words of the command line, if anything."""
    for kind in _OPPOSITES:
        if getattr(args, f"print_no_{kind}") and getattr(args, f"print_all_{kind}"):
            return f"--print-no-{kind} and --print-all-{kind} are mutually exclusive."
    return "provide both <LOG> and <REGEX>." if args.log is None or args.regex is None else None


def run(args: argparse.Namespace) -> int:
    """Try it, and print what was found; the exit status. Raises RuleError, ConfigError, JournalError, OSError."""
    _say_above(args, "\nRunning tests\n=============\n")
    if args.log_level.lower() not in _LEVELS and not args.log_level.isdigit():
        raise RuleError(f"Invalid log level {args.log_level!r}")
    now = time.time()
    directory = Path(args.config) if args.config else next((path for path in DIRECTORIES if path.is_dir()), None)
    rules = find_rules(args, directory)
    _say_above(args, "\n".join(rules.heading))
    compiled = rules.compiled(args, now=now)
    lines = find_lines(args, compiled)
    _say_above(args, "\n".join(lines.heading) + "\n")
    listener: Output | Report
    if args.out:
        listener = Output(compiled, parse_output(args.out), _say, inverted=args.invert)
    else:
        listener = Report(compiled, _wishes(args), now)
    trial = Trial(compiled, listener, now=now, check_all=not args.no_check_all)
    status, begin = DONE, time.perf_counter()
    try:
        for _ in with_bar(lines.tried_by(trial), lines.size) if not args.out else lines.tried_by(trial):
            pass
    except KeyboardInterrupt:
        print(f"\nInterrupted at the line {printable(shortened(trial.line))!r}", file=sys.stderr)
        status = FAILED
    if isinstance(listener, Report):
        _say(listener.render(time.perf_counter() - begin))
    return status


def _say_above(args: argparse.Namespace, text: str) -> None:
    """Say something above the report; with `-o`, only results are printed."""
    if not args.out:
        _say(text)


def _say(text: str) -> None:
    print(printable(text) if sys.stdout.isatty() else text)


def _wishes(args: argparse.Namespace) -> Wishes:
    listed = {kind for kind in _OPPOSITES if not getattr(args, f"print_no_{kind}")}
    unlimited = {kind for kind in ("matched", *_OPPOSITES) if getattr(args, f"print_all_{kind}")}
    return Wishes(
        verbose=(args.verbose if args.verbosity is None else args.verbosity) > 0,
        verbose_date=args.verbose_date,
        debuggex=args.debuggex,
        listed=frozenset(listed | unlimited),
        unlimited=frozenset(unlimited),
        most=args.maxlines or MOST_LINES,
    )


if __name__ == "__main__":
    sys.exit(main())
