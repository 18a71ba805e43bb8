"""The configuration as the stream of commands that Fail2ban's client sends to its server (COMPAT 1.6).

Our server reads its configuration itself and is sent none of this. But the stream says in the plainest form what a tree
was understood to mean, so it is what `-d` prints, what people compare, and what our understanding is tested by.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sekisho.config.files import matches
from sekisho.config.logpaths import left_out
from sekisho.config.options import ACTION, JAIL, Kind, parse_bool, parse_whole
from sekisho.model.problem import Severity
from sekisho.model.specs import ActionSpec, Configuration, JailSpec

Command = list[Any]

_ELSEWHERE = frozenset(
    {
        *("enabled", "filter", "action", "backend", "skip_if_nologs", "systemd_if_nologs"),  # for the client alone
        *("usedns", "prefregex", "failregex", "ignoreregex", "maxlines", "datepattern", "journalmatch"),
        *("ignoreip", "logpath"),
    }
)
"""Options of a jail that are no settings, or have a command of their own."""

_SAID = {
    "there is no filter ": "Unable to read the filter ",
    "there is no action ": "Unable to read action ",
    "invalid filter definition ": "Invalid filter definition ",
    "invalid action definition ": "Invalid action definition ",
}
"""Beginnings of our sentences, and of those that people know and search for (COMPAT 1.10)."""

_TYPED: dict[Kind, Callable[[str], object]] = {
    Kind.BOOL: parse_bool,
    Kind.INT: parse_whole,
    Kind.PREFIX: parse_whole,
}


def stream_of(configuration: Configuration) -> Iterator[Command]:
    """Yield the commands in the order in which a server must be given them; log files are those that exist now."""
    server = configuration.server
    if server.stacksize:
        yield ["set", "thread", {"stacksize": server.stacksize}]
    yield ["set", "syslogsocket", server.syslogsocket]
    yield ["set", "loglevel", server.loglevel]
    yield ["set", "logtarget", server.logtarget]
    yield ["set", "allowipv6", server.allowipv6]
    yield ["set", "dbfile", str(server.dbfile)]
    yield ["set", "dbmaxmatches", server.dbmaxmatches]
    yield ["set", "dbpurgeage", server.dbpurgeage]
    well = {jail.name: jail for jail in configuration.jails}
    for name in configuration.enabled:
        if name in well:
            yield from _jail(well[name])
        else:
            yield ["config-error", f"Jail {name!r} skipped, because of {_reason(configuration, name)}"]
    for jail in configuration.jails:
        yield ["start", jail.name]


def unlogged(configuration: Configuration) -> Iterator[str]:
    """Yield the jails that read files, none of which is there yet. Our own log need not be there (COMPAT 1.10)."""
    own = configuration.server.logtarget
    for jail in configuration.jails:
        patterns = [] if jail.backend.is_journal else [log.pattern for log in jail.logpaths]
        if patterns and own not in patterns and not any(matches(pattern) for pattern in patterns):
            yield jail.name


def _reason(configuration: Configuration, jail: str) -> str:
    """Why the jail cannot run: it is left out for want of a log, or its first mistake, which may be everyone's."""
    if any(problem.text == left_out(jail) for problem in configuration.problems):
        return "missing log files."
    mistakes = [problem for problem in configuration.problems if problem.severity is Severity.ERROR]
    own = [problem.text for problem in mistakes if problem.jail == jail]
    text = (own or [problem.text for problem in mistakes if problem.jail is None])[0]
    for ours, theirs in _SAID.items():
        if text.startswith(ours):
            text = theirs + text.removeprefix(ours)
    return f"wrong configuration: {text}"


def _jail(jail: JailSpec) -> Iterator[Command]:
    texts = {option: setting.text for option, setting in jail.settings.items()}
    yield ["add", jail.name, texts.get("backend", jail.backend.name)]
    yield from _filter(jail, texts)
    yield from _settings(jail, texts)
    if not jail.backend.is_journal:
        for log in jail.logpaths:
            for path in matches(log.pattern):
                yield ["set", jail.name, "addlogpath", path, "tail" if log.tail else "head"]
    for action in jail.actions:
        yield from _action(jail.name, action)


def _filter(jail: JailSpec, texts: Mapping[str, str]) -> Iterator[Command]:
    name, filter_ = jail.name, jail.filter
    if "usedns" in texts or filter_.usedns:  # first, since it decides what <HOST> means
        yield ["set", name, "usedns", jail.usedns]
    if filter_.prefregex or "prefregex" in texts:
        yield ["set", name, "prefregex", filter_.prefregex or ""]
    if filter_.maxlines > 1:
        yield ["set", name, "maxlines", filter_.maxlines]
    yield from _regexes(name, "addfailregex", filter_.failregex)
    yield from _regexes(name, "addignoreregex", filter_.ignoreregex)
    if filter_.datepattern:
        yield ["set", name, "datepattern", "\n".join(filter_.datepattern)]
    for match in filter_.journalmatch:
        yield ["set", name, "addjournalmatch", *shlex.split(match)]


def _settings(jail: JailSpec, texts: Mapping[str, str]) -> Iterator[Command]:
    for row in JAIL:
        if row.name in texts and row.name not in _ELSEWHERE:
            value = _value(row.kind, texts[row.name])
            if value is not None:
                yield ["set", jail.name, row.name, value]
    if "ignoreip" in texts:
        yield ["set", jail.name, "addignoreip", *jail.ignoreip]


def _regexes(jail: str, word: str, regexes: Sequence[str]) -> Iterator[Command]:
    if len(regexes) == 1:
        yield ["set", jail, word, regexes[0]]
    elif regexes:
        yield ["multi-set", jail, word, list(regexes)]


def _value(kind: Kind, text: str) -> object:
    """An option's value as it is sent; None, which is not sent, where the text means nothing."""
    try:
        return _TYPED[kind](text) if kind in _TYPED else text
    except ValueError:
        return None


def _action(jail: str, action: ActionSpec) -> Iterator[Command]:
    if action.name.endswith(".py"):
        yield ["set", jail, "addaction", action.actname, action.file, json.dumps(dict(action.parameters))]
        return
    said: dict[str, object] = {}
    for option, kind in ACTION.items():
        if option in action.properties and (value := _value(kind, action.properties[option])) is not None:
            said[option] = value
    said |= {option: text for option, text in action.parameters.items() if option not in ACTION}
    said |= {"name": action.properties.get("name", jail), "actname": action.actname}
    yield ["set", jail, "addaction", action.actname]
    yield ["multi-set", jail, "action", action.actname, [list(each) for each in said.items()]]
