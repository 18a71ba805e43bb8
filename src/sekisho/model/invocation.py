"""How `fail2ban-client` and `fail2ban-server` are called: the options that the two share (COMPAT 6.1).

Options end at the first word that is none, so that `set sshd unbanip --report-absent 192.0.2.1` stays whole.
"""

from __future__ import annotations

import enum
import getopt
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sekisho.model.duration import Seconds

_ROWS: tuple[tuple[str, str, str, str], ...] = (
    # short, long, argument, help
    ("-c", "--conf", "DIR", "configuration directory (default: /etc/sekisho, else /etc/fail2ban)"),
    ("-s", "--socket", "FILE", "socket, instead of the one that fail2ban.conf names"),
    ("-p", "--pidfile", "FILE", "pid file, instead of the one that fail2ban.conf names"),
    ("", "--pname", "NAME", "name of the process"),
    ("", "--loglevel", "LEVEL", "what the log holds"),
    ("", "--logtarget", "TARGET", "where the log goes: a file, STDOUT, STDERR, SYSOUT, SYSLOG or SYSTEMD-JOURNAL"),
    ("", "--syslogsocket", "auto|FILE", "where syslog listens"),
    ("-d", "", "", "print the configuration as the commands that it stands for"),
    ("", "--dp", "", "the same, laid out for reading"),
    ("", "--dump-pretty", "", ""),
    ("-t", "--test", "", "check the configuration; a command after it runs only if it is good"),
    ("-i", "", "", "interactive: read commands from the terminal"),
    ("-v", "", "", "say more (may be repeated)"),
    ("-q", "", "", "say less"),
    ("-x", "", "", "start even if a socket is left behind"),
    ("-b", "", "", "start in the background (default)"),
    ("-f", "", "", "start in the foreground"),
    ("", "--async", "", ""),
    ("", "--timeout", "TIME", "how long to wait for the server (default: 30 seconds)"),
    ("", "--str2sec", "TIME", "print a time as seconds"),
    ("-h", "--help", "", "print this help"),
    ("-V", "", "", "print the version, for programs"),
    ("", "--version", "", "print the version"),
)
_OVERRIDES = {
    "-s": "socket", "--socket": "socket", "-p": "pidfile", "--pidfile": "pidfile", "--loglevel": "loglevel",
    "--logtarget": "logtarget", "--syslogsocket": "syslogsocket",
}  # fmt: skip
_SHORT = "".join(short[1] + (":" if argument else "") for short, _, argument, _ in _ROWS if short)
_LONG = [long[2:] + ("=" if argument else "") for _, long, argument, _ in _ROWS if long]

_NOTHING: Mapping[str, str] = MappingProxyType({})


class UsageError(ValueError):
    """The command line is not understood. `shows_usage` where the list of options would help."""

    def __init__(self, text: str, *, shows_usage: bool) -> None:
        super().__init__(text)
        self.shows_usage = shows_usage


class Asked(enum.Enum):
    """What the command line asks for first of all."""

    COMMAND = "command"
    DUMP = "dump"
    DUMP_PRETTY = "dump pretty"
    INTERACTIVE = "interactive"
    SECONDS = "seconds"
    HELP = "help"
    VERSION = "version"
    SHORT_VERSION = "short version"


class Invocation(NamedTuple):
    """A command line. `overrides` go before fail2ban.conf; `seconds` is what `--str2sec` was asked about."""

    words: tuple[str, ...] = ()
    asked: Asked = Asked.COMMAND
    directory: str | None = None
    overrides: Mapping[str, str] = _NOTHING
    pname: str = "fail2ban-server"
    tests: bool = False
    verbosity: int = 1
    force: bool = False
    foreground: bool = False
    timeout: Seconds = 30
    seconds: Seconds = 0


_ASKED = {
    "-d": Asked.DUMP, "--dp": Asked.DUMP_PRETTY, "--dump-pretty": Asked.DUMP_PRETTY, "-i": Asked.INTERACTIVE,
}  # fmt: skip
_AT_ONCE = {"-h": Asked.HELP, "--help": Asked.HELP, "-V": Asked.SHORT_VERSION, "--version": Asked.VERSION}


def parse_invocation(arguments: Sequence[str]) -> Invocation:
    """Return what `arguments`, the command line without the program's name, ask for.

    Raises:
        UsageError: an option is unknown, lacks its value, or has one that means nothing.

    """
    try:
        options, words = getopt.getopt(list(arguments), _SHORT, _LONG)
    except getopt.GetoptError as error:
        raise UsageError(error.msg, shows_usage=True) from None
    found = Invocation(words=tuple(words))
    for option, value in options:
        if option in _AT_ONCE:
            return found._replace(asked=_AT_ONCE[option])
        if option == "--str2sec":
            return found._replace(asked=Asked.SECONDS, seconds=_parse_seconds(value))
        found = _with_option(found, option, value)
    return found


def _with_option(found: Invocation, option: str, value: str) -> Invocation:  # noqa: PLR0911 - a row for each option
    match option:
        case "-c" | "--conf":
            return found._replace(directory=value)
        case "--pname":
            return found._replace(pname=value)
        case "--timeout":
            return found._replace(timeout=_parse_seconds(value))
        case "-t" | "--test":
            return found._replace(tests=True)
        case "-v" | "-q":
            return found._replace(verbosity=max(0, found.verbosity + (1 if option == "-v" else -1)))
        case "-x":
            return found._replace(force=True)
        case "-b" | "-f":
            return found._replace(foreground=option == "-f")
        case "--async":
            return found  # our server always reads its configuration itself
        case _ if option in _ASKED:
            return found._replace(asked=_ASKED[option])
        case _:
            return found._replace(overrides=MappingProxyType({**found.overrides, _OVERRIDES[option]: value}))


def _parse_seconds(text: str) -> Seconds:
    from sekisho.model.duration import parse_duration  # seldom needed, and it compiles an expression

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error).removeprefix(f"duration {text!r}: "), shows_usage=False) from None


def render_options(invocation: Invocation) -> list[str]:
    """Return the options that make a server of `invocation`, as words of a command line."""
    by_name = {name: option for option, name in _OVERRIDES.items() if option.startswith("--")}
    words = [word for name, value in invocation.overrides.items() for word in (by_name[name], value)]
    if invocation.directory is not None:
        words += ["--conf", invocation.directory]
    if invocation.force:
        words.append("-x")
    return [*words, "--pname", invocation.pname, "--timeout", str(invocation.timeout)]


def option_rows() -> tuple[tuple[tuple[str, ...], str, str], ...]:
    """Return the options that are told about: the names of each, its argument (empty: none) and what it does."""
    return tuple((tuple(filter(None, (short, long))), argument, text) for short, long, argument, text in _ROWS if text)


def render_usage(program: str) -> str:
    """Return the usage line and the options, one a line."""
    lines = [f"Usage: {program} [OPTIONS] <COMMAND>", "", "Options:"]
    for names, argument, text in option_rows():
        named = f"{', '.join(names)} {argument}"
        lines.append(f"    {named:<28}{text}".rstrip())
    return "\n".join(lines)
