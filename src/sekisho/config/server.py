"""fail2ban.conf becomes a ServerSpec (COMPAT 1.8). Light: the client reads it to find the socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sekisho.config.errors import ConfigError
from sekisho.config.ini import DEFAULT
from sekisho.config.interpolate import Scope
from sekisho.config.layers import Merged
from sekisho.config.options import SERVER, THREAD, Row, parse_time, parse_whole
from sekisho.model.loglevel import parse_level
from sekisho.model.problem import Problem, Severity
from sekisho.model.specs import ServerSpec
from sekisho.model.switch import parse_ipv6

_SECTION = "Definition"
_THREAD = "Thread"
_LEAST_STACK, _MOST_STACK = 32, 1024 * 1024  # KiB; Python takes no smaller stack
_FOREIGN_LEDGER = "fail2ban.sqlite3"
_OWN_LEDGER = "/var/lib/sekisho/ledger.sqlite"
_NOWHERE = ("none", ":memory:")


def read_server(
    merged: Merged, overrides: Mapping[str, str], constants: Mapping[str, str]
) -> tuple[ServerSpec, list[Problem]]:
    """Return the server's settings and what is wrong with them; a wrong one has its default, and the daemon starts."""
    problems: list[Problem] = []
    scope = Scope(merged, _SECTION, {}, constants)
    texts = {row.name: _text(scope, row, overrides, problems) for row in SERVER}

    def wrong(name: str, expected: str, severity: Severity = Severity.ERROR) -> None:
        option = None if name in overrides else merged.find(_SECTION, name)
        origin = option.origin if option else None
        problems.append(Problem(severity, f"{name!r} is {texts[name]!r}", origin, remedy=expected))

    def choice(name: str) -> str:
        row = next(row for row in SERVER if row.name == name)
        if texts[name].lower() in row.choices:
            return texts[name].lower()
        wrong(name, f"use {' or '.join(row.choices)}; {row.default} is used")
        return row.default or ""

    defaults = ServerSpec()
    level = texts["loglevel"].upper()
    try:
        parse_level(level)
    except ValueError as error:
        level = defaults.loglevel
        wrong("loglevel", f"{error}; {level} is used")
    allowipv6 = defaults.allowipv6
    try:
        allowipv6 = parse_ipv6(texts["allowipv6"])
    except ValueError as error:
        wrong("allowipv6", f"{error}; {allowipv6} is used")
    group = texts["socketgroup"]
    if group and not _is_group(group):
        wrong("socketgroup", "there is no such group on this host; the socket is for root alone")
        group = ""
    matches, age = defaults.dbmaxmatches, defaults.dbpurgeage
    try:
        matches = max(0, parse_whole(texts["dbmaxmatches"]))
    except ValueError as error:
        wrong("dbmaxmatches", f"{error}; {matches} is used")
    try:
        age = parse_time(texts["dbpurgeage"])
    except ValueError as error:
        wrong("dbpurgeage", f"{error}; {age} is used")
    spec = ServerSpec(
        stacksize=_read_stacksize(merged, constants, problems),
        loglevel=level,
        logtarget=texts["logtarget"],
        syslogsocket=texts["syslogsocket"],
        socket=str(Path(texts["socket"]).absolute()),
        socketgroup=group,
        socketaccess=choice("socketaccess"),
        guard=choice("guard"),
        pidfile=str(Path(texts["pidfile"]).absolute()),
        allowipv6=allowipv6,
        onstop=choice("onstop"),
        dbfile=_read_dbfile(texts["dbfile"], wrong),
        dbmaxmatches=matches,
        dbpurgeage=age,
    )
    return spec, problems


def _is_group(name: str) -> bool:
    import grp  # the client does without

    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def _read_dbfile(text: str, wrong: Callable[[str, str, Severity], None]) -> str | None:
    """Return where the ledger lies; Fail2ban's own database is left alone."""
    if text.lower() in _NOWHERE:
        return None
    if text.endswith(_FOREIGN_LEDGER):
        remedy = f"this is Fail2ban's own database, which is left alone; {_OWN_LEDGER} is used"
        wrong("dbfile", remedy, Severity.WARNING)
        return _OWN_LEDGER
    return str(Path(text).absolute())


def _read_stacksize(merged: Merged, constants: Mapping[str, str], problems: list[Problem]) -> int:
    (row,) = THREAD
    if _THREAD not in merged.sections:
        return 0
    text = _text(Scope(merged, _THREAD, {}, constants), row, {}, problems)
    option = merged.find(_THREAD, row.name)
    try:
        size = parse_whole(text)
    except ValueError:
        size = -1
    if size == 0 or _LEAST_STACK <= size <= _MOST_STACK:
        return size
    what = f"{row.name!r} is {text!r}"
    remedy = f"use 0, or KiB from {_LEAST_STACK} to {_MOST_STACK}; 0 is used"
    problems.append(Problem(Severity.ERROR, what, option.origin if option else None, remedy=remedy))
    return 0


def doubtful(merged: Merged) -> list[Problem]:
    """Return what can be seen in the text alone: options joined on one line, and names that are nearly right."""
    from sekisho.config.mistakes import hidden, misspelt, referenced  # the client does without

    rows = {row.name: row for row in SERVER}
    options = [option for section in (DEFAULT, _SECTION) for option in merged.sections.get(section, {}).values()]
    found = [problem for option in options if (problem := hidden(option, rows))]
    return found + misspelt(options, referenced(merged.sections), rows)


def _text(scope: Scope, row: Row, overrides: Mapping[str, str], problems: list[Problem]) -> str:
    """The option's text: from the command line, the files, the table. An empty one counts as not set."""
    text = overrides.get(row.name)
    if text is None:
        try:
            text = scope.expand(row.name)
        except ConfigError as error:
            problems += error.problems
    return (text or "").strip() or row.default or ""
