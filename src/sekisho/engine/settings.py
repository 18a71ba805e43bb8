"""The server's own settings while it runs: changed by hand or by a reload, and what each change brings about.

What only a start can change (the socket, the pid file) is not here. The database can be another one only while no jail
runs, since what is remembered of a jail would be left behind (COMPAT 6.1).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Protocol

from sekisho.engine.api import Refused
from sekisho.engine.preview import LIVE_SERVER
from sekisho.ledger.ledger import Ledger, LedgerError
from sekisho.model.duration import parse_duration
from sekisho.model.specs import ServerSpec
from sekisho.model.switch import parse_ipv6

_NOWHERE = ("none", ":memory:")


class LogControl(Protocol):
    """What may be done to the daemon's log."""

    def flush(self) -> str:
        """Reopen it; what was done, as COMPAT 6.2 words it."""

    def set_level(self, level: str) -> str:
        """Set the level; raises ValueError for an unknown one."""

    def set_target(self, target: str) -> None:
        """Write to another target; raises ValueError or OSError, and changes nothing, when it cannot be."""

    def set_syslogsocket(self, path: str) -> None:
        """Reach syslog by another socket; raises as `set_target`."""


class ServerSettings:
    """The settings in force, `spec`, and the only one who changes them."""

    def __init__(
        self,
        spec: ServerSpec,
        *,
        log_control: LogControl,
        ledger: Ledger,
        jails: Collection[object],
        allow_ipv6: Callable[[str], None],
    ) -> None:
        self.spec = spec
        self._log = log_control
        self._ledger = ledger
        self._jails = jails
        self._allow_ipv6 = allow_ipv6
        self._changes: Mapping[str, Callable[[str], Any]] = {
            "loglevel": self._set_loglevel,
            "logtarget": self._set_logtarget,
            "syslogsocket": self._set_syslogsocket,
            "dbfile": self._set_dbfile,
            "dbmaxmatches": self._set_dbmaxmatches,
            "dbpurgeage": lambda text: int(parse_duration(text)),
            "allowipv6": self._set_allowipv6,
            "stacksize": self._set_stacksize,
        }

    def change(self, option: str, text: str) -> None:
        """Let an option be as `text` says until the server ends.

        Raises ValueError where the text means nothing, and Refused where it cannot be; then nothing has changed.
        """
        self.spec = replace(self.spec, **{option: self._changes[option](text)})

    def take_over(self, fresh: ServerSpec) -> None:
        """Let what can change while the server runs be as a reload finds it; the rest holds until the next start."""
        self._ledger.most_matches = fresh.dbmaxmatches
        level = self._log.set_level(fresh.loglevel)
        self.spec = replace(self.spec, **{name: getattr(fresh, name) for name in LIVE_SERVER} | {"loglevel": level})

    def flush_log(self) -> str:
        """Reopen the log; raises Refused, and writes on where it wrote, when it cannot be opened."""
        try:
            return self._log.flush()
        except OSError as error:
            raise Refused(f"The log cannot be reopened: {error}") from error

    def _set_loglevel(self, text: str) -> str:
        try:
            return self._log.set_level(text)
        except ValueError as error:
            raise Refused(f"Invalid log level {text!r}") from error

    def _set_logtarget(self, text: str) -> str:
        try:
            self._log.set_target(text)
        except (OSError, ValueError) as error:
            raise Refused("Failed to change log target") from error
        return text

    def _set_syslogsocket(self, text: str) -> str:
        try:
            self._log.set_syslogsocket(text)
        except OSError as error:
            raise Refused("Failed to change log target") from error
        return text

    def _set_dbfile(self, text: str) -> str | None:
        if self._jails:
            raise Refused("Cannot change database when there are jails present")
        path = None if text.lower() in _NOWHERE else text
        try:
            self._ledger.move(path)
        except (LedgerError, OSError) as error:
            raise Refused(str(error)) from error
        return path

    def _set_dbmaxmatches(self, text: str) -> int:
        self._ledger.most_matches = most = int(text)
        return most

    def _set_allowipv6(self, text: str) -> str:
        mode = parse_ipv6(text)
        self._allow_ipv6(mode)
        return mode

    def _set_stacksize(self, text: str) -> int:
        wanted = json.loads(text)
        size = int(wanted["stacksize"] if isinstance(wanted, dict) and wanted.keys() == {"stacksize"} else wanted)
        threading.stack_size(size // 4 * 4096)  # whole pages: some systems take nothing else
        return size
