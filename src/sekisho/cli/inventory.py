"""What a host has: programs that run or are installed, logs, units of the journal. Reads files beneath a root only."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sekisho.config.files import matches

_COMM = 15  # characters of a process' name that the kernel keeps, proc_pid_comm(5)
_BIN = ("usr/sbin", "usr/bin", "usr/local/sbin", "usr/local/bin", "sbin", "bin", "usr/libexec")
_UNITS = ("etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
_JOURNALS = ("var/log/journal", "run/log/journal")
_UNIT = re.compile(r"_SYSTEMD_UNIT=(\S+)")
_NAME = re.compile(r"(?:_COMM|SYSLOG_IDENTIFIER)=(\S+)")


class Inventory:
    """The host beneath `root`, as it was when first asked. What cannot be read is not there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @functools.cached_property
    def running(self) -> frozenset[str]:
        """The names of all processes, cut as the kernel cuts them."""
        return frozenset(_texts(self.root.glob("proc/[0-9]*/comm")))

    @functools.cached_property
    def has_journal(self) -> bool:
        """Whether journald keeps entries here."""
        return any(any((self.root / folder).glob("*/*.journal")) for folder in _JOURNALS)

    def find_process(self, programs: Iterable[str]) -> str | None:
        """Return the first of the programs that runs."""
        return next((program for program in programs if program[:_COMM] in self.running), None)

    def find_program(self, programs: Iterable[str]) -> str | None:
        """Return the path of the first of the programs that is installed, as it is on that host."""
        paths = (f"/{folder}/{program}" for program in programs for folder in _BIN)
        return next((path for path in paths if (self.root / path[1:]).is_file()), None)

    def find_logs(self, patterns: Iterable[str]) -> list[str]:
        """Return the files that these globs name, as they are called on that host."""
        top = str(self.root).rstrip("/")
        return [path.removeprefix(top) for pattern in patterns for path in matches(f"{top}{pattern}")]

    def find_in_journal(self, journalmatch: Sequence[str]) -> str | None:
        """Return the first unit or program of a `journalmatch` that this host has, if it has a journal too."""
        if not self.has_journal:
            return None
        text = " ".join(journalmatch)
        for unit in _UNIT.findall(text):
            if any((self.root / folder / unit).is_file() for folder in _UNITS):
                return str(unit)
        return self.find_process(_NAME.findall(text))


def _texts(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        try:
            yield path.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:  # the process has ended
            continue
