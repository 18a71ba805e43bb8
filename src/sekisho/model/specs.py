"""What a configuration means, as values: made by `config`, read by everything else, replaced whole by a reload.

Text is kept where its meaning belongs to a later room: expressions still carry their `<HOST>` and `<F-...>` tags (match
expands them), action properties still carry their runtime tags (enforce and notify do). Parameters and `%( )s` are
already substituted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sekisho.model.address import Family
from sekisho.model.duration import Seconds
from sekisho.model.prefix import LONGEST, Prefixes, prefixes_of
from sekisho.model.problem import Origin, Problem

PERMANENT: int = -1
"""The ban time that means "for ever" (COMPAT 1.7)."""

BACKENDS = ("auto", "pyinotify", "gamin", "polling", "systemd")
"""How a jail's log may be read, as far as Fail2ban's users know (COMPAT 4)."""


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """How a filter reads lines that are wrapped, or records of fields (docs/filters.md, "Logs in JSON and logfmt").

    `logformat` is as written. `when` and `ignorewhen` hold one rule a line; the others the words of their option, which
    name fields, in the order in which these are looked for.
    """

    logformat: str
    when: tuple[str, ...] = ()
    ignorewhen: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    time: tuple[str, ...] = ()
    message: tuple[str, ...] = ()

    @property
    def reads_text(self) -> bool:
        """True when the filter's failregex and its kin apply: to the text that is wrapped, or to a field's."""
        return bool(self.message) or not self.reads_fields

    @property
    def reads_fields(self) -> bool:
        """True when a line is a record, so that `when` applies."""
        return self.logformat.lower().split()[-1:] != ["docker"]


@dataclass(frozen=True, slots=True)
class FilterSpec:
    """The rules of one filter with its parameters filled in (COMPAT 2.1).

    `journalmatch` and `datepattern` hold one element a line of the option; `datepattern` empty means the default
    templates. `name` is the file's name under `filter.d`, or the path that was given. `options` are the bracket
    arguments and everything else of the file, for display. `record` is None for a log of plain lines.
    """

    name: str
    failregex: tuple[str, ...]
    prefregex: str | None = None
    ignoreregex: tuple[str, ...] = ()
    datepattern: tuple[str, ...] = ()
    journalmatch: tuple[str, ...] = ()
    maxlines: int = 1
    usedns: str | None = None
    record: RecordSpec | None = None
    options: Mapping[str, str] = field(default_factory=_nothing, hash=False)

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that apply, as they are numbered: each failregex, then each line of `when`."""
        if self.record is None:
            return self.failregex
        whens = self.record.when if self.record.reads_fields else ()
        return (*(self.failregex if self.record.reads_text else ()), *whens)


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action of a jail (COMPAT 5).

    `name` is the file's name under `action.d`, `actname` the name it is known by in its jail (COMPAT 1.5). `properties`
    are all options of the file and all arguments, static tags substituted, conditional ones under
    `name?family=inet6`. `native` names the built-in that carries the action out; None: its commands are run, which is
    always so when the administrator's files define an `actionban`. `parameters` are what `[Init]` and the arguments
    set, tags not yet filled in: how the action was asked for, for display. `file` is the path of a Python action.
    """

    name: str
    actname: str
    properties: Mapping[str, str] = field(default_factory=_nothing, hash=False)
    native: str | None = None
    parameters: Mapping[str, str] = field(default_factory=_nothing, hash=False, compare=False)
    file: str = ""


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """`name` is `auto`, `pyinotify`, `polling`, `systemd` ... in lower case; `options` its bracket arguments."""

    name: str
    options: Mapping[str, str] = field(default_factory=_nothing, hash=False)

    @property
    def is_journal(self) -> bool:
        """True when the jail reads the systemd journal and ignores its logpath (COMPAT 4.4)."""
        return self.name.startswith("systemd")


@dataclass(frozen=True, slots=True)
class LogPath:
    """A glob under which logs lie; `tail` starts each at its end instead of `findtime` back (COMPAT 4.2)."""

    pattern: str
    tail: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """An option's effective text and where it was set."""

    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class EscalationSpec:
    """How the ban of who was banned before grows (COMPAT 3.5). `increment` False: it does not, whatever else is set.

    `factor` and `formula` are expressions (judge.formula); `multipliers`, where there are any, go before the formula.
    `maxtime` None: no cap.
    """

    increment: bool = False
    factor: str = "1"
    formula: str | None = None
    multipliers: tuple[int | float, ...] = ()
    maxtime: Seconds | None = None
    rndtime: Seconds = 0
    overalljails: bool = False


@dataclass(frozen=True, slots=True)
class IgnoreCacheSpec:
    """How the answers of ignorecommand are remembered: under which key (tags in it), how many, for how many seconds."""

    key: str
    most: int = 100
    seconds: Seconds = 300


@dataclass(frozen=True, slots=True)
class IgnoreCommandSpec:
    """The command whose exit status 0 exempts somebody, empty for none, and its cache (COMPAT 1.9)."""

    command: str = ""
    cache: IgnoreCacheSpec | None = None


@dataclass(frozen=True, slots=True)
class JailSpec:
    """One enabled jail, complete. Times are seconds; `bantime` is `PERMANENT` or the ban's length (COMPAT 1.7)."""

    name: str
    filter: FilterSpec
    backend: BackendSpec = field(default_factory=lambda: BackendSpec("auto"))
    logpaths: tuple[LogPath, ...] = ()
    journalmatch: tuple[str, ...] = ()
    maxretry: int = 5
    maxmatches: int = 5
    findtime: Seconds = 600
    bantime: Seconds = 600
    ipv4_prefix: int = LONGEST[Family.INET4]
    ipv6_prefix: int = LONGEST[Family.INET6]
    escalation: EscalationSpec = EscalationSpec()
    usedns: str = "warn"
    ignoreip: tuple[str, ...] = ()
    ignoreself: bool = True
    ignorecommand: IgnoreCommandSpec = IgnoreCommandSpec()
    logencoding: str = "auto"
    logtimezone: str | None = None
    actions: tuple[ActionSpec, ...] = ()
    settings: Mapping[str, Setting] = field(default_factory=lambda: MappingProxyType({}), hash=False, compare=False)

    @property
    def prefixes(self) -> Prefixes:
        """How much of an address the jail counts and bars; `SINGLE` itself where each is for itself."""
        return prefixes_of(self.ipv4_prefix, self.ipv6_prefix)

    @property
    def lets_in(self) -> bool:
        """True when the jail's "bans" open a door instead of closing one (`pass2allow-ftp`)."""
        return any(action.properties.get("blocktype", "").upper() in ("ACCEPT", "RETURN") for action in self.actions)


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """What fail2ban.conf says (COMPAT 1.8). Paths are absolute; `dbfile` None keeps nothing across restarts.

    `stacksize` is that of a new thread in KiB, 0 the system's own. `socketgroup` empty: the socket is for root alone;
    `socketaccess` is `read` or `write`, `guard` is `auto` or `off`.
    """

    loglevel: str = "INFO"
    logtarget: str = "/var/log/fail2ban.log"
    syslogsocket: str = "auto"
    socket: str = "/run/sekisho/sekisho.sock"
    socketgroup: str = ""
    socketaccess: str = "read"
    guard: str = "auto"
    pidfile: str = "/run/sekisho/sekisho.pid"
    allowipv6: str = "auto"
    onstop: str = "lift"
    dbfile: str | None = "/var/lib/sekisho/ledger.sqlite"
    dbmaxmatches: int = 10
    dbpurgeage: Seconds = 86400
    stacksize: int = 0


@dataclass(frozen=True, slots=True)
class Configuration:
    """A whole tree. `jails` are the enabled ones that can run; a jail in error is only in `failed` and `problems`.

    `enabled` names both kinds in the order of the files.

    `broken` means that the tree cannot be used at all (COMPAT 1.10, first row): a reload with it changes nothing.
    """

    server: ServerSpec
    jails: tuple[JailSpec, ...] = ()
    problems: tuple[Problem, ...] = ()
    broken: bool = False
    failed: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
