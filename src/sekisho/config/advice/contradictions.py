"""Options that contradict each other: one row of one table each. Pure.

A row looks at one jail and answers the part of the option that is at odds, empty where all is well. Only what the
administrator wrote is held against another option: a stock value that an own one makes idle is nobody's mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sekisho.config.survey import JailView
from sekisho.model.address import Family, parse_subject
from sekisho.model.problem import Problem, Severity
from sekisho.model.specs import PERMANENT, ServerSpec

_ESCALATION = ("factor", "formula", "multipliers", "maxtime", "rndtime", "overalljails")
_IDLE_WITH_JOURNAL = {
    "logpath": "the journal has no path",
    "datepattern": "the journal's entries bring their times",
    "logtimezone": "the journal's times have no zone",
    "logencoding": "the journal's text is UTF-8",
    "skip_if_nologs": "the journal is always there",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One contradiction: the `option` to point at, what is said (`{}` is what `odds` answered), and how to mend it."""

    option: str
    odds: Callable[[JailView, ServerSpec], str]
    text: str
    remedy: str


def _caps_below(jail: JailView, _: ServerSpec) -> str:
    growth = jail.spec.escalation
    if growth.maxtime is None or not growth.increment or growth.maxtime >= jail.spec.bantime:
        return ""
    return f"{jail.text('bantime.maxtime')} is shorter than bantime, {jail.spec.bantime}"


def _forgets(jail: JailView, server: ServerSpec) -> str:
    return "dbfile is None" if server.dbfile is None and jail.spec.escalation.increment else ""


def _endless(jail: JailView, _: ServerSpec) -> str:
    return "true" if jail.spec.bantime == PERMANENT and jail.spec.escalation.increment else ""


def _idle_escalation(name: str) -> Callable[[JailView, ServerSpec], str]:
    def odds(jail: JailView, _: ServerSpec) -> str:
        return "" if jail.spec.escalation.increment or not jail.own(name) else jail.text(name) or ""

    return odds


def _idle_with_journal(name: str) -> Callable[[JailView, ServerSpec], str]:
    def odds(jail: JailView, _: ServerSpec) -> str:
        is_fed = jail.spec.filter.name == "recidive"  # by the bans, whatever its backend
        idle = jail.spec.backend.is_journal and not is_fed and jail.own(name)
        return (jail.text(name) or "").split("\n")[0] if idle else ""

    return odds


def _names_only(jail: JailView, _: ServerSpec) -> str:
    rules = jail.spec.filter.failregex
    prefix = jail.spec.filter.prefregex or ""
    if jail.spec.usedns != "no" or not rules or jail.spec.filter.record is not None:
        return ""
    takes_names = all("<DNS>" in prefix + rule or "(?P<dns>" in prefix + rule for rule in rules)
    addresses = ("<HOST>", "<ADDR>", "<IP4>", "<IP6>", "<SUBNET>", "<F-ID", "(?P<ip4>", "(?P<ip6>", "(?P<fid>")
    return "no" if takes_names and not any(tag in prefix + rule for rule in rules for tag in addresses) else ""


def _forgotten_bans(jail: JailView, server: ServerSpec) -> str:
    if jail.spec.filter.name != "recidive" or server.dbfile is None or jail.spec.findtime <= server.dbpurgeage:
        return ""
    return f"{jail.spec.findtime} s is longer than dbpurgeage, {server.dbpurgeage} s"


def _may_bar_itself(jail: JailView, _: ServerSpec) -> str:
    exempt = [parse_subject(word) for word in jail.spec.ignoreip]
    loopback = parse_subject("127.0.0.1")
    return "" if jail.spec.ignoreself or any(each.covers(loopback) for each in exempt) else "false"


def _exempts_everybody(jail: JailView, _: ServerSpec) -> str:
    subjects = {word: parse_subject(word) for word in jail.spec.ignoreip if word.endswith("/0")}
    return next((word for word, each in subjects.items() if each.family is not Family.OTHER), "")


def _idle_cache(jail: JailView, _: ServerSpec) -> str:
    return (jail.text("ignorecache") or "") if jail.own("ignorecache") and not jail.spec.ignorecommand.command else ""


CONTRADICTIONS: tuple[Row, ...] = (
    Row("bantime.maxtime", _caps_below, "'bantime.maxtime' {}: every ban is cut to it", "let it exceed bantime"),
    Row("bantime.increment", _forgets, "'bantime.increment' is true, but {}: earlier bans are forgotten at each start",
        "give fail2ban.conf a dbfile"),
    Row("bantime.increment", _endless, "'bantime.increment' is {}, but bantime is -1: nothing is longer than for ever",
        "choose a bantime to begin with, or leave the increment out"),
    *(Row(f"bantime.{name}", _idle_escalation(f"bantime.{name}"),
          f"'bantime.{name}' is {{!r}}, but bantime.increment is not true: it has no effect",
          "set bantime.increment = true") for name in _ESCALATION),
    *(Row(name, _idle_with_journal(name), f"'{name}' is {{!r}}, but backend is systemd, and {why}: it has no effect",
          f"leave {name} out, or set backend = auto") for name, why in _IDLE_WITH_JOURNAL.items()),
    Row("usedns", _names_only, "'usedns' is {!r}, but the filter's rules find names only: nobody is ever banned",
        "set usedns = warn, or let a rule hold <HOST>"),
    Row("findtime", _forgotten_bans, "'findtime' is {}: after a restart older bans do not count",
        "set dbpurgeage in fail2ban.local to at least findtime"),
    Row("ignoreself", _may_bar_itself, "'ignoreself' is {}, and ignoreip names no loopback: this host may bar itself",
        "name 127.0.0.0/8 and ::1 in ignoreip, or leave ignoreself true"),
    Row("ignoreip", _exempts_everybody, "'ignoreip' holds {!r}, which is everybody: nobody is ever banned",
        "name your own networks only"),
    Row("ignorecache", _idle_cache, "'ignorecache' is {!r}, but there is no ignorecommand: it has no effect",
        "set ignorecommand, or leave ignorecache out"),
)  # fmt: skip


def contradictions(jails: Sequence[JailView], server: ServerSpec) -> Iterator[Problem]:
    """Yield what is at odds within each jail, and the jails that do another's work again."""
    for jail in jails:
        for row in CONTRADICTIONS:
            odds = row.odds(jail, server)
            if odds:
                part = odds if row.option == "ignoreip" else ""
                text, place = row.text.format(odds), jail.place(row.option, part)
                yield Problem(Severity.WARNING, text, place, jail.spec.name, row.remedy)
    yield from _twins(jails)


def _twins(jails: Sequence[JailView]) -> Iterator[Problem]:
    """Two jails that count the same lines by the same measure; a slow and a fast one are no twins."""
    seen: dict[tuple[object, ...], str] = {}
    for jail in jails:
        spec = jail.spec
        source = (spec.journalmatch if spec.backend.is_journal else spec.logpaths, spec.backend.is_journal)
        rules = (spec.filter.prefregex, spec.filter.failregex, spec.filter.ignoreregex, spec.filter.record)
        key = (rules, source, spec.maxretry, spec.findtime)
        if not spec.filter.rules or not source[0]:
            continue
        other = seen.setdefault(key, spec.name)
        if other != spec.name:
            text = f"it has the rules, the log, maxretry and findtime of jail {other!r}: each failure is counted twice"
            remedy = f"disable one of the two, or let {spec.name!r} differ"
            yield Problem(Severity.WARNING, text, jail.place("enabled"), spec.name, remedy)
