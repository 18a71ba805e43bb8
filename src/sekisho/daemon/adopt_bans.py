"""The bans of a Fail2ban become ours: by the daemon where one runs, else straight into the ledger and the firewall.

Without a daemon its pid file is locked meanwhile, so that none begins before all is written. Where a jail has the
native firewall, its bans are put into the kernel at once: they are in force while Fail2ban takes its own rules down,
and the daemon finds them there when it starts. Each leaves the kernel by itself when it ends, whether or not it starts.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sekisho.control.client import ControlError, NoServer, ask, say
from sekisho.daemon.firewalls import NATIVE, Firewalls
from sekisho.daemon.pid_file import AlreadyRunning, locked
from sekisho.enforce.cutter import Cutter
from sekisho.enforce.fence import Fence
from sekisho.enforce.table import NftError, NftTable
from sekisho.engine.adoption import Tally, take_in_portions
from sekisho.ledger.fail2ban_database import ForeignError, Memory, read_database
from sekisho.ledger.ledger import Ledger, LedgerError
from sekisho.model.action import ActionError
from sekisho.model.adoption import AdoptionError, Outcome
from sekisho.model.specs import Configuration
from sekisho.model.verdict import Ban


def is_ours(socket: str) -> bool | None:
    """Return whether the server at a socket is ours; None where there is none. Raises ControlError."""
    try:
        return not say(socket, ["version"], timeout=5.0).is_foreign
    except NoServer:
        return None


def look(database: Path, configuration: Configuration) -> Outcome:
    """Return what there is to be taken over; nothing is."""
    memory = _read(database, configuration)
    standing = Counter(each.ban.jail for each in memory.bans if each.stands)
    past = Counter(each.ban.jail for each in memory.bans if not each.stands)
    return Outcome("nobody", standing, past, {}, len(memory.remarks), memory.remarks)


def take_over(database: Path, configuration: Configuration) -> Outcome:
    """Take over what is new in the database. Raises AdoptionError."""
    socket = configuration.server.socket
    try:
        if is_ours(socket):
            by = os.environ.get("SUDO_USER") or os.environ.get("USER", "")
            told: Any = ask(socket, ["adopt", str(database.absolute())], timeout=None, by=by)
            remarks = tuple(map(str, told["remarks"]))
            return Outcome("daemon", told["standing"], told["past"], told["known"], told["unread"], remarks)
    except ControlError as error:
        raise AdoptionError(str(error)) from error
    try:
        with locked(Path(configuration.server.pidfile)):
            return _take_alone(_read(database, configuration), configuration)
    except AlreadyRunning as error:
        raise AdoptionError(f"{error}, but does not answer at {socket}; try again when it does") from error
    except OSError as error:
        raise AdoptionError(f"{error.filename}: {error.strerror} (are you root?)") from error


def _read(database: Path, configuration: Configuration) -> Memory:
    bantimes = {jail.name: jail.bantime for jail in configuration.jails}
    try:
        return read_database(database, now=time.time(), bantimes=bantimes)
    except ForeignError as error:
        raise AdoptionError(str(error)) from error


def _take_alone(memory: Memory, configuration: Configuration) -> Outcome:
    server = configuration.server
    if server.dbfile is None:
        raise AdoptionError("the configuration names no ledger (dbfile): start the daemon first, and adopt then")
    now, told = time.time(), Tally()
    try:
        ledger = Ledger(server.dbfile, most_matches=server.dbmaxmatches)
    except (sqlite3.Error, ValueError) as error:
        raise AdoptionError(f"the ledger {server.dbfile} cannot be used: {error}") from error
    try:
        for taken in take_in_portions(ledger, memory.bans, now=now):
            told.note(taken)
        standing = {jail.name: ledger.standing(jail.name, now=now) for jail in configuration.jails}
    except LedgerError as error:
        raise AdoptionError(f"the ledger {server.dbfile} cannot be written: {error}") from error
    finally:
        ledger.close()
    barred, troubles = asyncio.run(_bar(configuration, standing)) if os.geteuid() == 0 else (0, ())
    sums = told.result(memory.remarks)
    return Outcome(
        "ledger", sums.standing, sums.past, sums.known, len(sums.remarks), sums.remarks[:1000], barred, troubles
    )


async def _bar(configuration: Configuration, standing: Mapping[str, list[Ban]]) -> tuple[int, tuple[str, ...]]:
    """Put the bans of each jail with the native firewall into the kernel; how many, and what went wrong."""
    barred, troubles = 0, []
    firewalls = Firewalls(table=NftTable(), fence=Fence(), cutter=Cutter(), clock=time.time)
    try:
        for jail in configuration.jails:
            bans = standing[jail.name]
            for spec in jail.actions if bans else ():
                if spec.native not in NATIVE:
                    continue
                try:
                    failed = await firewalls.make(jail, spec).start(bans)
                except (ValueError, ActionError, NftError, OSError) as error:
                    troubles.append(f"jail {jail.name!r}: {error}")
                else:
                    barred += len(bans) - len(failed)
    finally:
        firewalls.close()
    return barred, tuple(troubles)
