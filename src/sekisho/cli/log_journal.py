"""The daemon's lines in the systemd journal, the last first, then those that come; read by `journalctl`."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sekisho.cli.log_lines import LogLine, Wanted, parse_line, with_message

_FIELDS = "MESSAGE,PRIORITY,LOGGER,SYSLOG_IDENTIFIER,SYSLOG_PID,_PID"
_LEVELS = {"2": "CRITICAL", "3": "ERROR", "4": "WARNING", "5": "NOTICE", "6": "INFO", "7": "DEBUG"}
"""Syslog's severities (RFC 5424, table 2) as the log names its levels."""

OF_TARGET = ("SYSLOG_IDENTIFIER=fail2ban",)
"""What the daemon writes with `logtarget = journal`."""
OF_UNITS = ("_SYSTEMD_UNIT=sekisho.service", "+", "_SYSTEMD_UNIT=fail2ban.service")
"""What it writes to syslog, or to streams that systemd gave it."""


class JournalError(Exception):
    """The journal cannot be read; the text says why."""


class LogJournal:
    """The entries that `matches` find; `options` are more words for `journalctl`."""

    def __init__(self, matches: Sequence[str], options: Sequence[str] = ()) -> None:
        self._matches = matches
        self._options = options
        self._newest = ""  # the cursor of the newest entry that was there

    def close(self) -> None:
        """Nothing is held between two readings."""

    def backwards(self, _wanted: tuple[Wanted, ...] = ()) -> Iterator[LogLine]:
        """Yield the lines that are there, the last first. Raises JournalError."""
        for entry in self._entries("--reverse"):
            self._newest = self._newest or str(entry["__CURSOR"])
            yield _line(entry)

    def follow(self) -> Iterator[LogLine]:
        """Yield each line that comes after those that `backwards` began with, without end. Raises JournalError."""
        where = ("--lines=all", f"--after-cursor={self._newest}") if self._newest else ("--lines=0",)
        yield from map(_line, self._entries("--follow", *where))

    def _entries(self, *how: str) -> Iterator[Mapping[str, Any]]:
        command = ["journalctl", "--quiet", "--no-pager", "--output=json", f"--output-fields={_FIELDS}"]
        command += [*self._options, *how, *self._matches]
        try:
            reader = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as error:
            raise JournalError(f"journalctl cannot be started ({error.strerror}): is there a journal?") from error
        with reader:
            assert reader.stdout is not None
            assert reader.stderr is not None
            try:
                yield from map(json.loads, reader.stdout)
            finally:  # whoever has seen enough closes us
                if reader.poll() is None:
                    reader.terminate()
            complaint = reader.stderr.read().decode(errors="replace").strip()
        if reader.returncode > 0:
            raise JournalError(complaint or f"journalctl ended with status {reader.returncode}")


def _line(entry: Mapping[str, Any]) -> LogLine:
    micros = int(entry["__REALTIME_TIMESTAMP"])
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(micros // 1_000_000))
    part, message = f"{micros // 1000 % 1000:03d}", _text(entry, "MESSAGE")
    pid = _text(entry, "SYSLOG_PID") or _text(entry, "_PID")
    if logger := _text(entry, "LOGGER"):
        level = _LEVELS.get(_text(entry, "PRIORITY"), "")
        return with_message(LogLine("", stamp, part, logger, pid, level), message)
    identifier = _text(entry, "SYSLOG_IDENTIFIER")
    if identifier.startswith("fail2ban."):  # the journal took the logger's name from a line of syslog
        message = f"{identifier}[{pid or 0}]: {message}"
    return parse_line(message, stamp=stamp, part=part)


def _text(entry: Mapping[str, Any], name: str) -> str:
    """Return a field; bytes that are no text come as a list of numbers."""
    value = entry.get(name)
    if isinstance(value, list):
        return bytes(each for each in value if isinstance(each, int)).decode("utf-8", "backslashreplace")
    return str(value or "")
