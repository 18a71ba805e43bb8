"""Every option there is: one row of one table each, from which it is read, checked and documented (COMPAT 1.7, 1.8).

An option that no row names is no mistake in itself: sections hold names of their own for `%( )s`.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from sekisho.model.duration import LONGEST, Seconds, parse_duration
from sekisho.model.switch import FALSE, TRUE


class Kind(enum.Enum):
    """What an option's text is. `FREE` text may hold anything, even what looks like another option."""

    BOOL = "true or false"
    INT = "a whole number"
    PREFIX = "the bits of a prefix"
    TIME = "a time such as 600, 10m or 1h 30m"
    WORD = "one word"
    TEXT = "text"
    FREE = "free text"


@dataclass(frozen=True, slots=True)
class Row:
    """One option. `default` is the text in force when no file sets it, None where that means "not set"."""

    name: str
    kind: Kind
    default: str | None
    doc: str
    choices: tuple[str, ...] = ()
    least: int | None = None


JAIL: tuple[Row, ...] = (
    Row("enabled", Kind.BOOL, "false", "whether the jail runs at all"),
    Row("filter", Kind.TEXT, "", "the filter that recognises failures, as name[option=value]"),
    Row("backend", Kind.TEXT, "auto", "how logs are read: auto, polling, pyinotify or systemd[journalflags=1]"),
    Row("maxretry", Kind.INT, "3", "failures within findtime that lead to a ban", least=1),
    Row("maxmatches", Kind.INT, "5", "log lines kept with a ban as its evidence; 0 keeps none", least=0),
    Row("findtime", Kind.TIME, "600", "how long a failure is remembered", least=1),
    Row("bantime", Kind.TIME, "600", "how long a ban lasts; -1 is for ever"),
    Row("ipv4_prefix", Kind.PREFIX, "32", "how many bits of an IPv4 address count, and are banned"),
    Row("ipv6_prefix", Kind.PREFIX, "128", "how many bits of an IPv6 address count, and are banned"),
    Row("bantime.increment", Kind.BOOL, "false", "whether the next ban of the same address is longer"),
    Row("bantime.factor", Kind.FREE, None, "multiplies an escalated ban time"),
    Row("bantime.formula", Kind.FREE, None, "the ban time as an expression of the ban count"),
    Row("bantime.multipliers", Kind.FREE, None, "factors for the first, second, third ... ban"),
    Row("bantime.maxtime", Kind.TIME, None, "the longest escalated ban"),
    Row("bantime.rndtime", Kind.TIME, None, "a random addition of at most this much"),
    Row("bantime.overalljails", Kind.BOOL, "false", "whether bans of other jails count for the escalation"),
    Row("ignorecommand", Kind.FREE, "", "a command that exempts an address by exit status 0"),
    Row("ignoreself", Kind.BOOL, "true", "whether this host's own addresses are exempt"),
    Row("ignoreip", Kind.TEXT, "", "addresses, networks and names that are never banned"),
    Row("ignorecache", Kind.FREE, None, "how long the answers of ignorecommand are remembered"),
    Row("logtimezone", Kind.WORD, None, "the zone of log times that name none, as UTC+0200"),
    Row("logencoding", Kind.WORD, "auto", "the encoding of the log"),
    Row("logpath", Kind.TEXT, "", "the logs, one path or glob a line, each with an optional ` tail`"),
    Row("skip_if_nologs", Kind.BOOL, "false", "whether a jail without a log is left out"),
    Row("systemd_if_nologs", Kind.BOOL, "true", "whether a jail with a journalmatch and no log reads the journal"),
    Row("action", Kind.TEXT, "", "what is done with a ban, as name[option=value], several by blanks or lines"),
    Row("usedns", Kind.WORD, "warn", "what a host name in the log means", ("yes", "warn", "no", "raw")),
    Row("prefregex", Kind.FREE, None, "the expression that every line must match first"),
    Row("failregex", Kind.FREE, None, "expressions of failures, one a line"),
    Row("ignoreregex", Kind.FREE, None, "expressions of lines that are no failures, one a line"),
    Row("maxlines", Kind.INT, None, "how many lines an expression may span"),
    Row("datepattern", Kind.FREE, None, "where and how a line holds its time"),
    Row("journalmatch", Kind.FREE, None, "which journal entries the jail reads"),
)

FOR_INTERPOLATION: tuple[Row, ...] = (
    Row("mode", Kind.WORD, None, "passed to the filter by the stock `filter` line"),
    Row("port", Kind.TEXT, None, "the ports that a ban closes, by name or number"),
    Row("protocol", Kind.TEXT, None, "tcp, udp ..."),
    Row("chain", Kind.TEXT, None, "the firewall chain for rules"),
    Row("banaction", Kind.TEXT, None, "the action that bars ports"),
    Row("banaction_allports", Kind.TEXT, None, "the action that bars everything"),
    Row("blocktype", Kind.TEXT, None, "drop or reject"),
    Row("destemail", Kind.TEXT, None, "who receives mail"),
    Row("sender", Kind.TEXT, None, "whom the mail comes from"),
    Row("mta", Kind.WORD, None, "the mail actions' prefix: sendmail or mail"),
    Row("fail2ban_agent", Kind.TEXT, None, "how reports name their sender"),
)
"""Names that the stock jail.conf puts into other options."""

SERVER: tuple[Row, ...] = (
    Row("loglevel", Kind.WORD, "INFO", "CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG ... or a number"),
    Row("logtarget", Kind.TEXT, "/var/log/fail2ban.log", "a file, STDOUT, STDERR, SYSOUT, SYSLOG or SYSTEMD-JOURNAL"),
    Row("syslogsocket", Kind.TEXT, "auto", "auto or a path"),
    Row("socket", Kind.TEXT, "/run/sekisho/sekisho.sock", "where clients reach the daemon"),
    Row("socketgroup", Kind.WORD, "", "the group whose members may ask the daemon, too; none: root alone"),
    Row("socketaccess", Kind.WORD, "read", "whether they may change things, too", ("read", "write")),
    Row("guard", Kind.WORD, "auto", "whether live sessions, gateways and resolvers are never barred", ("auto", "off")),
    Row("pidfile", Kind.TEXT, "/run/sekisho/sekisho.pid", "where the daemon writes its process id"),
    Row(
        "allowipv6",
        Kind.WORD,
        "auto",
        "whether IPv6 is used",
        ("auto", "yes", "no", "true", "false", "on", "off", "1", "0"),
    ),
    Row("onstop", Kind.WORD, "lift", "whether bans are lifted in the firewall when the daemon stops", ("lift", "keep")),
    Row("dbfile", Kind.TEXT, "/var/lib/sekisho/ledger.sqlite", "the ledger; None keeps nothing across restarts"),
    Row("dbmaxmatches", Kind.INT, "10", "log lines stored with a ban"),
    Row("dbpurgeage", Kind.TIME, "1d", "how long the ledger remembers what is over"),
)

THREAD: tuple[Row, ...] = (
    Row("stacksize", Kind.INT, "0", "the stack of a thread in KiB, at least 32; 0 is the system's own"),
)
"""The section [Thread] of fail2ban.conf."""

ACTION: dict[str, Kind] = {
    **dict.fromkeys(("actionstart", "actionstop", "actionflush", "actionreload", "actioncheck"), Kind.FREE),
    **dict.fromkeys(("actionrepair", "actionban", "actionprolong", "actionreban", "actionunban"), Kind.FREE),
    **dict.fromkeys(("actionstart_on_demand", "actionrepair_on_unban", "norestored"), Kind.BOOL),
}
"""The words of an action's `[Definition]` that a server acts on (COMPAT 5.1); its other options serve these."""

KNOWN: dict[str, Row] = {row.name: row for row in (*JAIL, *FOR_INTERPOLATION)}
"""All rows of a jail section by name."""

_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)


def parse_bool(text: str) -> bool:
    """Return the truth of `text` (COMPAT section 0); raises ValueError for what is neither a yes nor a no."""
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise ValueError(f"expected {Kind.BOOL.value}, found {text!r}")


def parse_whole(text: str) -> int:
    """Return the whole number that `text` is; raises ValueError otherwise."""
    if _WHOLE.fullmatch(text) is None or len(text) > 18:  # more digits than any counter of ours
        raise ValueError(f"expected {Kind.INT.value}, found {text!r}")
    return int(text)


def parse_time(text: str) -> Seconds:
    """Return the seconds that `text` stands for; raises ValueError otherwise."""
    try:
        seconds = parse_duration(text)
    except OverflowError:
        seconds = LONGEST + 1
    if not abs(seconds) <= LONGEST:
        raise ValueError(f"{text!r} is longer than {LONGEST} seconds")
    return seconds


def parse_words(text: str) -> tuple[str, ...]:
    """Return the words of a list separated by blanks, commas or newlines (COMPAT 1.9)."""
    return tuple(text.replace(",", " ").split())


def parse_lines(text: str) -> tuple[str, ...]:
    """Return the lines that are not blank."""
    return tuple(line.strip() for line in text.split("\n") if line.strip())
