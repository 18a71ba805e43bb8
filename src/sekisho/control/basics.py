"""The words about the server as a whole and the life of jails: status, reload, stop, ping, the log, the database."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sekisho.control.protocol import Granted, Kind, Value
from sekisho.control.status import FLAVORS, document, notes_of, reload_document, tree_of_jail, tree_of_server
from sekisho.control.table import BASIC, CONTROL, DATABASE, LOGGING, Run, Unmet, Word
from sekisho.engine.api import EngineApi, Reload, UnknownJail
from sekisho.model.specs import ServerSpec

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
        every = [(name, tree_of_jail(engine.jail_status(name), flavor)) for name in names]
        return Granted([*tree_of_server(engine), ("Status for the jails", every)], notes)
    jail = engine.jail_status(words[0])
    return Granted(tree_of_jail(jail, flavor), tuple(f"WARNING jail {jail.name!r}: {line}" for line in jail.health))


async def stats(engine: EngineApi) -> Value:
    """Return each jail's backend, failures and bans, now and in all."""
    return {name: tree_of_jail(engine.jail_status(name), "stats") for name in sorted(engine.status().jails)}


async def overview(engine: EngineApi, *jails: str) -> Value:
    """Return everything about these jails, or about all."""
    return document(engine, jails)


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


async def start(engine: EngineApi, jail: str) -> Value:
    """Start a jail that was stopped, as the configuration has it now; one that runs is left as it is."""
    try:
        engine.jail_status(jail)
    except UnknownJail:
        await engine.reload(Reload(jail=jail))
    return None


async def stop(engine: EngineApi, jail: str = "") -> Value:
    """Stop a jail, every jail, or the server."""
    if not jail:
        await engine.shut_down()
        return None
    for name in engine.status().jails if jail == "--all" else (jail,):
        await engine.stop_jail(name)
    return None


async def set_loglevel(engine: EngineApi, level: str) -> Value:
    """Change what the log holds until the server ends; the level in force."""
    return await engine.set_loglevel(level)


def _shower(show: Callable[[ServerSpec], Value]) -> Run:
    async def run(engine: EngineApi) -> Value:
        return show(engine.server)

    return run


WORDS = (
    Word("start <JAIL>", "", CONTROL, "start a jail that was stopped", start, changes=True, exclusive=True),
    Word("reload", "[--restart] [--unban] [--all | [--if-exists] <JAIL>...]", BASIC,
         "read the configuration again and apply the difference; --restart restarts jails, --unban lifts their bans",
         reload, changes=True, exclusive=True),
    Word("stop", "[<JAIL>]", BASIC, "stop the server, or a jail (--all: every jail)", stop, changes=True),
    Word("status", "[<JAIL>|--all [<FLAVOR>]] ...", BASIC,
         f"how the server or a jail stands; flavors: {', '.join(FLAVORS)}", status),
    Word("stats", "", BASIC, "a table of all jails", stats),
    Word("statistic", "", BASIC, "a table of all jails", stats, internal=True),
    Word("statistics", "", BASIC, "a table of all jails", stats, internal=True),
    Word("overview", "[<JAIL>...]", BASIC, "everything about the jails, for programs", overview, internal=True),
    Word("ping", "[<TIMEOUT>]", BASIC, "whether the server answers", lambda engine, *_: ping(engine)),
    Word("echo", "[<TEXT>...]", BASIC, "the words themselves", echo),
    Word("sleep", "<SECONDS>", BASIC, "an answer after some seconds", sleep, internal=True),
    Word("server-status", "", BASIC, "whether the server is ready", server_status, internal=True),
    Word("version", "", BASIC, "the server's version", version),
    Word("set loglevel", "<LEVEL>", LOGGING,
         "change what the log holds: CRITICAL ERROR WARNING NOTICE INFO DEBUG TRACEDEBUG HEAVYDEBUG, or a number",
         set_loglevel, changes=True),
    Word("get loglevel", "", LOGGING, "what the log holds", _shower(lambda server: server.loglevel)),
    Word("get logtarget", "", LOGGING, "where the log goes", _shower(lambda server: server.logtarget)),
    Word("get syslogsocket", "", LOGGING, "where syslog listens", _shower(lambda server: server.syslogsocket)),
    Word("flushlogs", "", LOGGING, "reopen the log, after it was rotated", flush_logs, changes=True),
    Word("get dbfile", "", DATABASE, "where bans are remembered", _shower(lambda server: server.dbfile)),
    Word("get dbmaxmatches", "", DATABASE, "how many lines are remembered for a ban",
         _shower(lambda server: server.dbmaxmatches)),
    Word("get dbpurgeage", "", DATABASE, "how long bans that are over are remembered",
         _shower(lambda server: int(server.dbpurgeage))),
)  # fmt: skip
