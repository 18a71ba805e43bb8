"""The words about the server as a whole and the life of jails: status, reload, stop, ping, the log, the database."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import MappingProxyType

from sekisho.control.protocol import Granted, Kind, Value
from sekisho.control.status import (
    FLAVORS,
    document,
    notes_of,
    origin_rows,
    reload_document,
    tree_of_jail,
    tree_of_server,
)
from sekisho.control.table import BASIC, CONTROL, DATABASE, JAIL, LOGGING, Unmet, Word
from sekisho.engine.api import EngineApi, Reload
from sekisho.model.address import parse_subject
from sekisho.model.pairs import parse_pairs
from sekisho.model.specs import BACKENDS, BackendSpec, FilterSpec, JailSpec, ServerSpec

log = logging.getLogger("fail2ban.server")

_LONGEST_SLEEP = 60.0  # seconds; a peer that only sleeps must not hold a connection for ever


async def ping(_engine: EngineApi) -> Value:
    """Answer, which only a running server can."""
    return "pong"


async def echo(_engine: EngineApi, *words: str) -> Value:
    """Return the words."""
    return list(words)


async def sleep(_engine: EngineApi, seconds: str) -> Value:
    """Answer after some seconds."""
    import asyncio

    length = min(float(seconds), _LONGEST_SLEEP)
    await asyncio.sleep(max(0, length))  # what is no number either: timers are kept in order
    return None


async def version(engine: EngineApi) -> Value:
    """Return the server's version."""
    return engine.status().version


async def server_status(_engine: EngineApi) -> Value:
    """Return that the server is ready."""
    return "Server ready"


async def status(engine: EngineApi, *words: str) -> Value | Granted:
    """Return how the server, one jail or every jail stands."""
    if len(words) > 2:
        raise Unmet(Kind.REFUSED, "Invalid command (no status)")
    flavor = words[1].lower() if len(words) > 1 else "basic"
    if flavor not in FLAVORS:
        log.warning("Unsupported extended jail status type %r. Supported %s", flavor, list(FLAVORS))
        flavor = "basic"
    notes = notes_of(engine.status().problems)
    if not words:
        return Granted(tree_of_server(engine), notes)
    if words[0] == "--all":
        names = sorted(engine.status().jails)
        every = [(name, await _tree(engine, name, flavor)) for name in names]
        return Granted([*tree_of_server(engine), ("Status for the jails", every)], notes)
    health = engine.jail_status(words[0]).health
    tree = await _tree(engine, words[0], flavor)
    return Granted(tree, tuple(f"WARNING jail {words[0]!r}: {line}" for line in health))


async def _tree(engine: EngineApi, jail: str, flavor: str) -> Value:
    status = engine.jail_status(jail)
    return tree_of_jail(status, flavor, await origin_rows(engine, status) if flavor == "cymru" else ())


async def stats(engine: EngineApi) -> Value:
    """Return each jail's backend, failures and bans, now and in all."""
    return {name: tree_of_jail(engine.jail_status(name), "stats") for name in sorted(engine.status().jails)}


async def overview(engine: EngineApi, *words: str) -> Value:
    """Return everything about these jails, or about all; of bans those that cover an address, the first so many."""
    rest = list(words)
    options: dict[str, str] = {}
    while len(rest) > 1 and rest[0] in ("--of", "--most"):
        option, options[option], *rest = rest
    covering = parse_subject(options["--of"]) if "--of" in options else None
    most = int(options["--most"]) if "--most" in options else None
    return document(engine, rest, covering=covering, most=most)


async def flush_logs(engine: EngineApi) -> Value:
    """Reopen the log."""
    return await engine.flush_logs()


async def reload(engine: EngineApi, *words: str) -> Granted:
    """Read the configuration again, as a whole or for one jail, and apply the difference.

    `sekisho reload` asks with --report for what it came to, or with --dry-run for what it would come to.
    """
    known = {"--all", "--restart", "--unban", "--if-exists", "--dry-run", "--report"}
    jails = [word for word in words if word not in known]
    if len(jails) > 1:
        raise Unmet(Kind.REFUSED, f"Unexpected argument(s) for reload: {jails!r}")
    request = Reload(
        jail=jails[0] if jails else None,
        restart="--restart" in words,
        unban="--unban" in words,
        if_exists="--if-exists" in words,
        dry_run="--dry-run" in words,
    )
    outcome = await engine.reload(request)
    if request.dry_run or "--report" in words:
        return Granted(reload_document(outcome))
    return Granted("OK", notes_of(outcome.problems))


async def add(engine: EngineApi, jail: str, backend: str = "auto") -> Value:
    """Let there be a jail, without rules, logs and actions, that waits to be filled and started; its name."""
    name, _, options = backend.lower().partition("[")
    if jail == "--all":
        raise Unmet(Kind.VALUE, f"Reserved name {jail!r}")
    if name not in BACKENDS:
        known = [each for each in BACKENDS if each != "auto"]
        raise Unmet(Kind.VALUE, f"Unknown backend {backend}. Must be among {known!r} or 'auto'")
    spec = BackendSpec(name, MappingProxyType(dict(parse_pairs(options.rstrip("]")))))
    await engine.add_jail(JailSpec(jail, FilterSpec(jail, ()), backend=spec, maxretry=3))
    return jail


async def start(engine: EngineApi, jail: str) -> Value:
    """Start a jail that was added, or one that was stopped as the configuration has it now."""
    await engine.start_jail(jail)
    return None


ENDS_SERVER = ("", "--keep")
"""What follows `stop` where it means the server; `--keep` leaves the bans in the firewall, for a start that follows."""


async def stop(engine: EngineApi, jail: str = "") -> Value:
    """Stop a jail, every jail, or the server."""
    if jail in ENDS_SERVER:
        await engine.shut_down(keeps_bans=bool(jail))
        return None
    for name in engine.status().jails if jail == "--all" else (jail,):
        await engine.stop_jail(name)
    return None


def _database(show: Callable[[ServerSpec], Value]) -> Callable[[ServerSpec], Value]:
    """Return None for what has no meaning without a database (COMPAT 6.3)."""
    return lambda server: None if server.dbfile is None else show(server)


_SETTINGS: tuple[tuple[str, str, str, str, Callable[[ServerSpec], Value]], ...] = (
    ("loglevel", "<LEVEL>", LOGGING,
     "what the log holds: CRITICAL ERROR WARNING NOTICE INFO DEBUG TRACEDEBUG HEAVYDEBUG, or a number",
     lambda server: server.loglevel),
    ("logtarget", "<TARGET>", LOGGING, "where the log goes: a file, STDOUT, STDERR, SYSLOG, SYSTEMD-JOURNAL ...",
     lambda server: server.logtarget),
    ("syslogsocket", "<auto|FILE>", LOGGING, "where syslog listens", lambda server: server.syslogsocket),
    ("dbfile", "<FILE|None>", DATABASE, "where bans are remembered; it can be changed while there are no jails",
     lambda server: server.dbfile),
    ("dbmaxmatches", "<COUNT>", DATABASE, "how many lines are remembered for a ban",
     _database(lambda server: server.dbmaxmatches)),
    ("dbpurgeage", "<TIME>", DATABASE, "how long bans that are over are remembered",
     _database(lambda server: int(server.dbpurgeage))),
    ("allowipv6", "<auto|yes|no>", BASIC, "whether IPv6 is used", lambda server: server.allowipv6),
)  # fmt: skip
"""The server's settings: name, argument, section and text of the help, and how it is shown."""


def _server_words(name: str, argument: str, section: str, text: str, show: Callable[[ServerSpec], Value]) -> list[Word]:
    async def get(engine: EngineApi) -> Value:
        return show(engine.server)

    async def change(engine: EngineApi, value: str) -> Value:
        await engine.set_server(name, value)
        return show(engine.server)

    return [
        Word(f"set {name}", argument, section, f"change {text}", change, changes=True),
        Word(f"get {name}", "", section, text, get),
    ]


async def get_thread(engine: EngineApi) -> Value:
    """Return the stack of a new thread in KiB, 0 for the system's own."""
    return {"stacksize": engine.server.stacksize}


async def set_thread(engine: EngineApi, text: str) -> Value:
    """Change the stack of new threads, which is named in JSON or by its number alone."""
    await engine.set_server("stacksize", text)
    return await get_thread(engine)


WORDS = (
    Word(f"add {JAIL}", "[<BACKEND>]", CONTROL, "add a jail, to be filled by `set` and then started", add,
         changes=True, exclusive=True),
    Word(f"start {JAIL}", "", CONTROL, "start a jail that was added or stopped", start, changes=True, exclusive=True),
    Word("reload", "[--restart] [--unban] [--all | [--if-exists] <JAIL>...]", BASIC,
         "read the configuration again and apply the difference; --restart restarts jails, --unban lifts their bans",
         reload, changes=True, exclusive=True),
    Word("stop", "[<JAIL>]", BASIC, "stop the server, or a jail (--all: every jail)", stop, changes=True),
    Word("status", "[<JAIL>|--all [<FLAVOR>]] ...", BASIC,
         f"how the server or a jail stands; flavors: {', '.join(FLAVORS)}", status),
    Word("stats", "", BASIC, "a table of all jails", stats),
    Word("statistic", "", BASIC, "a table of all jails", stats, internal=True),
    Word("statistics", "", BASIC, "a table of all jails", stats, internal=True),
    Word("overview", "[--of <IP>] [--most <COUNT>] [<JAIL>...]", BASIC, "everything about the jails, for programs",
         overview, internal=True),
    Word("ping", "[<TIMEOUT>]", BASIC, "whether the server answers", lambda engine, *_: ping(engine)),
    Word("echo", "[<TEXT>...]", BASIC, "the words themselves", echo),
    Word("sleep", "<SECONDS>", BASIC, "an answer after some seconds", sleep, internal=True),
    Word("server-status", "", BASIC, "whether the server is ready", server_status, internal=True),
    Word("version", "", BASIC, "the server's version", version),
    *(word for setting in _SETTINGS for word in _server_words(*setting)),
    Word("get thread", "", BASIC, "how new threads are made", get_thread, internal=True),
    Word("set thread", "<JSON>", BASIC, "change how new threads are made", set_thread, changes=True, internal=True),
    Word("flushlogs", "", LOGGING, "reopen the log, after it was rotated", flush_logs, changes=True),
)  # fmt: skip
