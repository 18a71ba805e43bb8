"""The settings of a jail: one row each for what `get JAIL X` shows and `set JAIL X VALUE` changes.

A change replaces the jail's specification as a whole (`EngineApi.change`), so the engine decides whether the new one
holds. What is answered after a change is what is in force, not what was asked for.
"""

from __future__ import annotations

import codecs
import glob
import locale
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sekisho.control.datepattern import date_patterns
from sekisho.control.escalation import ROWS as ESCALATION
from sekisho.control.protocol import Granted, Kind, Value
from sekisho.control.table import CHANGES, FACTS, JAIL, Run, Unmet, Word, parse_count, parse_seconds
from sekisho.engine.api import EngineApi
from sekisho.model.address import Family, parse_subject
from sekisho.model.ignorecache import parse_ignorecache, render_ignorecache
from sekisho.model.prefix import parse_prefix
from sekisho.model.specs import JailSpec, LogPath
from sekisho.model.switch import parse_switch

log = logging.getLogger("fail2ban.server")

Show = Callable[[EngineApi, str], Value]
Change = Callable[..., JailSpec]


@dataclass(frozen=True, slots=True)
class Setting:
    """A row: what it is, how it is shown, and the words that change it (`verb`, arguments, help, new specification)."""

    name: str
    help: str
    show: Show
    changes: tuple[tuple[str, str, str, Change], ...] = ()


def _of_spec(show: Callable[[JailSpec], Value]) -> Show:
    return lambda engine, jail: show(engine.jail_spec(jail))


def _expressions(option: str) -> Show:
    return lambda engine, jail: list(engine.expressions(jail, option))


def _filter(spec: JailSpec, **changes: object) -> JailSpec:
    return replace(spec, filter=replace(spec.filter, **changes))  # type: ignore[arg-type]


def _set_usedns(spec: JailSpec, text: str) -> JailSpec:
    mode = text.lower()
    if mode in {"yes", "warn", "no", "raw"}:
        return replace(spec, usedns=mode)
    if mode in {"1", "on", "true", "0", "off", "false"}:
        return replace(spec, usedns="yes" if parse_switch(mode) else "no")
    log.error("Incorrect value %r specified for usedns. Using safe 'no'", text)
    return replace(spec, usedns="no")


def _set_maxlines(spec: JailSpec, text: str) -> JailSpec:
    lines = parse_count(text)
    if lines <= 0:
        raise ValueError("maxlines must be integer greater than zero")
    return _filter(spec, maxlines=lines)


def _set_encoding(spec: JailSpec, name: str) -> JailSpec:
    if name.lower() != "auto":
        try:
            codecs.lookup(name)
        except LookupError as error:
            raise ValueError(str(error)) from None
    return replace(spec, logencoding=name)


def _add_ignored(spec: JailSpec, *names: str) -> JailSpec:
    known = {_canonical(name) for name in spec.ignoreip}
    fresh = dict.fromkeys(name for name in map(_canonical, names) if name not in known)
    return replace(spec, ignoreip=(*spec.ignoreip, *fresh))


def _del_ignored(spec: JailSpec, name: str) -> JailSpec:
    kept = tuple(entry for entry in spec.ignoreip if _canonical(entry) != _canonical(name))
    if len(kept) == len(spec.ignoreip):
        raise ValueError("list.remove(x): x not in list")
    return replace(spec, ignoreip=kept)


def _canonical(name: str) -> str:
    return parse_subject(name).text


def _ignored(spec: JailSpec) -> Value:
    """Networks and names first, then single addresses (COMPAT 6.3)."""
    subjects = [parse_subject(name) for name in spec.ignoreip]
    return [subject.text for subject in sorted(subjects, key=lambda subject: subject.is_single)]


def _add_pattern(field: str) -> Change:
    def change(spec: JailSpec, pattern: str) -> JailSpec:
        return _filter(spec, **{field: (*getattr(spec.filter, field), pattern)})

    return change


def _del_pattern(field: str) -> Change:
    def change(spec: JailSpec, text: str) -> JailSpec:
        index, patterns = parse_count(text), getattr(spec.filter, field)
        if not 0 <= index < len(patterns):
            log.error("Cannot remove regular expression. Index %d is not valid", index)
            return spec
        return _filter(spec, **{field: (*patterns[:index], *patterns[index + 1 :])})

    return change


def _del_path(spec: JailSpec, pattern: str) -> JailSpec:
    return replace(spec, logpaths=tuple(path for path in spec.logpaths if path.pattern != pattern))


def _add_path(spec: JailSpec, pattern: str, start: str = "head") -> JailSpec:
    if start not in ("head", "tail"):
        raise ValueError(f"File option must be 'head' or 'tail', found {start!r}")
    if not glob.has_magic(pattern) and not Path(pattern).exists():  # by hand it is a typing error more likely than not
        raise ValueError(f"[Errno 2] No such file or directory: {pattern!r}")
    kept = _del_path(spec, pattern)
    return replace(kept, logpaths=(*kept.logpaths, LogPath(pattern, tail=start == "tail")))


def _set_journal(spec: JailSpec, matches: tuple[str, ...]) -> JailSpec:
    return replace(spec, journalmatch=matches)


def _add_match(spec: JailSpec, *words: str) -> JailSpec:
    """A jail that reads files has no matches, whatever is said to it (COMPAT 6.3)."""
    return _set_journal(spec, (*spec.journalmatch, " ".join(words))) if spec.backend.is_journal else spec


def _del_match(spec: JailSpec, *words: str) -> JailSpec:
    line = " ".join(words)
    if not spec.backend.is_journal:
        return spec
    if line not in spec.journalmatch:
        raise Unmet(Kind.VALUE, f"Match {line!r} not found")
    return _set_journal(spec, tuple(match for match in spec.journalmatch if match != line))


def _one(name: str, argument: str, help_: str, show: Callable[[JailSpec], Value], change: Change) -> Setting:
    """Return the row of a setting with a single value, shown and set under one name."""
    return Setting(name, help_, _of_spec(show), ((name, argument, help_, change),))


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "ignoreip",
        "who is never banned",
        _of_spec(_ignored),
        (
            ("addignoreip", "[<IP>...]", "never ban these addresses, networks or hosts", _add_ignored),
            ("delignoreip", "<IP>", "let this entry of the ignore list be banned again", _del_ignored),
        ),
    ),
    _one("ignoreself", "<on|off>", "whether this host's own addresses are never banned", lambda spec: spec.ignoreself,
         lambda spec, text: replace(spec, ignoreself=parse_switch(text))),
    _one("ignorecommand", "<COMMAND>", "the command that decides whom to ignore",
         lambda spec: spec.ignorecommand.command or False,
         lambda spec, text: replace(spec, ignorecommand=replace(spec.ignorecommand, command=text))),
    _one("ignorecache", "<KEY, COUNT, TIME>", "how its answers are remembered",
         lambda spec: render_ignorecache(spec.ignorecommand.cache), lambda spec, text: replace(
             spec, ignorecommand=replace(spec.ignorecommand, cache=parse_ignorecache(text)))),
    _one("bantime", "<TIME>", "how long a ban lasts; -1: for ever", lambda spec: spec.bantime,
         lambda spec, text: replace(spec, bantime=parse_seconds(text))),
    _one("ipv4_prefix", "<BITS>", "how many bits of an IPv4 address count, and are banned",
         lambda spec: spec.ipv4_prefix,
         lambda spec, text: replace(spec, ipv4_prefix=parse_prefix(text, Family.INET4))),
    _one("ipv6_prefix", "<BITS>", "how many bits of an IPv6 address count, and are banned",
         lambda spec: spec.ipv6_prefix,
         lambda spec, text: replace(spec, ipv6_prefix=parse_prefix(text, Family.INET6))),
    *(_one(*row) for row in ESCALATION),
    _one("findtime", "<TIME>", "the span within which failures add up", lambda spec: spec.findtime,
         lambda spec, text: replace(spec, findtime=parse_seconds(text))),
    _one("maxretry", "<COUNT>", "how many failures ban", lambda spec: spec.maxretry,
         lambda spec, text: replace(spec, maxretry=parse_count(text))),
    _one("maxmatches", "<COUNT>", "how many lines are kept as evidence", lambda spec: spec.maxmatches,
         lambda spec, text: replace(spec, maxmatches=parse_count(text))),
    _one("maxlines", "<COUNT>", "how many lines one expression may span", lambda spec: spec.filter.maxlines,
         _set_maxlines),
    _one("usedns", "<yes|warn|no|raw>", "what is done with a host name in a log", lambda spec: spec.usedns,
         _set_usedns),
    _one("logencoding", "<ENCODING>", "how the logs are encoded",
         lambda spec: locale.getencoding() if spec.logencoding.lower() == "auto" else spec.logencoding, _set_encoding),
    _one("logtimezone", "<ZONE>", "the zone of stamps that name none", lambda spec: spec.logtimezone,
         lambda spec, text: replace(spec, logtimezone=text or None)),
    _one("datepattern", "<PATTERN>", "how a line's time is read", lambda spec: date_patterns(spec.filter),
         lambda spec, text: _filter(spec, datepattern=tuple(text.split("\n")) if text else ())),
    Setting(
        "prefregex",
        "the expression that a line must match first",
        lambda engine, jail: next(iter(engine.expressions(jail, "prefregex")), ""),
        (
            ("prefregex", "<REGEX>", "the expression that a line must match first",
             lambda spec, text: _filter(spec, prefregex=text or None)),
        ),
    ),
    *(
        Setting(
            name,
            f"the expressions of {what}, with their numbers",
            _expressions(name),
            (
                (f"add{name}", "<REGEX>", f"add an expression to those of {what}", _add_pattern(name)),
                (f"del{name}", "<NUMBER>", f"remove an expression from those of {what}", _del_pattern(name)),
            ),
        )
        for name, what in (("failregex", "failures"), ("ignoreregex", "lines to ignore"))
    ),
    Setting(
        "journalmatch",
        "which journal entries are read",
        _of_spec(lambda spec: [match.split() for match in spec.journalmatch]),
        (
            ("addjournalmatch", "<MATCH>...", "read these journal entries too",
             _add_match),
            ("deljournalmatch", "<MATCH>...", "do not read these journal entries any more", _del_match),
        ),
    ),
)  # fmt: skip


def _shower(show: Show) -> Run:
    async def run(engine: EngineApi, jail: str) -> Value:
        return show(engine, jail)

    return run


def _changer(show: Show, change: Change) -> Run:
    async def run(engine: EngineApi, jail: str, *arguments: str) -> Value | Granted:
        await engine.change(jail, change(engine.jail_spec(jail), *arguments))
        return show(engine, jail)

    return run


async def set_idle(engine: EngineApi, jail: str, text: str) -> Value:
    """Let a jail rest, or wake it; whether it rests."""
    if text not in ("on", "off"):
        raise Unmet(Kind.REFUSED, "Invalid idle option, must be 'on' or 'off'")
    await engine.set_idle(jail, is_idle=text == "on")
    return text == "on"


async def show_files(engine: EngineApi, jail: str) -> Value:
    """Return the files that the jail reads right now."""
    return list(engine.jail_status(jail).files)


def _path_changer(change: Change) -> Run:
    async def run(engine: EngineApi, jail: str, *arguments: str) -> Value | Granted:
        await engine.change(jail, change(engine.jail_spec(jail), *arguments))
        return list(engine.jail_status(jail).files)

    return run


def _words_of(setting: Setting) -> tuple[Word, ...]:
    return (
        Word(f"get {JAIL} {setting.name}", "", FACTS, setting.help, _shower(setting.show)),
        *(
            Word(f"set {JAIL} {verb}", arguments, CHANGES, help_, _changer(setting.show, change),
                 changes=True, exclusive=True)
            for verb, arguments, help_, change in setting.changes
        ),
    )  # fmt: skip


WORDS: tuple[Word, ...] = (
    *(word for setting in SETTINGS for word in _words_of(setting)),
    Word(f"set {JAIL} idle", "<on|off>", CHANGES, "let what the jail's logs say wait, or go on", set_idle,
         changes=True),
    Word(f"get {JAIL} logpath", "", FACTS, "the files that are read", show_files),
    Word(f"set {JAIL} addlogpath", "<FILE> [head|tail]", CHANGES, "read this file too, from its head or its tail",
         _path_changer(_add_path), changes=True, exclusive=True),
    Word(f"set {JAIL} dellogpath", "<FILE>", CHANGES, "do not read this file any more",
         _path_changer(_del_path), changes=True, exclusive=True),
)  # fmt: skip
